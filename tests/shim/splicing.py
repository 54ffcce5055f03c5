"""What XFilter does to a message, on bytes instead of files. Used by the tests of splicing; must never touch a file."""
from __future__ import annotations

import io
from collections.abc import Callable
from email.message import Message

from courier import _splice


def parse(data: bytes) -> Message:
    """The message as a filter sees it."""
    return _splice.read(io.BytesIO(data))[1]


def rewritten(data: bytes, change: Callable[[Message], Message | None]) -> bytes:
    """The message as it is after a filter has changed it, or has returned another one."""
    original, message = _splice.read(io.BytesIO(data))
    message = change(message) or message
    written = _splice.join(original, message, lambda: io.BytesIO(data))
    if written is None:
        return data
    out = io.BytesIO()
    out.writelines(written.chunks(original, io.BytesIO(data)))
    _splice.check(original, message, written, out)
    return out.getvalue()


def texts(message: Message) -> list[Message]:
    """The parts that are text."""
    return [part for part in message.walk() if part.get_content_maintype() == "text" and not part.is_multipart()]


def insert(part: Message, text: str) -> None:
    """Puts text in front of a part's, byte for byte: get_payload() would decode."""
    part.set_payload(text + (getattr(part, "_payload") or ""))
