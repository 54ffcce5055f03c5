"""Clients that go on asking a server while a test does something to it.

    with server, Load(server, 16) as load:
        ...                          # meanwhile
        replies = load.finish()

Used by tests of what must not lose a message. A refused connection is an answer too, for the test to judge. Must not
outlive its test: clients whose server has gone ask in vain thousands of times a second.
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

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self.replies.append(self._server.ask(timeout=PATIENCE))
            except OSError as error:
                self.replies.append(error.with_traceback(None))  # which would keep the socket

    def wait_for(self, reply: bytes) -> None:
        wait_until(f"the reply {reply!r}", lambda: reply in self.replies[-4:], PATIENCE)

    def finish(self) -> list[object]:
        self._end.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        return self.replies
