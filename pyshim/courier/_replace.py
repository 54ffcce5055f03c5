"""Replaces a file by new content in one step: either all of the new content is there or all of the old.

For courier.xfilter only. The content goes into a temporary file beside the old one, under a name that Courier overlooks
(a first letter C or D would make it a queue file), is synced, and is renamed over the old file with mode and group
kept.
"""

from __future__ import annotations

import os
import tempfile


class ReplaceError(OSError):
    """The file was not replaced."""


def identity(status: os.stat_result) -> tuple[int, int, int, int]:
    """Returns what is equal as long as nobody has changed or exchanged a file."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def replace(path: str, data: bytes, expected: tuple[int, int, int, int]) -> os.stat_result:
    """Replaces a file.

    Args:
        path: the file.
        data: its new content.
        expected: the identity() of the file that the new content was made of.

    Returns:
        The status of the new file.

    Raises:
        OSError: it was not replaced; the old file is as it was.
        ReplaceError: because it is not the expected one any more.
    """
    directory = os.path.dirname(path) or "."
    descriptor, temporary = tempfile.mkstemp(prefix=".pythonfilter.", dir=directory)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            old = os.stat(path)
            if identity(old) != expected:
                raise ReplaceError(f"{path} was changed by somebody else, or belongs to another message")
            _keep_owner(file.fileno(), old)
            os.fsync(file.fileno())
            new = os.fstat(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync_directory(directory)
    return new


def _keep_owner(descriptor: int, old: os.stat_result) -> None:
    try:
        os.fchown(descriptor, old.st_uid, old.st_gid)
    except PermissionError:
        # Mail that a local user sends belongs to that user. Courier reaches the file through its group.
        os.fchown(descriptor, -1, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o7777)


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
