"""The file name of a MIME part, out of headers that may be broken on purpose.

For the filter attachments only. The email package's own reading comes first, because that is what most programs make of
such a header; where it gives up, all pieces that could be part of a name are offered. Nothing in here raises on any
header.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from email.message import Message
from urllib.parse import unquote_to_bytes

_ENCODED_WORD = re.compile(r"=\?([^?\s]*)\?([bBqQ])\?([^?]*)\?=(?:\s+(?==\?))?")
_NAME_PARAMETER = re.compile(r"""name(?:\*\d*)*\s*=\s*("[^"]*"?|[^\s;]*)""", re.IGNORECASE)


def of(part: Message) -> Iterator[str]:
    """Yields the file name of a part, decoded; nothing when it has none, several when it cannot be told which is meant.

    Args:
        part: a part as the email package parsed it.
    """
    try:
        name = part.get_filename()
    except (ValueError, LookupError, TypeError, AttributeError):
        # Parameters in pieces (RFC 2231) with impossible numbers or charsets.
        for header in ("Content-Disposition", "Content-Type"):
            yield from map(decoded, _pieces(str(part.get(header, ""))))
        return
    if name:
        yield decoded(name)


def _pieces(header: str) -> list[str]:
    """Everything in a header that is given as a name or a piece of one, and all of it in one."""
    values = [match.group(1).strip('"') for match in _NAME_PARAMETER.finditer(header)]
    pieces = [_text(unquote_to_bytes(value.rpartition("'")[2]), "utf-8") for value in values]
    return [*pieces, "".join(pieces)]


def decoded(text: str) -> str:
    """Decodes the encoded words of RFC 2047 in a text, quoted ones too; what is no good encoding stays as it is."""
    return _ENCODED_WORD.sub(_word, text)


def _word(match: re.Match[str]) -> str:
    charset, encoding, content = match.groups()
    raw = content.encode("utf-8", "replace")
    try:
        data = binascii.a2b_base64(raw + b"==") if encoding in "bB" else quopri.decodestring(raw, header=True)
    except ValueError:
        return match.group()
    return _text(data, charset.partition("*")[0])


def _text(data: bytes, charset: str) -> str:
    try:
        return str(data, charset, "replace")
    except (LookupError, ValueError):  # no such charset, or one that is none: idna, undefined
        return str(data, "latin-1")
