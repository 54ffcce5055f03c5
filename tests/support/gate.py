"""Gate: a filter that holds its message until the test lets it go, so that tests need no sleeps to meet a busy worker.

    gate = Gate(server)                                # Server(filters={"gate": GATE})
    held = server.send(gate.message())                 # its worker now waits
    gate.wait_for_held(1)
    gate.open()                                        # this one and all later ones go on
    assert held.read_reply() == b"200 Ok\\n"

Used by the component tests of the message path. A message without a gate gets the verdict in its first line at once.
"""
from __future__ import annotations

import os

from .ctl import Ctl
from .server import Server
from .spool import Message
from .wait import wait_until

GATE = """
import os
import time

def do_filter(body, controls):
    with open(body, encoding='utf-8', errors='replace') as message:
        verdict = message.readline().partition('Verdict: ')[2].strip()
        gate = message.readline().partition('Gate: ')[2].strip()
    if gate:
        with open(gate + '.held', 'ab', 0) as held:
            held.write(b'x')
        while not os.path.exists(gate):
            time.sleep(0.005)
    return verdict
"""


class Gate:
    """One gate, shut until open()."""

    def __init__(self, server: Server, name: str = "gate") -> None:
        self._server = server
        self._path = server.spool.path / "tmp" / name  # where the filter may write

    def message(self, verdict: str = "") -> Message:
        """A message that is held at this gate, and then gets the verdict."""
        return self._server.spool.message(f"Verdict: {verdict}\nGate: {self._path}\n\nbody\n".encode())

    def held(self) -> int:
        """How many messages have come to the gate so far."""
        path = self._path.with_name(self._path.name + ".held")
        return os.stat(path).st_size if path.exists() else 0

    def wait_for_held(self, count: int) -> None:
        wait_until(f"{count} messages at the gate", lambda: self.held() >= count)

    def open(self) -> None:
        self._path.touch()


def wait_until_read(server: Server) -> None:
    """Until the master has read all that clients sent before this call.

    The client that it answers by itself comes behind them. But it may have accepted one before its request was there:
    it reads that in the next round of events. A request by another socket is answered in that round or a later one.
    """
    with server.connect() as client:
        client.send(b"\n")
        assert client.read_reply().startswith(b"451 ")
    for _ in range(2):
        assert Ctl(server).ask(b"status\n")
