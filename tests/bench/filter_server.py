"""FilterServer: the server under test as a peer in dev/bench, started as courierfilter starts it.

Its log goes through a pipe into a file, read by cat. Must leave no process behind.
"""
from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping

from support.log_reader import LogReader
from support.server import Server

from .peer import MESSAGES, Peer, Pids, messages

NOTHING = "def do_filter(body_path, control_paths):\n    return ''\n"


def pool(workers: int, more: str = "") -> str:
    """A configuration with one pool of so many workers; `more`: further keys of the pool."""
    return f"pools: {{default: {{workers: {workers}{more and ', '}{more}}}}}\n"


class FilterServer(Peer):
    """The server under test."""

    name = "pythonfilter"

    def __init__(self, filters: Mapping[str, str], config: str, body: bytes = b"", count: int = MESSAGES) -> None:
        """`filters` and `config` as for Server; `body` of the messages that the clients ask about, so many of them."""
        super().__init__()
        self._filters, self._config, self._body, self._count = filters, config, body, count

    def start(self) -> None:
        self.server = LoggingServer(filters=self._filters, config=self._config)
        self._stack.push(self.server)
        self.server.start()
        self.socket_path = self.server.socket_path
        self.requests = [message.request for message in messages(self.server.spool, self._body, self._count)]

    def pids(self) -> Pids:
        return server_pids(self.server)

    def end_of_log(self) -> str:
        return "; ".join(self.server.events()[-5:])


def server_pids(server: Server) -> Pids:
    return {"guardian": [server.pid], "master": [server.master_pid()], "zygote": server.zygote_pids(),
            "worker": server.worker_pids()}


class LoggingServer(Server):
    """A Server whose log a small C program reads: a reader in Python would cost as much as what is measured."""

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]  # passed on as they are
        self._log = self._log_file = _LogFile()

    def events(self) -> list[str]:
        """The lines of the log that are not about a message."""
        return self._log_file.events()


class _LogFile(LogReader):
    """Lets cat read the pipe. What was read is only looked at when something failed."""

    def __init__(self) -> None:
        super().__init__()
        self._file = tempfile.TemporaryFile(dir="/tmp")
        self._readers: list[subprocess.Popen[bytes]] = []

    def follow(self, fd: int) -> None:
        self._readers.append(subprocess.Popen(["cat"], stdin=fd, stdout=self._file))
        os.close(fd)

    def lines(self) -> list[str]:
        size = os.fstat(self._file.fileno()).st_size
        tail = os.pread(self._file.fileno(), 20_000, max(0, size - 20_000))
        return tail.decode(errors="replace").splitlines()

    def events(self) -> list[str]:
        found: list[str] = []
        with open(f"/proc/self/fd/{self._file.fileno()}", errors="replace") as stream:
            for line in stream:
                if "CPU TIME ACCOUNTING: " not in line and " filters=" not in line:
                    found.append(line.rstrip("\n"))
        return found

    def join(self) -> None:
        for reader in self._readers:
            reader.wait(5.0)
        self._file.close()
