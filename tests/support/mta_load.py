"""SMTP clients in threads that keep a private Courier busy while a test disturbs it; a watch over the socket's name.

Used by tests/e2e. Clients go on until the test has seen enough answers, at most MOST messages each. Must never leave a
thread behind, and never take "nothing happened" for success: every count that a claim needs is asked for.
"""
from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from .mta import Courier
from .mta_server import BOB, EVE, is_marked, names_of, told
from .smtp import Dialogue
from .wait import wait_until

MOST = 400
_IN_MOVED_FROM, _IN_CREATE, _IN_DELETE, _IN_NONBLOCK = 0x40, 0x100, 0x200, 0o4000
_libc = ctypes.CDLL(None, use_errno=True)


class NameWatch:
    """Sees every moment in which a name leaves a directory: the kernel tells, nothing is sampled."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = _libc.inotify_init1(_IN_NONBLOCK)
        flags = _IN_MOVED_FROM | _IN_DELETE | _IN_CREATE
        if _libc.inotify_add_watch(self._fd, os.fsencode(path.parent), flags) < 0:
            raise OSError(ctypes.get_errno(), f"inotify: {path.parent}")

    def __enter__(self) -> NameWatch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        os.close(self._fd)

    def losses(self) -> int:
        """How often the name went away since the last call. A rename over it is no loss."""
        lost = 0
        while True:
            try:
                events = os.read(self._fd, 65536)
            except BlockingIOError:
                return lost
            while events:
                _, mask, _, length = struct.unpack_from("iIII", events)
                name = events[16:16 + length].rstrip(b"\0")
                lost += name == os.fsencode(self._path.name) and bool(mask & (_IN_MOVED_FROM | _IN_DELETE))
                events = events[16 + length:]


@dataclass(frozen=True)
class Sent:
    """One message and what its client saw; `trouble` when there was no answer."""

    name: str
    dialogue: Dialogue | None
    trouble: str = ""

    @property
    def accepted(self) -> bool:
        return self.dialogue is not None and self.dialogue.accepted


class Load:
    """`clients` threads, each with one session for message after message, told to do what `source` says."""

    def __init__(self, mta: Courier, clients: int = 4, source: str = "time.sleep(0.02)\nreturn ''") -> None:
        self._mta = mta
        self._source = source
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._sent: list[Sent] = []
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _work(self, client: int) -> None:
        for number in range(MOST):
            if self._end.is_set():
                return
            name = f"load-{client}-{number}"
            try:
                sent = Sent(name, self._mta.send(EVE, [BOB], told(self._source, name=name), timeout=30))
            except Exception as problem:  # shown by the test, which expects none
                sent = Sent(name, None, f"{type(problem).__name__}: {problem}")
            with self._lock:
                self._sent.append(sent)

    def sent(self) -> list[Sent]:
        with self._lock:
            return list(self._sent)

    def wait_accepted(self, count: int, timeout: float = 30.0) -> None:
        """Waits until that many more messages have been accepted."""
        goal = self._accepted() + count
        wait_until(f"{goal} accepted messages", lambda: self._accepted() >= goal, timeout)

    def wait_answers(self, code: int, count: int, timeout: float = 30.0) -> None:
        """Waits until that many more messages have got this code."""
        def seen() -> int:
            return sum(sent.dialogue is not None and sent.dialogue.last.code == code for sent in self.sent())

        goal = seen() + count
        wait_until(f"{goal} answers {code}", lambda: seen() >= goal, timeout)

    def _accepted(self) -> int:
        return sum(sent.accepted for sent in self.sent())

    def refusals(self) -> Counter[str]:
        """The answers that were no accept, and troubles, with their numbers."""
        others = [sent for sent in self.sent() if not sent.accepted]
        return Counter(str(sent.dialogue.last) if sent.dialogue else sent.trouble for sent in others)


def assert_delivered(mta: Courier, load: Load) -> None:
    """What was accepted has been delivered once, with the mark; what was not accepted has not been delivered."""
    accepted = Counter(sent.name for sent in load.sent() if sent.accepted)
    assert accepted, "no message was accepted at all"
    mta.wait_queue_empty(30)
    messages = mta.messages("bob")
    assert Counter(names_of(messages)) == accepted
    assert all(map(is_marked, messages))
