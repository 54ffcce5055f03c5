"""Every directory of src begins with a head file: what the directory is for, and what is in it."""
from __future__ import annotations

import re
from pathlib import Path

import checkout
import pytest


def head_comment(directory: str) -> str:
    """The comment on top of <directory>.h, or of <directory>.cpp where nobody includes the directory."""
    names = [Path("src", directory, directory + suffix) for suffix in (".h", ".cpp")]
    head = next((name for name in names if name in checkout.files()), None)
    assert head is not None, f"src/{directory} has no {directory}.h"
    return re.match(r"(//[^\n]*\n)*", checkout.text(head)).group()  # type: ignore[union-attr]  # matches the empty text


@pytest.mark.parametrize("directory", checkout.source_directories())
def test_the_head_file_lists_each_header(directory: str) -> None:
    comment = head_comment(directory)
    assert len(comment.splitlines()) >= 3
    headers = [path for path in checkout.sources(directory) if path.suffix == ".h" and path.stem != directory]
    unnamed = [path.name for path in headers if not re.search(rf"\b{path.stem}(\.h|\.\*|\b)", comment)]
    assert not unnamed, f"src/{directory}: its head file does not name {', '.join(unnamed)}"


@pytest.mark.parametrize("directory", checkout.source_directories())
def test_the_head_file_lists_nothing_else(directory: str) -> None:
    named = re.findall(r"\b(\w+\.(?:h|cpp))\b", head_comment(directory))
    present = {path.name for path in checkout.files()} | {"Python.h", "ev.h"}
    assert [name for name in named if name not in present] == []


def test_every_source_opens_with_what_it_is_for() -> None:
    silent = [str(path) for directory in checkout.source_directories() for path in checkout.sources(directory)
              if path.suffix == ".h" and not checkout.text(path).startswith("//")]
    assert not silent


def test_every_python_file_opens_with_what_it_is_for() -> None:
    silent = [str(path) for path in checkout.files() if path.suffix == ".py" and checkout.text(path).strip()
              and not re.match(r'(#![^\n]*\n)?(#[^\n]*\n)*\s*"""', checkout.text(path))]
    assert not silent
