"""Bench: what a part of dev/bench is given, and where it leaves what it found: tables, figures, targets, wrong answers.

Also take_turns(), the one way in which parts compare: everybody once in each round, another one first each time, so
that what disturbs the machine for seconds disturbs all of them. Must never know a server.
"""
from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .figures import Series, Target

K = TypeVar("K")
T = TypeVar("T")
MISSED = 3
MAX_COLUMNS = 120


class Bench:
    """One run of dev/bench."""

    def __init__(self, quick: bool, record: bool = False) -> None:
        self.quick = quick
        self.record = record              # what is found is what counts from now on, for parts that know such a thing
        self.data: dict[str, Any] = {}    # for people with other questions: all figures of all rounds
        self.targets: list[Target] = []
        self.wrong: list[str] = []        # answers that should not have been, and parts that failed
        self._shown: list[str] = []

    def pick(self, full: T, quick: T) -> T:
        """One of two sizes of a measurement."""
        return quick if self.quick else full

    def show(self, text: str) -> None:
        """Prints a table or a line, and keeps it for the file of the results."""
        self.progress("")
        print(text, flush=True)
        self._shown.append(text)

    def progress(self, text: str) -> None:
        """What is being done now, on one line that is written over; a log gets a line of its own."""
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif text:
            print(f"dev/bench: {text}", file=sys.stderr, flush=True)

    def status(self) -> int:
        """The exit status."""
        if self.wrong:
            return 1
        return 0 if all(target.reached for target in self.targets) else MISSED

    def text(self) -> str:
        """All that was shown."""
        return "\n".join(self._shown) + "\n"

    def as_json(self) -> str:
        found = {**self.data, "targets": [target.as_json() for target in self.targets], "wrong": self.wrong}
        return compact(json.dumps(rounded(found), indent=2)) + "\n"


def take_turns(bench: Bench, what: str, rounds: int, groups: Sequence[Mapping[K, Callable[[], T]]]) -> dict[K, list[T]]:
    """Runs all turns of all rounds.

    Args:
        bench: Is told the progress.
        what: What is measured, for that.
        rounds: How many.
        groups: Turns that are compared with each other, by the name of whose turn it is.

    Returns:
        For each name what its turns returned, one for each round.
    """
    found: dict[K, list[T]] = {name: [] for group in groups for name in group}
    for number in range(rounds):
        bench.progress(f"{what}, round {number + 1} of {rounds}")
        for group in groups:
            names = list(group)
            first = number % len(names)
            for name in names[first:] + names[:first]:
                found[name].append(group[name]())
    return found


def write_result(path: Path, content: str) -> None:
    """Writes a file that is to be committed, and gives it to the owner of its directory."""
    path.write_text(content)
    owner = path.parent.stat()
    shutil.chown(path, owner.st_uid, owner.st_gid)
    print(f"dev/bench: wrote {path.relative_to(Path(__file__).resolve().parents[2])}")


def series(turns: Sequence[object], figure: str) -> Series:
    """One attribute of all turns."""
    return Series(tuple(getattr(turn, figure) for turn in turns))


def rounded(value: Any) -> Any:
    """The same for JSON, with five significant digits: more say nothing, and people read it."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Series):
        return rounded(value.as_json())
    if isinstance(value, dict):
        return {str(key): rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, (list, tuple)) else value


def compact(text: str) -> str:
    """JSON with each list of a few numbers, and each series of a few rounds, on one line."""
    def joined(match: re.Match[str]) -> str:
        line = re.sub(r"(?<=[\[{]) | (?=[\]}])", "", " ".join(match.group().split()))
        before = match.string[:match.start()].rpartition("\n")[2]
        return line if len(before + line) < MAX_COLUMNS else match.group()
    lists = re.sub(r"\[[\s\d.,e+-]+\]", joined, text)
    return re.sub(r"\{[^{}:]*\"median\": [^{}]*\}", joined, lists)
