"""Puts a changed message together from the bytes it was read from: what was not changed keeps its bytes.

For courier.xfilter only. The email package would fold, unfold and respace headers that nobody touched, and so break
their signatures. So the original is cut into header fields, each beside what the email package made of it; a field that
still stands in the message is written with its old bytes, and the body too unless a part of it changed. Nothing in here
touches a file.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Sequence
from email.generator import BytesGenerator
from email.header import Header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Any, NamedTuple

# Written lines keep the folds they have; a new field is folded only when it has to be.
_NO_FOLDING = compat32.clone(max_line_length=None)
_LONGEST_LINE = 998

_FIELD_START = re.compile(rb"From |[!-9;-~]*:|[ \t]")  # what the email package takes for a header line
_LONE_CR = re.compile(rb"\r(?!\n)")
_NAME = re.compile(r"[!-9;-~]+")
_BREAK_OUT = re.compile(r"[\r\0]|\n(?![ \t]+[^ \t\n])")  # a fold, LF and blanks before text, is no break


class SpliceError(ValueError):
    """The message cannot be written as it is."""


class Field(NamedTuple):
    """A header field: the email package's name and value, and the bytes that they stand for."""

    name: str
    value: str
    raw: bytes


class Original(NamedTuple):
    """A message as it was read."""

    prefix: bytes  # lines before the first field that are none, such as an mbox line
    fields: list[Field]
    body: bytes  # all the rest, with the empty line before it
    shape: Any  # of the parsed body, see shape_of()
    boundary: str | None

    @property
    def data(self) -> bytes:
        """All of it, byte for byte."""
        return self.prefix + b"".join(field.raw for field in self.fields) + self.body


def read(data: bytes) -> tuple[Original, Message]:
    """Cuts a message into its fields and its body.

    Args:
        data: the file's content.

    Returns:
        The pieces, and the message as the email package sees it. In its header a CR alone is a blank, so that it cannot
        make one field look like two.

    Raises:
        SpliceError: the email package sees other fields.
    """
    lines, body = _header_lines(data)
    prefix, fields = _fields(lines)
    header = _LONE_CR.sub(b" ", b"".join(lines))
    message: Message = BytesParser(policy=compat32).parsebytes(header + body)
    if [(field.name, field.value) for field in fields] != list(message.raw_items()):
        raise SpliceError("the header cannot be cut into fields")
    return Original(prefix, fields, body, shape_of(message), message.get_boundary()), message


def written(data: bytes, message: Message) -> Original:
    """Cuts what join() made of a message, so that the message can be changed and joined again.

    Args:
        data: the file's content.
        message: what it was made of.
    """
    lines, body = _header_lines(data)
    return Original(*_fields(lines), body, shape_of(message), message.get_boundary())


def _header_lines(data: bytes) -> tuple[list[bytes], bytes]:
    lines = []
    at = 0
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        if not _FIELD_START.match(data, at, end):
            break
        lines.append(data[at:end])
        at = end
    if len(lines) > 1 and lines[-1].startswith(b"From "):  # the email package takes it for the first line of the body
        at -= len(lines.pop())
    return lines, data[at:]


def _fields(lines: Sequence[bytes]) -> tuple[bytes, list[Field]]:
    prefix = b""
    groups: list[list[bytes]] = []
    junk: list[bytes] = []  # bytes behind each field that belong to none
    for line in lines:
        start = line[:1] not in b" \t" and not line.startswith((b":", b"From "))
        if start:
            groups.append([line])
            junk.append(b"")
        elif not groups:
            prefix += line
        elif line[:1] in b" \t" and not junk[-1]:
            groups[-1].append(line)
        else:
            junk[-1] += line
    fields = []
    for group, behind in zip(groups, junk):
        texts = [_LONE_CR.sub(b" ", line).decode("ascii", "surrogateescape") for line in group]
        name, value = compat32.header_source_parse(texts)
        fields.append(Field(name, value, b"".join(group) + behind))
    return prefix, fields


def shape_of(message: Message) -> Any:
    """Returns what the body is made of, to compare: equal shapes are written as equal bodies."""
    # get_payload() would decode, and lose what it cannot decode.
    payload = getattr(message, "_payload")
    if isinstance(payload, list):
        payload = [_part_shape(part) for part in payload]
    return payload, message.preamble, message.epilogue


def _part_shape(part: Any) -> Any:
    return list(part.raw_items()), part.get_unixfrom(), shape_of(part)


def join(original: Original, message: Message) -> bytes:
    """Writes the message with as much of the original as still stands.

    Returns:
        The file's content, checked: it is read again as the same fields and the same parts.

    Raises:
        SpliceError: a header is not one that can be written, or a part is not.
    """
    if not isinstance(message, Message):
        raise SpliceError(f"a message is an email.message.Message, not {type(message).__name__}")
    body = original.body
    changed = shape_of(message) != original.shape or message.get_boundary() != original.boundary
    if changed:
        body = _write_body(message)  # first: it may give the message another boundary
    raw_fields = _raw_fields(original, message)
    data = original.prefix + b"".join(raw_fields) + body
    if data == original.data:
        return data
    if not data.endswith(b"\n"):
        data += b"\n"
    if data == b"\n":
        raise SpliceError("the message is empty")
    _check(data, raw_fields, message if changed else None)
    return data


def _raw_fields(original: Original, message: Message) -> list[bytes]:
    left: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for field in reversed(original.fields):
        left[field.name, field.value].append(field.raw)
    raw_fields = []
    for name, value in message.raw_items():
        same = left.get((name, value)) if isinstance(value, str) else None
        raw = same.pop() if same else _write_field(name, value)
        raw_fields.append(raw if raw.endswith(b"\n") else raw + b"\n")
    return raw_fields


def _write_field(name: str, value: Any) -> bytes:
    if not _NAME.fullmatch(name):
        raise SpliceError(f"{name!r} is no name of a header")
    if not isinstance(value, (str, Header)):
        raise SpliceError(f"header {name}: a value is a str, not {type(value).__name__}")
    if _BREAK_OUT.search(str(value)):
        raise SpliceError(f"header {name}: CR, LF or NUL in the value")
    raw = _fold(_NO_FOLDING, name, value)
    return raw if max(map(len, raw.splitlines())) <= _LONGEST_LINE else _fold(compat32, name, value)


def _fold(policy: Any, name: str, value: str | Header) -> bytes:
    raw: bytes = policy.fold_binary(name, value)
    return raw


class _BodyGenerator(BytesGenerator):
    """Writes all of a message but its own header; parts are written by other instances."""

    skip_header = False

    def _write_headers(self, msg: Message) -> None:
        if not self.skip_header:
            super()._write_headers(msg)  # type: ignore[misc]


def _write_body(message: Message) -> bytes:
    out = io.BytesIO()
    generator = _BodyGenerator(out, mangle_from_=False, policy=_NO_FOLDING)
    generator.skip_header = True
    try:
        generator.flatten(message)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise SpliceError(f"a part cannot be written: {error}") from error
    return b"\n" + out.getvalue()


def _check(data: bytes, raw_fields: Sequence[bytes], changed: Message | None) -> None:
    """Proves that what is about to be written means what the filter made."""
    lines, _ = _header_lines(data)
    _, fields = _fields(lines)
    if [field.raw for field in fields] != list(raw_fields):
        raise SpliceError("the written header would be read as another one")
    if changed is None:
        return
    again = BytesParser(policy=compat32).parsebytes(data)
    if [part.get_content_type() for part in again.walk()] != [part.get_content_type() for part in changed.walk()]:
        raise SpliceError("the written parts would be read as other ones")
