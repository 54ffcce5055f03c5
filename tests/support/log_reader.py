"""LogReader: collects the lines a program writes into a pipe or socket, and waits for one of them.

Used by tests/support/server.py. A thread reads, so that the program never finds the pipe full unless a test wants it.
"""
from __future__ import annotations

import io
import os
import re
import socket
import threading
from collections.abc import Callable
from typing import Any


def open_log(in_pieces: bool = False) -> tuple[int, int]:
    """The end to read and the end to write: of a pipe, or of sockets that keep apart what is written."""
    if not in_pieces:
        return os.pipe()
    read, write = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return read.detach(), write.detach()


class _Pieces(io.FileIO):
    """Calls `count` for each piece that is read."""

    def __init__(self, fd: int, count: Callable[[], None]) -> None:
        super().__init__(fd)
        self._count = count

    def readinto(self, buffer: Any) -> int | None:
        size = super().readinto(buffer)
        if size:
            self._count()
        return size


class LogReader:
    """Owns the read end of one pipe after the other; the lines of all are kept in one list."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._reading = threading.Event()
        self._reading.set()
        self._broken = False
        self.pieces = 0  # how often something was read: what was written, where the kernel keeps it apart (SEQPACKET)

    def follow(self, fd: int) -> None:
        """Reads `fd`, which it takes over, until end of file."""
        thread = threading.Thread(target=self._read, args=(fd,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _read(self, fd: int) -> None:
        with io.BufferedReader(_Pieces(fd, self._count)) as stream:
            for raw in stream:
                self._reading.wait()
                if self._broken:
                    return
                with self._changed:
                    self._lines.append(raw.decode(errors="replace").rstrip("\n"))
                    self._changed.notify_all()

    def _count(self) -> None:
        self.pieces += 1

    def pause(self) -> None:
        """Reads no more than what is already on its way, until resume(): the pipe may become full."""
        self._reading.clear()

    def resume(self) -> None:
        self._reading.set()

    def break_off(self) -> None:
        """The pipe has no reader any more, from the next line on."""
        self._broken = True

    def lines(self) -> list[str]:
        with self._changed:
            return list(self._lines)

    def wait_for(self, pattern: str, after: int, timeout: float) -> tuple[int, str]:
        """The first line, from line number `after` on, in which the regular expression matches, and its number."""
        expression = re.compile(pattern)
        looked_at = after

        def find() -> bool:
            nonlocal looked_at
            while looked_at < len(self._lines) and not expression.search(self._lines[looked_at]):
                looked_at += 1
            return looked_at < len(self._lines)

        with self._changed:
            if self._changed.wait_for(find, timeout):
                return looked_at, self._lines[looked_at]
            seen = "\n".join(self._lines)
        raise TimeoutError(f"no log line matches {pattern!r} after {timeout:g} s:\n{seen}")

    def join(self) -> None:
        """Until every writer has gone."""
        self.resume()
        for thread in self._threads:
            thread.join(5.0)
