"""Puts the installed Python of the server first on sys.path, so that the tests run what filters would import.

`envelope` and `message` make the files that a filter is given. Must never touch the installed tree.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.tree import installed_tree  # noqa: E402  # after sys.path

PYTHON = installed_tree() / "usr/lib/pythonfilter/python"
sys.dont_write_bytecode = True
sys.path.insert(0, str(PYTHON))


@pytest.fixture()
def envelope(tmp_path: Path) -> Callable[..., list[str]]:
    """Writes one control file for each text and returns their paths."""
    def write(*contents: str | bytes) -> list[str]:
        paths = [tmp_path / f"control.{number}" for number in range(1, len(contents) + 1)]
        for path, content in zip(paths, contents):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return [str(path) for path in paths]
    return write


@pytest.fixture()
def message(tmp_path: Path) -> Callable[[bytes], str]:
    """Writes the message's file and returns its path."""
    def write(content: bytes) -> str:
        path = tmp_path / "D1"
        path.write_bytes(content)
        path.chmod(0o660)
        return str(path)
    return write


@pytest.fixture()
def courier_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory in the place of Courier's sysconfdir, no modules files, and nothing remembered."""
    from courier import config

    monkeypatch.setattr(config, "sysconfdir", str(tmp_path))
    monkeypatch.setattr(config, "_standard_config_paths", [])
    remembering: Sequence[Callable[..., str]] = (config.me, config.defaultdomain, config.dsnfrom)
    for function in remembering:
        monkeypatch.setattr(function, "__defaults__", ([None],))
    yield tmp_path
