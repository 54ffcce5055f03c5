"""The size of a pool: it grows while messages wait, and shrinks when workers are not needed.

Workers are kept busy by a gate (support/gate.py). What a steady load does over hours is shown by the unit tests of the
policy, with a clock of their own.
"""
from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from support.connection import Connection
from support.gate import GATE, Gate
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.wait import wait_until

WHO = script("import os\nreply = f'550 {os.getpid()}'")
SMALL = "pools: {default: {workers: {min: 1, max: 3, idle: 1s}}}\n"


@contextmanager
def held_messages(server: Server, gate: Gate, count: int, verdict: str = "550 held") -> Iterator[list[Connection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(server.send(gate.message(verdict))) for _ in range(count)]


def sizes(server: Server) -> list[int]:
    """What the log says of the pool's size, in order."""
    found = (re.search(r"pool default: .*(?:grows|shrinks) to (\d+)", line) for line in server.log_lines())
    return [int(match[1]) for match in found if match]


def test_a_pool_grows_while_messages_wait_and_shrinks_when_they_are_gone() -> None:
    with Server(filters={"gate": GATE}, config=SMALL) as server:
        gate = Gate(server)
        assert len(server.worker_pids()) == 1
        with held_messages(server, gate, 6) as clients:
            gate.wait_for_held(3)
            assert len(server.worker_pids()) == 3
            gate.open()
            assert {client.read_reply() for client in clients} == {b"550 held\n"}
        server.wait_for_log("pool default: a worker had nothing to do for 1s, shrinks to 1")
        wait_until("one worker", lambda: len(server.worker_pids()) == 1)
        grown = [size for size in sizes(server) if size == max(sizes(server))]
        assert grown == [3] and sizes(server)[-2:] == [2, 1]
        assert server.ask() == b"200 Ok\n"


def test_a_pool_that_has_shrunk_grows_again() -> None:
    with Server(filters={"gate": GATE}, config=SMALL) as server:
        for number in range(2):
            gate = Gate(server, f"gate{number}")
            with held_messages(server, gate, 2) as clients:
                gate.wait_for_held(2)
                gate.open()
                assert {client.read_reply() for client in clients} == {b"550 held\n"}
            wait_until("one worker", lambda: len(server.worker_pids()) == 1, 20.0)


def test_the_worker_used_last_is_the_one_that_stays() -> None:
    filters = {"gate": GATE, "script": SCRIPT_FILTER}
    with Server(filters=filters, config=SMALL) as server:
        gate = Gate(server)
        with held_messages(server, gate, 3) as clients:
            gate.wait_for_held(3)
            gate.open()
            assert {client.read_reply() for client in clients} == {b"550 held\n"}
        used = server.ask(WHO)
        wait_until("one worker", lambda: server.ask(WHO) == used and len(server.worker_pids()) == 1)
        assert [int(used.split()[1])] == server.worker_pids()


def test_a_number_of_workers_is_kept_however_many_messages_wait() -> None:
    config = """
        pools: {default: {workers: 2}, other: {workers: {min: 1, max: 2}}}
        filters: [{filter: second, pool: other}, gate]
        """
    filters = {"gate": GATE, "second": GATE.replace("Gate: ", "Second: ")}
    with Server(filters=filters, config=config) as server, ExitStack() as stack:
        gate, second = Gate(server), Gate(server, "second")
        clients = stack.enter_context(held_messages(server, gate, 4, ""))
        gate.wait_for_held(2)
        # They wait longer than these two, for which the other pool grows.
        body = second.message().body.replace(b"Gate: ", b"Second: ")
        clients += [stack.enter_context(server.send(server.spool.message(body))) for _ in range(2)]
        second.wait_for_held(2)
        assert gate.held() == 2
        for each in (second, gate):
            each.open()
        assert [client.read_reply() for client in clients] == [b"200 Ok\n"] * 6
        assert sizes(server) == []


def test_a_new_generation_is_proved_with_min_workers() -> None:
    with Server(filters={"gate": GATE}, config=SMALL) as server:
        gate = Gate(server)
        with held_messages(server, gate, 3) as clients:
            gate.wait_for_held(3)
            server.signal(signal.SIGHUP)
            server.wait_for_log("generation 2 serves")
            assert len(server.worker_pids()) == 4  # three of the old one, that are busy
            gate.open()
            assert {client.read_reply() for client in clients} == {b"550 held\n"}
        wait_until("one worker", lambda: len(server.worker_pids()) == 1)
