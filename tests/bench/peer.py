"""Peer: one server that dev/bench asks, as a context manager with its own socket and spool; and what its processes use.

What all peers share; the peers themselves are in peers.py and filter_server.py. Must leave no process behind.
"""
from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from support import processes
from support.spool import Message, Spool
from support.wait import wait_until

MESSAGES = 64  # enough for every number of clients that takes no list of its own

Pids = dict[str, list[int]]  # the processes of a peer, by kind


class Peer:
    """One server that is being compared. `with` starts it."""

    name: str
    socket_path: Path
    requests: list[bytes]
    accepted = {"200 Ok"}  # what it answers
    lines = False          # not Courier's protocol: requests and replies of one line

    def __init__(self) -> None:
        self._stack = ExitStack()

    def start(self) -> None:
        raise NotImplementedError

    def pids(self) -> Pids:
        raise NotImplementedError

    def end_of_log(self) -> str:
        """What its log said last, but for messages; for people, when something is wrong."""
        return ""

    def __enter__(self) -> Self:
        try:
            self.start()
            wait_until(f"the socket of {self.name}", self.socket_path.is_socket)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._stack.close()


def messages(spool: Spool, body: bytes = b"", count: int = MESSAGES) -> list[Message]:
    """Messages with this body, or a short one."""
    return [spool.message(body) if body else spool.message() for _ in range(count)]


def memory_kib(pids: Pids) -> dict[str, int]:
    """Proportional set size by kind of process; of a kind with several, the mean."""
    sizes = {kind: [processes.resident_kib(pid) for pid in numbers] for kind, numbers in pids.items()}
    return {kind: round(sum(found) / len(found)) for kind, found in sizes.items() if found}


def memory_text(sizes: dict[str, int]) -> str:
    return ", ".join(f"{kind} {kib / 1024:.1f} MiB" for kind, kib in sizes.items())


def whole_mib(pids: Pids) -> float:
    """Proportional set size of all processes together."""
    return sum(processes.resident_kib(pid) for numbers in pids.values() for pid in numbers) / 1024


def cpu_seconds(pids: Pids) -> dict[str, float]:
    """CPU time that the processes have used so far, by kind; unlike the time of day it hardly sees other load."""
    return {kind: sum(time.clock_gettime(_cpu_clock(pid)) for pid in numbers) for kind, numbers in pids.items()}


def _cpu_clock(pid: int) -> int:
    """What clock_getcpuclockid(3) gives, which Python lacks."""
    return (~pid << 3) | 2


def bytes_read(pids: Pids) -> dict[str, int]:
    """What the processes have read so far, from files, pipes and sockets, by kind."""
    return {kind: sum(_read_characters(pid) for pid in numbers) for kind, numbers in pids.items()}


def _read_characters(pid: int) -> int:
    return int(Path(f"/proc/{pid}/io").read_text().partition("rchar: ")[2].split()[0])


@contextmanager
def open_files(count: int) -> Iterator[None]:
    """Allows this process, and what it starts, so many open files; more than the hard limit only as root."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(count, soft), max(count, hard)))
    except (ValueError, OSError) as error:
        raise RuntimeError(f"this needs {count} open files; the limit is {hard}, and user {os.getuid()} may not "
                           f"raise it: {error}") from error
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
