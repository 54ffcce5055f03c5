"""Clients of a booted machine that go on sending while a test does something to it.

Used by tests/e2e. Every answer is kept, and every accepted message must arrive with the mark of the filter.
"""
from __future__ import annotations

import re
import threading

from .booted import Booted
from .mta_server import BOB, EVE, is_marked, names_of, told
from .wait import wait_until


class Traffic:
    """Clients that send one message after the other, and keep every answer."""

    def __init__(self, machine: Booted, name: str, clients: int = 4) -> None:
        self._machine = machine
        self._name = name
        self._over = threading.Event()
        self.answers: dict[str, str] = {}
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(clients)]
        self.socket_missing = 0
        self._threads.append(threading.Thread(target=self._look))

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        self.wait_for(4)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        wanted = len(self.answers) + more
        wait_until(f"{wanted} answers", lambda: len(self.answers) >= wanted, 60.0)

    def _send(self, client: int) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            name = f"{self._name}-{client}-{number}"
            try:
                self.answers[name] = str(self._machine.send(EVE, [BOB], told(name=name)).last)
            except Exception as problem:  # is the answer, for the test to judge
                self.answers[name] = f"{type(problem).__name__}: {problem}"

    def _look(self) -> None:
        while not self._over.wait(0.002):
            self.socket_missing += not self._machine.socket_path.is_socket()

    def check(self, *, refusals: str | None, filtered: bool = True) -> None:
        """Every answer is an acceptance or one of the refusals; what was accepted arrives, marked by the filter.

        Args:
            refusals: An expression that each refusal matches; None: there must be none.
            filtered: False: mail may also have passed without the filter.
        """
        assert self.socket_missing == 0 or not filtered
        accepted = {name for name, answer in self.answers.items() if answer.startswith("250 ")}
        others = [answer for name, answer in self.answers.items() if name not in accepted]
        assert [answer for answer in others if refusals is None or not re.match(refusals, answer)] == []
        assert accepted

        def delivered() -> dict[str, bytes]:
            found = [message for message in self._machine.messages("bob") if self._name.encode() in message]
            return {name: message for message in found for name in names_of([message])}

        wait_until("the delivery of all", lambda: set(delivered()) >= accepted, 60.0)
        assert set(delivered()) == accepted
        assert [name for name, message in delivered().items() if filtered and not is_marked(message)] == []
