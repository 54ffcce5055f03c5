"""Many clients at once, in a few processes: each one sends its own messages again and again and checks every reply.

Used by the chaos tests. A reply must be the one that belongs to the message, or one of those that `allowed` names; all
others, and a connection that ends without a reply, are counted as wrong. Must never wait without a deadline.
"""
from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .connection import Connection
from .spool import Message

PROCESSES = 2  # Python threads share one core


@dataclass
class Tally:
    """What a number of clients saw."""

    right: int = 0
    allowed: Counter[bytes] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0  # seconds from connect to the end of the reply

    @property
    def total(self) -> int:
        return self.right + sum(self.allowed.values()) + sum(self.wrong.values())

    def add(self, other: Tally) -> None:
        self.right += other.right
        self.allowed += other.allowed
        self.wrong += other.wrong
        self.slowest = max(self.slowest, other.slowest)


@dataclass(frozen=True)
class Case:
    """A message and the reply that belongs to it."""

    message: Message
    reply: bytes


def run_clients(
    socket_path: Path, clients: Sequence[Sequence[Case]], count: int, allowed: frozenset[bytes] = frozenset(),
    timeout: float = 30.0,
) -> Tally:
    """Sends `count` messages in all; one client for each element of `clients`, with its own messages.

    Args:
        timeout: Seconds for one reply.
    """
    share = count // len(clients)
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[Tally] = context.Queue()
    groups = [list(clients[number::PROCESSES]) for number in range(PROCESSES)]
    workers = [
        context.Process(target=_run_group, args=(socket_path, group, share, allowed, timeout, results), daemon=True)
        for group in groups
    ]
    for worker in workers:
        worker.start()
    tally = Tally()
    for _ in workers:
        tally.add(results.get(timeout=1200))
    for worker in workers:
        worker.join(10)
    return tally


def _run_group(
    socket_path: Path, group: Sequence[Sequence[Case]], share: int, allowed: frozenset[bytes], timeout: float,
    results: multiprocessing.Queue[Tally],
) -> None:
    tallies = [Tally() for _ in group]
    threads = [
        threading.Thread(target=_run_client, args=(socket_path, cases, share, allowed, timeout, tally))
        for cases, tally in zip(group, tallies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Tally()
    for tally in tallies:
        total.add(tally)
    results.put(total)


def _run_client(
    socket_path: Path, cases: Sequence[Case], share: int, allowed: frozenset[bytes], timeout: float, tally: Tally
) -> None:
    for number in range(share):
        case = cases[number % len(cases)]
        begin = time.monotonic()
        try:
            with Connection(socket_path) as connection:
                connection.send(case.message.request)
                reply = connection.read_reply(timeout)
        except OSError as error:
            tally.wrong[f"{type(error).__name__}: {error}"] += 1
            continue
        tally.slowest = max(tally.slowest, time.monotonic() - begin)
        if reply == case.reply:
            tally.right += 1
        elif reply in allowed:
            tally.allowed[reply] += 1
        else:
            tally.wrong[f"{reply!r} instead of {case.reply!r}"] += 1
