"""Changing a message: XFilter reads it, a filter edits the email.message.Message, submit() writes it back.

The file is replaced in one step and only when something changed; on any error the original stays. Header fields that
were not touched keep their bytes, and so does the body when no part of it changed, so signatures survive.
"""

from __future__ import annotations

import os
from email.errors import MessageError
from email.message import Message
from functools import partial
from typing import Any, BinaryIO

from courier import _native, _replace, _splice, control

__all__ = ["DummyXFilter", "InitError", "XFilter", "XFilterError"]

# What reading or writing a message can fail with: the disk, and what the email package raises on broken messages.
_ERRORS = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError)


class XFilterError(Exception):
    """The message could not be changed; it is as it was."""


class InitError(XFilterError):
    """The message or its control data could not be read."""


class XFilter:
    """A message that a filter may change.

    >>> xfilter = XFilter("example", body_path, control_paths)
    >>> message = xfilter.get_message()
    >>> message["Subject"]
    'hello'
    >>> message["X-Filtered-By"] = "example"
    >>> xfilter.submit()
    ''

    Attributes:
        message: the message; assign headers, delete them, walk the parts.
        filter_name: who changes it.
        body_path: its file.
        control_paths: its control files.
        control_data: what courier.control.get_control_data() said when it was read.
    """

    def __init__(self, filter_name: str, body_path: str, control_paths: control.ControlPaths) -> None:
        """Reads a message.

        Args:
            filter_name: the filter's name, for its own use.
            body_path: the message's file.
            control_paths: its control files.

        Raises:
            InitError: one of the files cannot be read or understood.
        """
        self.filter_name = filter_name
        self.body_path = body_path
        self.control_paths = control_paths
        try:
            self._read()
            self.control_data: dict[str, Any] = control.get_control_data(control_paths)
        except _ERRORS as error:
            raise InitError(f"{body_path}: {type(error).__name__}: {error}") from error

    def _read(self) -> None:
        with open(self.body_path, "rb") as file:
            self._identity = _replace.identity(os.fstat(file.fileno()))
            self._check_turn()
            self._original, self.message = _splice.read(file)

    def _check_turn(self) -> None:
        """Raises OSError when the server has given the path to another message, or has ended this one."""
        if _native._task_file_id(self.body_path) not in (None, self._identity[:2]):
            raise OSError("the file now belongs to another message")

    def get_message(self) -> Message:
        """Returns the message, to look at and to edit in place."""
        return self.message

    def set_message(self, message: Message) -> None:
        """Puts another message in the place of this one; submit() writes it."""
        self.message = message

    def get_control_data(self) -> dict[str, Any]:
        """Returns the control data as they were at the start. Changing the dict changes no file."""
        return self.control_data

    def submit(self) -> str:
        """Writes the message back if anything was changed.

        Returns:
            '', which do_filter() may return.

        Raises:
            XFilterError: it cannot be written (a header that is no str or holds CR, LF or NUL, a part that is not
                text, a full disk, a file that somebody else changed meanwhile). The original stays.
        """
        try:
            self._write()
        except _ERRORS as error:
            raise XFilterError(f"{self.body_path}: {type(error).__name__}: {error}") from error
        return ""

    def _write(self) -> None:
        written = _splice.join(self._original, self.message, self._open)
        if written is None:
            return
        self._check_turn()
        status, original = _replace.replace(self.body_path, partial(self._put, written), self._identity)
        _native._replace_task_file(self.body_path, status.st_dev, status.st_ino)
        # A second submit() starts from here.
        self._identity = _replace.identity(status)
        self._original = original

    def _open(self) -> BinaryIO:
        return _replace.open_expected(self.body_path, self._identity)

    def _put(self, written: _splice.Written, new: BinaryIO) -> _splice.Original:
        with self._open() as old:
            new.writelines(written.chunks(self._original, old))
        return _splice.check(self._original, self.message, written, new)

    # Names of older filters.
    getMessage = get_message
    setMessage = set_message
    getControlData = get_control_data


class DummyXFilter(XFilter):
    """An XFilter that writes nothing: in the place of XFilter it lets a filter run on a message that must stay."""

    def submit(self) -> str:
        """Does nothing.

        Returns:
            ''.
        """
        return ""
