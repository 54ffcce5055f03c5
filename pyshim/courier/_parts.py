"""The parts of a body and the bytes that they stand for: where each begins and ends, and which of them have changed.

For courier._splice. A body of which something has changed is put together from the bytes of the parts that have not,
and from the lines between them; only the changed part is written anew. The places are found in the bytes by the rules
of the email package's parser and are compared with what it found, so that a part cannot be mistaken for another one.
Nothing in here touches a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from itertools import takewhile
from typing import Any, NamedTuple

from courier import _header
from courier._header import Fields, SpliceError

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
DELIVERY_STATUS = "message/delivery-status"
_NEWLINE = re.compile(rb"\r\n|\r|\n")


class Known(NamedTuple):
    """What a part was when it was read."""

    part: Message  # kept, so that its id() stays its own
    items: list[tuple[str, Any]]
    payload: Any  # the payload of a leaf
    children: list[Known] | None
    preamble: str | None
    epilogue: str | None
    boundary: str | None
    kind: str  # its content type


class Place(NamedTuple):
    """Where a part stands in the bytes of its message."""

    start: int
    header: Fields | None  # None: the email package sees another one; such a part can be kept, but not changed
    body: int  # the empty line in front of it is the body's
    end: int
    children: list[Place] | None = None  # None: they have not been found


def known(part: Any) -> Known:
    """Notes what a part is, all parts in it included."""
    # get_payload() would decode, and lose what it cannot decode.
    payload = getattr(part, "_payload")
    children = [known(child) for child in payload] if isinstance(payload, list) else None
    return Known(part, list(part.raw_items()), None if children is not None else payload, children, part.preamble,
                 part.epilogue, part.get_boundary(), part.get_content_type())


def same(old: Known, part: Any) -> bool:
    """Whether a part, with all that is in it, is what it was."""
    return isinstance(part, Message) and old.items == list(part.raw_items()) and same_body(old, part)


def same_body(old: Known, part: Message) -> bool:
    """Whether the body of a part is what it was."""
    payload = getattr(part, "_payload")
    if old.children is None:
        return type(payload) is type(old.payload) and bool(payload == old.payload)
    return same_frame(old, part) and all(map(same, old.children, payload))


def same_frame(old: Known, part: Message) -> bool:
    """Whether there are as many parts in this part as there were, and the same lines around them."""
    payload = getattr(part, "_payload")
    return (old.children is not None and isinstance(payload, list) and len(payload) == len(old.children)
            and (part.get_boundary(), part.get_content_type().partition("/")[0], part.preamble, part.epilogue)
            == (old.boundary, old.kind.partition("/")[0], old.preamble, old.epilogue))


def find(part: Known, data: bytes, start: int, end: int) -> Place:
    """Finds a part.

    Args:
        part: what the email package made of the bytes from start to end.
        data: the message.
    """
    ahead = (match.group() for match in _LINE.finditer(data, start, end))
    lines = _header.without_body(list(takewhile(_header.looks_like_header, ahead)))
    header = _header.cut(lines)
    if header.items != part.items:
        return Place(start, None, start, end)
    return find_children(part, data, Place(start, header, start + sum(map(len, lines)), end))


def find_children(part: Known, data: bytes, place: Place) -> Place:
    """Finds the parts in a part of which the header is known."""
    newline = _NEWLINE.match(data, place.body, place.end)
    begin = newline.end() if newline else place.body
    if part.children is None:
        return place if _has_text(part, data, begin, place.end) else place._replace(header=None)
    spans: list[tuple[int, int]] = []
    if part.kind.startswith("multipart/"):
        spans = list(_between_boundaries(data, begin, place.end, part.boundary or ""))
    elif part.kind == DELIVERY_STATUS:
        spans = list(_between_empty_lines(data, begin, place.end))
    else:
        spans = [(begin, place.end)]
    if len(spans) != len(part.children):
        return place
    return place._replace(children=[find(child, data, *span) for child, span in zip(part.children, spans)])


def _has_text(part: Known, data: bytes, begin: int, end: int) -> bool:
    # The email package drops lines of a multipart without parts, and the empty line in front of a line like mbox's.
    if part.kind.startswith("multipart/") or data.startswith(b"From ", begin):
        return True
    return bool((part.payload or "") == data[begin:end].decode("ascii", "surrogateescape"))


def _between_boundaries(data: bytes, begin: int, end: int, boundary: str) -> Iterator[tuple[int, int]]:
    marker = b"--" + boundary.encode("ascii", "surrogateescape")
    found = re.compile(re.escape(marker) + rb"(--)?[ \t]*(?:\r\n|\r|\n|\Z)").finditer(data, begin, end)
    lines = [line for line in found if data[line.start() - 1:line.start()] in (b"", b"\n", b"\r")]
    at = 0
    while at < len(lines) and not lines[at].group(1):
        start = lines[at].end()
        at += 1
        while at < len(lines) and lines[at].start() == start:  # boundaries in a row are one
            start = lines[at].end()
            at += 1
        yield start, _without_newline(data, start, lines[at].start() if at < len(lines) else end)


def _between_empty_lines(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The blocks of fields that a delivery status consists of; an empty line ends one and does not begin another."""
    newline = _NEWLINE.match(data, end)
    behind = newline.end() if newline else end  # the newline that belongs to a boundary counts here
    start = at = begin
    for line in _LINE.finditer(data, begin, behind):
        at = line.end()
        if line.group()[:1] in b"\r\n":
            yield start, min(line.start(), end)
            start = at
    if start < behind or at == begin:
        yield start, end


def _without_newline(data: bytes, start: int, end: int) -> int:
    for newline in (b"\r\n", b"\n", b"\r"):
        if data.endswith(newline, start, end):
            return end - len(newline)
    return end


def codec(part: Message) -> str:
    """Returns what get_payload() decodes 8-bit text by."""
    charset = part.get_content_charset() or "ascii"
    try:
        "".encode(charset)
    except (LookupError, ValueError):
        return "ascii"
    return charset


def shown(part: Message, text: str) -> str:
    """Returns what get_payload() makes of a text with 8-bit bytes."""
    return text.encode("ascii", "surrogateescape").decode(codec(part), "replace")


def expect_same(made: Message, read: Message) -> None:
    """Compares what a filter made with what is read again.

    Raises:
        SpliceError: the parts, the names of their fields or their texts differ.
    """
    if made.get_content_type() != read.get_content_type() or made.keys() != read.keys():
        raise SpliceError("the written parts would be read as other ones")
    ours, theirs = getattr(made, "_payload"), getattr(read, "_payload")
    if isinstance(ours, list) and made.get_content_type() == DELIVERY_STATUS:
        # Text that was added to a block of fields becomes a block of its own.
        if not isinstance(theirs, list) or _blocks(ours) != _blocks(theirs):
            raise SpliceError("the written delivery status would be read as another one")
    elif isinstance(ours, list):
        ours = ours or [Message()]  # a multipart without parts is written with an empty one
        if not isinstance(theirs, list) or len(ours) != len(theirs):
            raise SpliceError("the written parts would be read as more or fewer")
        for ours_one, theirs_one in zip(ours, theirs):
            expect_same(ours_one, theirs_one)
    elif not isinstance(theirs, str) or _plain(ours) not in (_plain(theirs), _plain(shown(made, theirs))):
        raise SpliceError("the written text would be read as another one")


def _blocks(blocks: list[Any]) -> tuple[list[str], str]:
    texts = [getattr(block, "_payload") for block in blocks]
    if any(isinstance(text, list) for text in texts):
        raise SpliceError("a block of a delivery status has parts")
    return [name for block in blocks for name in block.keys()], "\n".join(filter(None, map(_plain, texts)))


def _plain(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").rstrip("\r\n")
