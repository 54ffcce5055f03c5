"""Load: the load client (load_client.cpp) as an object, for dev/bench and for tests that need a server under load.

    with Load(server.socket_path, [server.spool.message() for _ in range(16)], clients=16, seconds=5) as load:
        ...                      # meanwhile
        result = load.finish()
    assert result.unanswered == 0

Every run is bounded by a number of messages or of seconds, and ends with the object. Must never be given the same
message twice in one list: two clients would ask about the same control file at the same time.
"""
from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from support.spool import Message
from support.tree import installed_tree


RIGHT = "(the right one)"


@dataclass(frozen=True)
class Result:
    """What one run of the load client saw."""

    clients: int
    messages: int               # answered with exactly one well-formed reply
    seconds: float
    messages_per_second: float
    p50_us: int                 # latencies of those, from connect to the end (of a submit: of the reply)
    p99_us: int
    max_us: int
    replies: dict[str, int]     # by text, without the last line end; sums up to `messages`; RIGHT if replies were given
    wrong: dict[str, int]       # of those in `replies`: not the reply that its message must get
    malformed: dict[str, int]   # anything else that came before the end of file
    eof: int                    # end of file without a byte: Courier answers 432
    refused: int                # connect failed
    timeouts: int               # no end of file in time
    backlog_full: int           # connects that had to be made again

    @property
    def unanswered(self) -> int:
        """Attempts that did not end in exactly one well-formed reply."""
        return sum(self.malformed.values()) + self.eof + self.refused + self.timeouts


def program(name: str) -> Path:
    """A program of tests/bench, built together with the installed tree: D/meson beside D/root (dev/build)."""
    path = installed_tree().resolve().parent / "meson" / "tests" / "bench" / name
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is missing: run dev/build --tests")
    return path


class Load:
    """One run of the load client, from construction on."""

    def __init__(self, socket: Path, messages: Iterable[Message | bytes], *, clients: int = 1, count: int = 0,
                 seconds: float = 0.0, timeout: float = 30.0, replies: Sequence[str] = (),
                 allowed: Iterable[str] = (), lines: bool = False, submits: bool = False) -> None:
        """Starts it.

        Args:
            socket: Where the server listens.
            messages: Messages in the server's spool, or requests about them; at least one for each client.
            clients: How many ask at the same time.
            count: End after so many messages.
            seconds: End after so long. One of the two must be given.
            timeout: Seconds after which a client gives up waiting for a reply.
            replies: What each message must get, one line without its end; none: any well-formed reply is right.
            allowed: What a message may get instead.
            lines: A request is one line, and so is a reply: not Courier's protocol.
            submits: Each client is a process of its own that waits in read(2), as Courier's submit does (submits.h);
                for runs that `seconds` bounds. Else one process is all of them, with poll(2).
        """
        requests = b"".join(message if isinstance(message, bytes) else message.request for message in messages)
        self._list = tempfile.NamedTemporaryFile(prefix="load-", dir="/tmp")
        self._list.write(requests)
        self._list.flush()
        self._replies = tempfile.NamedTemporaryFile("w", prefix="load-", dir="/tmp")
        self._replies.write("".join(f"{reply}\n" for reply in replies))
        self._replies.flush()
        options = {"socket": socket, "messages": self._list.name, "clients": clients, "count": count,
                   "seconds": seconds, "timeout": timeout}
        if replies:
            options["replies"] = self._replies.name
        command = [str(program("load_client")), *(f"--{name}={value}" for name, value in options.items()),
                   *(f"--allowed={text}" for text in allowed), *(["--lines"] if lines else []),
                   *(["--submits"] if submits else [])]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def finish(self, timeout: float = 120.0) -> Result:
        """Waits for the end of the run."""
        printed, _ = self.process.communicate(timeout=timeout)
        if self.process.returncode != 0:
            raise RuntimeError(f"the load client failed with status {self.process.returncode}")
        found = json.loads(printed)
        latency = found.pop("latency_us")
        return Result(**found, **{f"{name}_us": value for name, value in latency.items()})

    def __enter__(self) -> Load:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._list.close()
        self._replies.close()


def run_load(socket: Path, messages: Iterable[Message | bytes], *, clients: int = 1, count: int = 0,
             seconds: float = 0.0, timeout: float = 30.0, replies: Sequence[str] = (), allowed: Iterable[str] = (),
             limit: float = 0.0, lines: bool = False, submits: bool = False) -> Result:
    """One run from start to end; the arguments are those of Load. `limit`: seconds for a run that `count` bounds."""
    with Load(socket, messages, clients=clients, count=count, seconds=seconds, timeout=timeout, replies=replies,
              allowed=allowed, lines=lines, submits=submits) as load:
        return load.finish(timeout=max(limit, seconds + timeout + 60.0))
