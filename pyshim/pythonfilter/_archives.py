"""The names of the files in an attached archive, within bounds that a message cannot stretch.

For the filter attachments only. Zip archives are read by the headers before each file and in the directory at the end:
so a damaged archive is read as far as it goes, and archives in archives too, within a Budget. All other formats take
the module libarchive (Debian: python3-libarchive-c); without it they are not looked into. Nothing is written to disk.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

_LOCAL = b"PK\x03\x04"
_HEADER = re.compile(rb"PK(?:\x03\x04|\x01\x02)")
_LOCAL_FIELDS = struct.Struct("<8xH16xHH")  # method, length of the name, length of the extra field
_DIRECTORY_FIELDS = struct.Struct("<10xH16xHH14x")  # the same
_DEFLATED = 8
_LONGEST_NAME = 1024  # bytes; of a longer one the end counts
_CHUNK = 4096  # bytes fed at once; they unpack to 4 MiB at most
_FIRST = 512  # bytes that unpack to the first four of any file


class TooMuch(Exception):
    """The archives of a message are larger, longer or deeper than any that people send."""


class Budget:
    """What may be spent on the archives of one message.

    Attributes:
        kept: bytes that may still be held in memory: names, and archives unpacked out of archives.
        passed: bytes that may still be unpacked in passing, to find what comes after them.
        entries: entries that may still be listed.
        depth: how many archives may lie in one another.
    """

    def __init__(self, kept: int = 32 << 20, passed: int = 1 << 30, entries: int = 100_000, depth: int = 5) -> None:
        self.kept = kept
        self.passed = passed
        self.entries = entries
        self.depth = depth

    def spend(self, kept: int = 0, passed: int = 0, entries: int = 0) -> None:
        """Counts what was used.

        Raises:
            TooMuch: it is more than there was.
        """
        self.kept -= kept
        self.passed -= passed
        self.entries -= entries
        if min(self.kept, self.passed, self.entries) < 0:
            raise TooMuch("the attached archives are too large")


def _load_libarchive() -> Any:
    try:
        import libarchive  # type: ignore[import]
    except (ImportError, OSError, AttributeError, TypeError):  # the last three: there is no C library behind it
        return None
    return libarchive


_libarchive = _load_libarchive()


def entries(data: bytes, budget: Budget) -> Iterator[str]:
    """Yields the names in an archive; nothing for what is none.

    Args:
        data: the attachment, any bytes.
        budget: of the message.

    Raises:
        TooMuch: the budget is used up.
    """
    if _HEADER.search(data):
        yield from _zip_entries(data, budget)
    elif data and _libarchive:
        yield from _other_entries(data, budget)


def _zip_entries(data: bytes, budget: Budget) -> Iterator[str]:
    waiting = [(data, 1)]
    while waiting:
        archive, depth = waiting.pop()
        if depth > budget.depth:
            raise TooMuch("the attached archives are nested too deeply")
        for header in _HEADER.finditer(archive):
            entry = _entry_at(archive, header.start(), header.group() == _LOCAL)
            if entry is None:
                continue
            budget.spend(kept=len(entry.name), entries=1)
            yield entry.name
            if entry.is_packed and _first_bytes(archive, entry.content) == _LOCAL:
                waiting.append((_unpacked(archive, entry.content, budget), depth + 1))


class _Entry(NamedTuple):
    name: str
    is_packed: bool  # and the content follows
    content: int  # where it starts


def _entry_at(archive: bytes, at: int, local: bool) -> _Entry | None:
    """What a header says; None when it is cut off."""
    fields = _LOCAL_FIELDS if local else _DIRECTORY_FIELDS
    if len(archive) - at < fields.size:
        return None
    method, length, extra = fields.unpack_from(archive, at)
    start = at + fields.size
    end = start + length
    name = str(archive[max(start, end - _LONGEST_NAME):end], "utf-8", "replace")
    return _Entry(name, local and method == _DEFLATED, end + extra)


def _first_bytes(archive: bytes, start: int) -> bytes:
    try:
        return zlib.decompressobj(-15).decompress(archive[start:start + _FIRST], len(_LOCAL))
    except zlib.error:
        return b""


def _unpacked(archive: bytes, start: int, budget: Budget) -> bytes:
    """What is packed at a place, as far as it can be unpacked."""
    unpacker = zlib.decompressobj(-15)
    pieces = []
    for at in range(start, len(archive), _CHUNK):
        try:
            pieces.append(unpacker.decompress(archive[at:at + _CHUNK]))
        except zlib.error:
            break
        # What is fed counts too: it may unpack to nothing.
        budget.spend(kept=len(pieces[-1]), passed=_CHUNK)
        if unpacker.eof:
            break
    return b"".join(pieces)


def _other_entries(data: bytes, budget: Budget) -> Iterator[str]:
    try:
        with _libarchive.memory_reader(data) as archive:
            for entry in archive:
                # To find the next entry, all of this one is unpacked.
                budget.spend(passed=entry.size or 0, entries=1)
                path = entry.pathname
                yield str(path, "utf-8", "replace") if isinstance(path, bytes) else path or ""
    except _libarchive.ArchiveError:
        return  # not an archive, or damaged from here on
