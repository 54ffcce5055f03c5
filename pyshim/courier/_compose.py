"""Writes a message anew, with the old bytes of every part and every field that has not changed.

For courier._splice. Nothing in here touches a file.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from email.message import Message
from itertools import chain, repeat
from typing import Any

from courier import _header, _parts
from courier._header import Fields, SpliceError
from courier._parts import Known, Place

_NOTHING = Fields(b"")
_Pair = tuple[Known | None, Place | None]
_NEW: _Pair = (None, None)


class Composer:
    """Puts bodies together.

    Attributes:
        data: the message as it was.
    """

    def __init__(self, data: bytes, old: Known, place: Place) -> None:
        """Learns where each part of the old message is; a filter may have put it anywhere."""
        self.data = data
        self._old = {id(part.part): (part, at) for part, at in _all_parts(old, place)}

    def body(self, part: Message, old: Known | None, place: Place | None) -> bytes:
        """Writes the body of a part.

        Args:
            part: the part as it shall be.
            old: what it was, or what was at its place.
            place: where that is.

        Returns:
            Its bytes, the empty line in front included.

        Raises:
            SpliceError: the part cannot be written.
        """
        if old and place and _parts.same_body(old, part):
            return self.data[place.body:place.end]
        payload = getattr(part, "_payload")
        if not isinstance(payload, list):
            return b"\n" + _text(part, payload, old)
        for child in payload:
            if not isinstance(child, Message):
                raise SpliceError(f"a part is an email.message.Message, not {type(child).__name__}")
        children = self._children(part, old, place)
        if part.get_content_type() == _parts.DELIVERY_STATUS:
            children = [*map(_whole_lines, children[:-1]), *children[-1:]]
        if old and place and place.children and _parts.same_frame(old, part):
            return b"".join(_in_frame(self.data, place, children))
        if part.get_content_maintype() == "multipart":
            return _multipart(part, children)
        if part.get_content_type() == _parts.DELIVERY_STATUS:
            return b"\n" + b"\n".join(children)
        if part.get_content_maintype() != "message" or len(children) != 1:
            raise SpliceError(f"a part of the type {part.get_content_type()} has parts")
        return b"\n" + children[0]

    def _children(self, part: Message, old: Known | None, place: Place | None) -> list[bytes]:
        before: list[_Pair] = list(zip(old.children or [], place.children or [])) if old and place else []
        if old and old.children and not before and old.kind != _parts.DELIVERY_STATUS:
            raise SpliceError("the parts cannot be told apart in the message's bytes")
        pairs = zip(getattr(part, "_payload"), chain(before, repeat(_NEW)))
        return [self._part(child, *pair) for child, pair in pairs]

    def _part(self, part: Message, old: Known | None, place: Place | None) -> bytes:
        old, place = self._old.get(id(part), (old, place))
        if old and place and _parts.same(old, part):
            return self.data[place.start:place.end]
        if place and place.header is None:
            raise SpliceError("a part cannot be found in the message's bytes")
        body = self.body(part, old, place)  # first: it may give the part a boundary
        header = _header_bytes(place.header if place and place.header else _NOTHING, part)
        return header + (b"\n" if header.endswith(b"\r") else b"") + body


def _all_parts(old: Known, place: Place) -> Iterator[tuple[Known, Place]]:
    yield old, place
    for child, at in zip(old.children or [], place.children or []):
        yield from _all_parts(child, at)


def _whole_lines(text: bytes) -> bytes:
    return text if not text or text.endswith((b"\n", b"\r")) else text + b"\n"


def _header_bytes(before: Fields, part: Message) -> bytes:
    """The header of a part; one at the end of a part may have had no newline."""
    lines = [before.prefix, *_header.raw_fields(before, part)]
    return b"".join(map(_whole_lines, lines))


def _in_frame(data: bytes, place: Place, children: list[bytes]) -> Iterator[bytes]:
    """The parts with the very lines that stood between them."""
    at = place.body
    for child, old in zip(children, place.children or []):
        yield data[at:old.start]
        yield child
        at = old.end
    yield data[at:place.end]


def _multipart(part: Message, children: list[bytes]) -> bytes:
    """The body of a multipart with lines of its own around the parts."""
    boundary = (part.get_boundary() or _new_boundary(part)).encode("ascii", "surrogateescape")
    out = [b"\n"]
    if part.preamble is not None:
        out += [_encode(part.preamble), b"\n"]
    out += [b"--", boundary, b"\n", (b"\n--" + boundary + b"\n").join(children), b"\n--", boundary, b"--\n"]
    if part.epilogue is not None:
        out += [_encode(part.epilogue)]
    return b"".join(out)


def _new_boundary(part: Message) -> str:
    boundary = f"=_{uuid.uuid4().hex}"
    part.set_boundary(boundary)
    return boundary


def _text(part: Message, payload: Any, old: Known | None) -> bytes:
    if payload is None:
        return b""
    if not isinstance(payload, str):
        raise SpliceError(f"the text of a part is a str, not {type(payload).__name__}")
    try:
        text = _encode(payload)
    except UnicodeEncodeError:
        text = _encode_as_shown(part, payload, old.payload if old else None)
    # Courier's lines end in LF, and a text made elsewhere follows them; one that had CRs before may have them again.
    had_crs = old is not None and isinstance(old.payload, str) and "\r\n" in old.payload
    return text if had_crs else text.replace(b"\r\n", b"\n")


def _encode(text: str) -> bytes:
    return text.encode("ascii", "surrogateescape")


def _encode_as_shown(part: Message, text: str, old: Any) -> bytes:
    """Encodes a text that is not ASCII.

    get_payload() decodes 8-bit bytes by their charset, or loses them; a filter adds to that and sets it again. The old
    bytes then stay what they were, and what was added follows their charset.
    """
    charset = _parts.codec(part)
    raw = _encode(old) if isinstance(old, str) else b""
    if not raw.isascii():
        before, shown, after = text.partition(_parts.shown(part, old))
        if shown:
            return before.encode(charset) + raw + after.encode(charset)
    elif str(part.get("Content-Transfer-Encoding", "")).strip().lower() not in ("8bit", "binary"):
        raise SpliceError("text that is not ASCII needs a charset: set_payload(text, 'utf-8')")
    return text.encode(charset)
