"""What must not stand in any file: paths of one machine, tabs, long lines; and the licence."""
from __future__ import annotations

import re

import checkout

MAX_COLUMNS = 120
# A path such as build/root is none of these.
MACHINE_PATH = re.compile(r"(?<![\w.})\"'*>])/(?:wo" r"rk|ro" r"ot|ho" r"me/(?!USER)\w+)\b(?!-)")


def lines_where(test: re.Pattern[str]) -> list[str]:
    return [f"{path}:{number}: {line.strip()}" for path in checkout.written()
            for number, line in enumerate(checkout.text(path).splitlines(), 1) if test.search(line)]


def test_no_paths_of_a_machine() -> None:
    assert lines_where(MACHINE_PATH) == []


def test_no_tabs() -> None:
    found = lines_where(re.compile(r"\t"))
    assert [line for line in found if not line.startswith("debian/rules:")] == []  # a makefile needs them


def test_no_blanks_at_line_ends() -> None:
    assert lines_where(re.compile(r"[ \r]$")) == []


def test_no_file_lacks_its_last_line_end() -> None:
    texts = {str(path): checkout.text(path) for path in checkout.written()}
    assert [name for name, text in texts.items() if text and not text.endswith("\n")] == []


def test_no_line_is_too_long() -> None:
    assert lines_where(re.compile(rf"^.{{{MAX_COLUMNS + 1}}}")) == []


def test_the_licence_is_mit() -> None:
    licence = (checkout.TOP / "LICENSE").read_text()
    assert licence.startswith("MIT License\n") and "WITHOUT WARRANTY OF ANY KIND" in licence
    assert "license: 'MIT'" in (checkout.TOP / "meson.build").read_text()
