"""The Received header that Courier itself put on top of a message: under which name the client had logged in.

For courier.control only. The header is taken for Courier's own when it is the topmost one, has Courier's form, and its
id is the message's (M). Everything else in a message is the sender's word. Must never guess: what can be read in two
ways says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import IO

# Far more than Courier lets pass.
_HEADER_LIMIT_BYTES = 1_000_000

# Received: from HELO (NAME [ADDRESS])
#   (IDENT: ..., AUTH: MECHANISM USER, TLS: ...)
#   by SERVER with ESMTPA id M; DATE
# The client chooses HELO, in which Courier leaves no blanks, and perhaps NAME and what follows IDENT. What stands from
# `by` on is Courier's, and so is the last letter of the protocol: A for a client that has logged in.
_OWN_FORM = re.compile(
    rb"Received: from \S+ \((?:[^\s()]+ )?\[[0-9A-Za-z:.%_-]+\]\) \((?P<clauses>.*)\)"
    rb" by \S+ with (?:ESMTP|UTF8SMTP)S?A id (?P<id>\S+); [^;()]*", re.DOTALL)
_AUTH = re.compile(rb"(?:^|, )AUTH: \S+ (?P<user>.+)", re.DOTALL)


def auth_user(message: IO[bytes], ids: Container[bytes]) -> bytes | None:
    """Finds the AUTH clause of Courier's own Received header.

    Args:
        message: the message's file, read from where it stands.
        ids: the message ids (M) of its control files.

    Returns:
        The user's name; None when Courier's own header is not there, or says nothing of a login.
    """
    match = _OWN_FORM.fullmatch(_topmost_received(message))
    if match is None or match["id"] not in ids:
        return None
    if match["clauses"].count(b"AUTH:") != 1:  # a client's own words (IDENT) may look like the clause
        return None
    clause = _AUTH.search(match["clauses"])
    return None if clause is None else clause["user"].partition(b", TLS: ")[0]


def _topmost_received(message: IO[bytes]) -> bytes:
    """The first Received header with its lines joined, b'' without one; a blank stands for each fold."""
    lines: list[bytes] = []
    left = _HEADER_LIMIT_BYTES
    while left > 0 and (line := message.readline(left)).strip(b"\r\n"):
        left -= len(line)
        if line.startswith((b" ", b"\t")):
            if lines:
                lines.append(line.strip())
        elif lines:
            break
        elif line.partition(b":")[0].rstrip().lower() == b"received":
            lines.append(line.strip())
    return b" ".join(lines)
