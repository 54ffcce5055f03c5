"""Replaces a file by new content in one step: either all of the new content is there or all of the old.

For courier.xfilter only. The content goes into a file without a name in the same directory, is checked and synced, and
takes the old one's place with mode and group kept. It has a name of its own only between two system calls, so a filter
that is killed leaves nothing behind but by bad luck; and that name is one that Courier overlooks (a first letter C or
D would make it a queue file).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import BinaryIO, TypeVar

Identity = tuple[int, int, int, int]
Checked = TypeVar("Checked")

_NEW = os.O_RDWR | os.O_CLOEXEC


class ReplaceError(OSError):
    """The file was not replaced."""


class _NamelessError(Exception):
    """This file system makes no files without names, or there is no /proc to name them by."""


def identity(status: os.stat_result) -> Identity:
    """Returns what is equal as long as nobody has changed or exchanged a file."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def open_expected(path: str, expected: Identity) -> BinaryIO:
    """Opens a file for reading.

    Args:
        path: the file.
        expected: its identity().

    Raises:
        OSError: it cannot be opened.
        ReplaceError: it is another one.
    """
    file = open(path, "rb")
    if identity(os.fstat(file.fileno())) != expected:
        file.close()
        raise ReplaceError(f"{path} was changed by somebody else, or belongs to another message")
    return file


def replace(path: str, write: Callable[[BinaryIO], Checked], expected: Identity) -> tuple[os.stat_result, Checked]:
    """Replaces a file.

    Args:
        path: the file.
        write: writes the new content and looks whether it is right; what it raises keeps the old file. It may be
            called twice.
        expected: the identity() of the file that the new content is made of.

    Returns:
        The status of the new file, and what write() returned.

    Raises:
        OSError: it was not replaced; the old file is as it was.
        ReplaceError: because it is not the expected one any more.
    """
    directory = os.path.dirname(path)
    place = os.open(directory or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            replaced = _by_nameless(path, write, expected, place)
        except _NamelessError:
            replaced = _by_named(path, write, expected, place)
        os.fsync(place)
        return replaced
    finally:
        os.close(place)


def _by_nameless(path: str, write: Callable[[BinaryIO], Checked], expected: Identity,
                 place: int) -> tuple[os.stat_result, Checked]:
    try:
        descriptor = os.open(".", _NEW | os.O_TMPFILE, 0o600, dir_fd=place)
    except OSError as error:
        raise _NamelessError from error
    with open(descriptor, "w+b") as file:
        done = _fill(file, path, write, expected)
        temporary = _unused_name()
        try:  # the descriptors of the directory make it linkat(), which follows the link in /proc
            os.link(f"/proc/self/fd/{descriptor}", temporary, src_dir_fd=place, dst_dir_fd=place)
        except OSError as error:
            raise _NamelessError from error
        _take_place(temporary, path, place)
    return done


def _by_named(path: str, write: Callable[[BinaryIO], Checked], expected: Identity,
              place: int) -> tuple[os.stat_result, Checked]:
    temporary = _unused_name()
    descriptor = os.open(temporary, _NEW | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=place)
    with open(descriptor, "w+b") as file:
        try:
            done = _fill(file, path, write, expected)
        except BaseException:
            os.unlink(temporary, dir_fd=place)
            raise
        _take_place(temporary, path, place)
    return done


def _unused_name() -> str:
    return f".pythonfilter.{secrets.token_hex(8)}"


def _fill(file: BinaryIO, path: str, write: Callable[[BinaryIO], Checked],
          expected: Identity) -> tuple[os.stat_result, Checked]:
    checked = write(file)
    file.flush()
    with open_expected(path, expected) as old:
        _keep_owner(file.fileno(), os.fstat(old.fileno()))
    os.fsync(file.fileno())
    return os.fstat(file.fileno()), checked


def _take_place(temporary: str, path: str, place: int) -> None:
    try:
        os.rename(temporary, os.path.basename(path), src_dir_fd=place, dst_dir_fd=place)
    except BaseException:
        os.unlink(temporary, dir_fd=place)
        raise


def _keep_owner(descriptor: int, old: os.stat_result) -> None:
    try:
        os.fchown(descriptor, old.st_uid, old.st_gid)
    except PermissionError:
        # Mail that a local user sends belongs to that user. Courier reaches the file through its group.
        os.fchown(descriptor, -1, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o7777)
