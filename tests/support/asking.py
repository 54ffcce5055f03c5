"""Clients that go on asking a server while a test does something to it.

Used by tests of what must not lose a message. A refused connection is an answer too, for the test to judge.
"""
from __future__ import annotations

import threading

from .server import Server
from .wait import wait_until

PATIENCE = 60.0  # for one answer


class Load:
    """Clients that ask without a pause, and what they were told."""

    def __init__(self, server: Server, clients: int) -> None:
        self._server, self._end = server, threading.Event()
        self.replies: list[object] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self.replies.append(self._server.ask(timeout=PATIENCE))
            except OSError as error:
                self.replies.append(error)

    def wait_for(self, reply: bytes) -> None:
        wait_until(f"the reply {reply!r}", lambda: reply in self.replies[-4:], PATIENCE)

    def finish(self) -> list[object]:
        self._end.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        return self.replies
