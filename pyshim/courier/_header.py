"""Header fields and the bytes that they stand for: cut apart, and put together again.

For courier._splice and courier._parts. The email package would fold, unfold and respace fields that nobody touched, and
so break their signatures; a field that still stands in a message is written with its old bytes. Nothing in here touches
a file, and nothing lets a value become a second field.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from email.header import Header
from email.message import Message
from email.policy import Policy, compat32
from typing import Any, NamedTuple

LONE_CR = re.compile(rb"\r(?!\n)")
_LONGEST_LINE = 998  # of RFC 5322; a new field is folded only when it has to be

_FIELD_START = re.compile(rb"From |[!-9;-~]*:|[ \t]")  # what the email package takes for a header line
_NAME = re.compile(r"[!-9;-~]+")
_EMPTY_FOLD = re.compile(r"\n[ \t]+(?=\n|\Z)")  # a line of blanks, which real headers have and filters copy
_BREAK_OUT = re.compile(r"[\r\0]|\n(?![ \t]+[^ \t\n])")  # a fold, LF and blanks before text, is no break


class SpliceError(ValueError):
    """The message cannot be written as it is."""


class Field(NamedTuple):
    """A header field: the email package's name and value, and the bytes that they stand for."""

    name: str
    value: str
    raw: bytes


class Fields(NamedTuple):
    """A header block."""

    prefix: bytes  # lines before the first field that are none, such as an mbox line
    fields: Sequence[Field] = ()

    @property
    def items(self) -> list[tuple[str, str]]:
        """What the email package makes of it."""
        return [(field.name, field.value) for field in self.fields]

    @property
    def raw(self) -> bytes:
        """All of it, byte for byte."""
        return self.prefix + b"".join(field.raw for field in self.fields)


def looks_like_header(line: bytes) -> bool:
    """Whether the email package goes on with the header at this line."""
    return bool(_FIELD_START.match(line))


def without_body(lines: list[bytes]) -> list[bytes]:
    """Returns lines that look like a header without a last one that the email package takes for the body's first."""
    return lines[:-1] if len(lines) > 1 and lines[-1].startswith(b"From ") else lines


def cut(lines: Iterable[bytes], blank_cr: bool = False) -> Fields:
    """Cuts a header block into its fields.

    Args:
        lines: its lines.
        blank_cr: a CR alone is a blank, for lines that end in LF.
    """
    prefix = b""
    groups: list[list[bytes]] = []
    junk: list[bytes] = []  # bytes behind each field that belong to none
    for line in lines:
        if line[:1] not in b" \t" and not line.startswith((b":", b"From ")):
            groups.append([line])
            junk.append(b"")
        elif not groups:
            prefix += line
        elif line[:1] in b" \t" and not junk[-1]:
            groups[-1].append(line)
        else:
            junk[-1] += line
    return Fields(prefix, [_field(group, behind, blank_cr) for group, behind in zip(groups, junk)])


def _field(lines: Sequence[bytes], behind: bytes, blank_cr: bool) -> Field:
    seen = [LONE_CR.sub(b" ", line) for line in lines] if blank_cr else lines
    name, value = compat32.header_source_parse([line.decode("ascii", "surrogateescape") for line in seen])
    return Field(name, value, b"".join(lines) + behind)


def raw_fields(before: Fields, part: Message) -> list[bytes]:
    """Writes the fields of a part, each with its old bytes if it had any.

    Raises:
        SpliceError: one of them cannot be written.
    """
    left: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for field in reversed(before.fields):
        left[field.name, field.value].append(field.raw)
    own: dict[tuple[str, str], str] = {}  # fields that the email package shows as a Header, for their 8-bit bytes
    for field in before.fields:
        if isinstance(shown := compat32.header_fetch_parse(field.name, field.value), Header):
            own[field.name, shown.encode()] = field.value
    written = []
    for name, value in part.raw_items():
        if isinstance(value, Header) and own:
            value = own.get((name, value.encode()), value)
        same = left.get((name, value)) if isinstance(value, str) else None
        written.append(same.pop() if same else _write(name, value, part.policy))
    return written


def _write(name: str, value: Any, policy: Policy) -> bytes:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SpliceError(f"{name!r} is no name of a header")
    if not isinstance(value, (str, Header)):
        raise SpliceError(f"header {name}: a value is a str, not {type(value).__name__}")
    if isinstance(value, str) and _EMPTY_FOLD.search(value):
        value = _EMPTY_FOLD.sub("", value)
    if _BREAK_OUT.search(str(value)):
        raise SpliceError(f"header {name}: CR, LF or NUL in the value")
    if isinstance(value, str) and (as_it_is := _ascii_line(name, value)):
        return as_it_is
    raw = _fold(policy, None, name, value)
    return raw if _longest_line(raw) <= _LONGEST_LINE else _fold(policy, 78, name, value)


def _ascii_line(name: str, value: str) -> bytes:
    # Not by the email package: it would break the line at a form feed, too.
    try:
        raw = f"{name}: {value}\n".encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return b""
    return raw if _longest_line(raw) <= _LONGEST_LINE else b""


def _longest_line(raw: bytes) -> int:
    return max(map(len, raw.split(b"\n")))


def _fold(policy: Policy, width: int | None, name: str, value: Any) -> bytes:
    # A part that was made with another policy is folded by that one: it knows which values are addresses.
    seven_bit = {"utf8": False} if hasattr(policy, "utf8") else {}
    raw: bytes = policy.clone(max_line_length=width, linesep="\n", **seven_bit).fold_binary(name, value)
    return raw
