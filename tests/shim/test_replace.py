"""Replacing a file in one step, on file systems that make files without names and on others, whatever fails."""
from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from courier import _replace

OLD, NEW = b"old\n", b"new\n"
Break = Callable[[pytest.MonkeyPatch], None]


def no_nameless_files(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)


def no_names_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")  # as without /proc

    monkeypatch.setattr(os, "link", refuse)


def as_it_is(_: pytest.MonkeyPatch) -> None:
    pass


KINDS = pytest.mark.parametrize("kind", [as_it_is, no_nameless_files, no_names_for_them])


@pytest.fixture()
def path(tmp_path: Path) -> Path:
    path = tmp_path / "D1"
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


def put(file: BinaryIO) -> int:
    return file.write(NEW)


@KINDS
def test_a_file_is_replaced_with_its_mode_and_nothing_is_left(
        path: Path, kind: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    kind(monkeypatch)
    status, written = _replace.replace(str(path), put, _replace.identity(path.stat()))
    assert (path.read_bytes(), written) == (NEW, len(NEW))
    assert _replace.identity(path.stat()) == _replace.identity(status)
    assert path.stat().st_mode & 0o7777 == 0o640 and path.stat().st_nlink == 1
    assert os.listdir(path.parent) == ["D1"]


@KINDS
@pytest.mark.parametrize("fails", ["fsync", "rename", "fchmod"])
def test_on_any_error_the_old_file_stays_alone(
        path: Path, kind: Break, fails: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    kind(monkeypatch)
    monkeypatch.setattr(os, fails, full)
    with pytest.raises(OSError, match="No space left"):
        _replace.replace(str(path), put, _replace.identity(path.stat()))
    assert path.read_bytes() == OLD and os.listdir(path.parent) == ["D1"]


@KINDS
def test_what_is_found_wrong_does_not_take_the_place(path: Path, kind: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(file: BinaryIO) -> None:
        file.write(NEW)
        raise ValueError("wrong")

    kind(monkeypatch)
    with pytest.raises(ValueError, match="wrong"):
        _replace.replace(str(path), wrong, _replace.identity(path.stat()))
    assert path.read_bytes() == OLD and os.listdir(path.parent) == ["D1"]


@KINDS
def test_another_file_is_not_replaced(path: Path, kind: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    kind(monkeypatch)
    before = _replace.identity(path.stat())
    path.write_bytes(b"somebody else's\n")
    with pytest.raises(_replace.ReplaceError, match="somebody else"):
        _replace.replace(str(path), put, before)
    assert path.read_bytes() == b"somebody else's\n" and os.listdir(path.parent) == ["D1"]


def makes_nameless_files(directory: Path) -> bool:
    try:
        os.close(os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o600))
    except OSError:
        return False
    return True


def test_a_process_that_is_killed_while_it_writes_leaves_nothing(path: Path) -> None:
    def killed(file: BinaryIO) -> None:
        put(file)
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            _replace.replace(str(path), killed, _replace.identity(path.stat()))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert path.read_bytes() == OLD
    left = sorted(os.listdir(path.parent))
    assert left == ["D1"] or not makes_nameless_files(path.parent) and left[0].startswith(".pythonfilter.")
