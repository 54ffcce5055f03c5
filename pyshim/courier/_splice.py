"""Puts a changed message together from the bytes it was read from: what was not changed keeps its bytes.

For courier.xfilter only. A header field that still stands in the message is written with its old bytes, and so are the
body and, if something in it changed, the parts that did not. The body stays in the file while a filter is at work: next
to the email package's own copy there is none. What is written is proved by reading it again. Only file objects that
the caller opened are read here, and none is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import compat32
from itertools import chain
from typing import BinaryIO, NamedTuple

from courier import _header, _parts
from courier._compose import Composer
from courier._header import LONE_CR, Fields, SpliceError
from courier._parts import Known, Place

_CHUNK = 1 << 18  # bytes


class Original(NamedTuple):
    """A message as it was read."""

    header: Fields
    body: int  # where the body begins, with the empty line before it
    end: int
    whole_lines: bool  # the last one ends in LF
    parts: Known  # what the message consists of
    found: Known  # the same as it is read from the file, where it may look otherwise once it has been changed


class Written(NamedTuple):
    """What is to be written in the place of a message."""

    prefix: bytes
    fields: list[bytes]
    body: bytes | None  # None: that of the original
    whole_lines: bool

    def chunks(self, original: Original, file: BinaryIO) -> Iterator[bytes]:
        """Yields the content for the new file, of which `file` is the old one."""
        yield self.prefix + b"".join(self.fields)
        if self.body is None:
            yield from _copied(file, original.body, original.end)
        else:
            yield self.body
        if not self.whole_lines:
            yield b"\n"


class _Reading(NamedTuple):
    """What a file looks like."""

    header: Fields
    body: int
    end: int
    whole_lines: bool
    message: Message


def read(file: BinaryIO) -> tuple[Original, Message]:
    """Reads a message.

    Args:
        file: the message's file, at its beginning.

    Returns:
        What is known about it, and the message as the email package sees it. In its header a CR alone is a blank, so
        that it cannot make one field look like two.

    Raises:
        SpliceError: the email package sees other fields.
    """
    seen = _parse(file)
    parts = _parts.known(seen.message)
    return Original(seen.header, seen.body, seen.end, seen.whole_lines, parts, parts), seen.message


def _parse(file: BinaryIO, whole: bool = True) -> _Reading:
    """Reads a message, or only its header and the line behind it."""
    ahead: list[bytes] = []
    first = b""  # line of the body
    for line in file:
        if not _header.looks_like_header(line):
            first = line
            break
        ahead.append(line)
    parser = BytesFeedParser(policy=compat32)
    # All lines that look like header, for one that is the body's must not be cut at a CR and look like two either.
    parser.feed(LONE_CR.sub(b" ", b"".join(ahead)))
    end = sum(map(len, ahead))
    last = b"".join(ahead[-1:])
    for chunk in chain([first], _chunks(file) if whole else []):
        parser.feed(chunk)
        end += len(chunk)
        last = chunk or last
    lines = _header.without_body(ahead)
    header = _header.cut(lines, blank_cr=True)
    message: Message = parser.close()
    if header.items != list(message.raw_items()):
        raise SpliceError("the header cannot be cut into fields")
    return _Reading(header, sum(map(len, lines)), end, last.endswith(b"\n"), message)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_CHUNK), b"")


def _copied(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    while start < end:
        chunk = file.read(min(_CHUNK, end - start))
        if not chunk:
            raise SpliceError("the file has become shorter")
        start += len(chunk)
        yield chunk


def join(original: Original, message: Message, read: Callable[[], BinaryIO]) -> Written | None:
    """Writes the message with as much of the original as still stands.

    Args:
        original: what is known of it.
        message: what it shall be.
        read: opens the original's file; not called while the body is what it was.

    Returns:
        What is to be written; None if that is what the file has.

    Raises:
        SpliceError: a header or a part cannot be written.
    """
    if not isinstance(message, Message):
        raise SpliceError(f"a message is an email.message.Message, not {type(message).__name__}")
    body = None if _parts.same_body(original.parts, message) else _body(original, message, read)  # may change a header
    fields = _header.raw_fields(original.header, message)
    if body is None and fields == [field.raw for field in original.header.fields]:
        return None
    fields = [field if field.endswith(b"\n") else field + b"\n" for field in fields]
    whole_lines = original.whole_lines or original.body == original.end if body is None else body.endswith(b"\n")
    prefix = original.header.prefix
    if prefix and not prefix.endswith(b"\n"):
        prefix += b"\n"
    if not prefix and not fields and (original.body == original.end if body is None else body == b"\n"):
        raise SpliceError("the message is empty")
    return Written(prefix, fields, body, whole_lines)


def _body(original: Original, message: Message, read: Callable[[], BinaryIO]) -> bytes | None:
    with read() as file:
        data = file.read()
    place = Place(0, original.header, original.body, original.end)
    if original.found.children is not None:
        place = _parts.find_children(original.found, data, place)
    body = Composer(data, original.parts, place).body(message, original.parts, place)
    return body if body != data[original.body:] else None


def check(original: Original, message: Message, written: Written, file: BinaryIO) -> Original:
    """Proves that what has been written means what the filter made.

    Args:
        original: what is known of the old file.
        message: what has been written.
        written: what join() made of it.
        file: the new file.

    Returns:
        What is known of the new file.

    Raises:
        SpliceError: it would be read as another message.
    """
    file.seek(0)
    seen = _parse(file, whole=written.body is not None)
    if (seen.header.prefix, [field.raw for field in seen.header.fields]) != (written.prefix, written.fields):
        raise SpliceError("the written header would be read as another one")
    if written.body is not None:
        _parts.expect_same(message, seen.message)
        return Original(*seen[:4], _parts.known(message), _parts.known(seen.message))
    end = file.seek(0, os.SEEK_END)
    items = list(message.raw_items())
    return Original(seen.header, seen.body, end, True, original.parts._replace(part=message, items=items),
                    original.found._replace(items=seen.header.items))
