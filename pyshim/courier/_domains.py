"""Domains as Courier compares them: lower case, xn-- labels decoded, and the lines of the file `locals`.

For courier.config only; reads no files. Courier's rules are widened only where a line would otherwise name nobody.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator


def folded(domain: str) -> str:
    """Returns the spelling in which domains are compared. A label that is no good xn-- label stays as it is."""
    domain = domain.lower()
    if "xn--" not in domain:
        return domain
    return ".".join(map(_decoded, domain.split(".")))


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[len("xn--"):].encode("ascii").decode("punycode").lower()
    except (UnicodeError, IndexError, OverflowError, ValueError):
        return label


def with_parents(domain: str) -> Iterator[str]:
    """The domain, and `.name` of each domain above it, the nearest first."""
    yield domain
    for position, letter in enumerate(domain):
        if letter == "." and position > 0:
            yield domain[position:]


def is_in_lines(domain: str, lines: Iterable[str]) -> bool:
    """Tells whether lines as in `locals` name a domain; the first one that names it decides.

    Args:
        domain: folded.
        lines: names, .names (all domains below), ! before what is not local, * or *.name for the host, # and a comment.
    """
    for line in lines:
        text, hash_sign, _ = line.partition("#")
        # A blank before the comment stays, as it does for Courier, to which the line then names nobody.
        text = folded(text.lstrip() if hash_sign else text.strip())
        if text and _names(text.removeprefix("!"), domain):
            return not text.startswith("!")
    return False


def _names(entry: str, domain: str) -> bool:
    if entry.startswith("*") and domain == folded(socket.gethostname()) + entry[1:]:
        return True
    return entry == domain != "" or (entry.startswith(".") and domain.endswith(entry))
