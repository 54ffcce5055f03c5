"""A syslog of our own: the datagram socket that a private Courier finds at /dev/log.

Used by tests/support/mta.py; tests read the lines and wait for one. Must never touch the machine's own /dev/log.
"""
from __future__ import annotations

import os
import re
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_FORM = re.compile(r"<(?P<priority>\d+)>(?:\w{3} [ \d]\d \d\d:\d\d:\d\d )?"
                   r"(?:(?P<tag>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?: ?)?"
                   r"(?P<text>.*)",
                   re.DOTALL)
_PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")


@dataclass(frozen=True)
class LogLine:
    """One datagram, taken apart."""

    priority: str  # "err", "info", ...
    tag: str  # the program: "courierfilter", "courierd", ...
    text: str

    def __str__(self) -> str:
        return f"{self.tag} {self.priority}: {self.text}"


def parse(datagram: bytes) -> LogLine:
    """Reads the form that syslog(3) writes; what does not fit becomes the text."""
    text = datagram.rstrip(b"\n\0").decode("utf-8", "backslashreplace")
    match = _FORM.match(text)
    if match is None:
        return LogLine("notice", "", text)
    return LogLine(_PRIORITIES[int(match["priority"]) & 7], match["tag"] or "", match["text"])


class SyslogSocket:
    """Collects lines from the moment it is made until close()."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(str(path))
        os.chmod(path, 0o666)
        self._lines: list[LogLine] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._collect, name="syslog", daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        while True:
            datagram = self._socket.recv(65536)
            if not datagram:  # shut down by close()
                return
            with self._changed:
                self._lines.append(parse(datagram))
                self._changed.notify_all()

    def lines(self, tag: str = "") -> list[LogLine]:
        """All lines so far, or those of one program."""
        with self._changed:
            return [line for line in self._lines if not tag or line.tag == tag]

    def mark(self) -> int:
        """The place in the log now, for `after` of wait_for()."""
        with self._changed:
            return len(self._lines)

    def wait_for(self, pattern: str, timeout: float = 10.0, after: int = 0) -> LogLine:
        """Waits for a line whose text or tag and text match the regular expression.

        Raises:
            TimeoutError: None came; the message shows the last lines that did.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + timeout
        seen = after
        with self._changed:
            while True:
                for line in self._lines[seen:]:
                    if wanted.search(str(line)):
                        return line
                seen = len(self._lines)
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    last = "\n  ".join(map(str, self._lines[-20:])) or "(nothing)"
                    raise TimeoutError(f"no line like {pattern!r} within {timeout:g} s; the last were\n  {last}")

    def close(self) -> None:
        """Ends the collecting; the lines stay readable."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()
