"""Clients under load while parts of the server are killed: every client gets one reply, the right one unless its worker
was killed, and afterwards the server is what it was."""
from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from support.clients import Case, run_clients
from support.server import Server
from support.wait import wait_until

CLIENTS = 16
FILTER_FAILED = b"451 4.3.0 Mail filter failed, please try again later\n"
STARTING = b"451 4.3.0 Mail filters are starting, please try again later\n"
# The verdict is in the message, so that a reply that belongs to another message is seen.
ECHO = """
def do_filter(body, controls):
    with open(body, encoding='ascii') as message:
        return message.readline().partition(': ')[2].strip()
"""
CONFIG = "pools: {default: {workers: 4}}\n"


def cases_of(server: Server, client: int) -> list[Case]:
    """Messages of one client: their verdicts name it."""
    verdicts = [f"550 no {client}", f"450 later {client}", "", f"550 {client} never again"]
    return [
        Case(server.spool.message(f"Verdict: {verdict}\n\nbody\n".encode()), (verdict or "200 Ok").encode() + b"\n")
        for verdict in verdicts
    ]


def shape(server: Server) -> tuple[int, int]:
    """Processes and descriptors of the whole tree."""
    return len(server.processes()), server.descriptor_count()


@contextmanager
def killing(victims: Callable[[], list[int]], interval: float, limit: int = 100_000) -> Iterator[list[int]]:
    """Kills one of the victims at random, again and again, `limit` in all. Yields the list of those that were killed."""
    killed: list[int] = []
    end = threading.Event()
    dice = random.Random(1)

    def kill() -> None:
        while not end.wait(interval) and len(killed) < limit:
            if found := victims():
                pid = dice.choice(found)
                try:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
                except ProcessLookupError:
                    pass

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        end.set()
        thread.join()


def test_workers_killed_ten_times_a_second(request: pytest.FixtureRequest) -> None:
    """The short run proves the test; with --full it is 100,000 messages."""
    count = 100_000 if request.config.getoption("--full") else 24_000
    with Server(filters={"echo": ECHO}, config=CONFIG) as server:
        clients = [cases_of(server, number) for number in range(CLIENTS)]
        run_clients(server.socket_path, clients, 20 * CLIENTS)
        before = shape(server)
        with killing(server.worker_pids, 0.1) as killed:
            tally = run_clients(server.socket_path, clients, count, frozenset({FILTER_FAILED}))
        print(f"{tally.total} messages, {len(killed)} workers killed, {sum(tally.allowed.values())} messages lost their worker,"
              f" slowest reply {tally.slowest:.3f} s")
        assert not tally.wrong
        assert tally.total == count
        assert len(killed) > 3
        assert sum(tally.allowed.values()) <= len(killed), "a killed worker has at most one message"
        wait_until("as many processes and descriptors as before", lambda: shape(server) == before, 10)
        assert server.stop() == 0


def test_zygote_killed_under_load(request: pytest.FixtureRequest) -> None:
    count = 48_000 if request.config.getoption("--full") else 12_000
    with Server(filters={"echo": ECHO}, config=CONFIG) as server:
        clients = [cases_of(server, number) for number in range(CLIENTS)]
        run_clients(server.socket_path, clients, 20 * CLIENTS)
        before = shape(server)
        with killing(server.zygote_pids, 0.5, limit=4) as killed:  # more in ten seconds are a pool that fails
            tally = run_clients(server.socket_path, clients, count, frozenset({FILTER_FAILED}))
        print(f"{tally.total} messages, {len(killed)} zygotes killed, {tally.allowed}, slowest {tally.slowest:.3f} s")
        assert not tally.wrong
        assert killed
        assert sum(tally.allowed.values()) <= 4 * len(killed), "a zygote takes its four workers along, each with one message"
        wait_until("as many processes and descriptors as before", lambda: shape(server) == before, 10)


def test_master_killed_under_load(request: pytest.FixtureRequest) -> None:
    """Clients of a killed master see end of file, which Courier answers with 432; connecting never fails."""
    count = 48_000 if request.config.getoption("--full") else 12_000
    with Server(filters={"echo": ECHO}, config=CONFIG) as server:
        clients = [cases_of(server, number) for number in range(CLIENTS)]
        run_clients(server.socket_path, clients, 20 * CLIENTS)
        before = shape(server)
        with killing(lambda: [pid for pid in [server.master_pid()] if pid], 0.5) as killed:
            tally = run_clients(server.socket_path, clients, count, frozenset({b"", STARTING}))
        print(f"{tally.total} messages, {len(killed)} masters killed, {tally.allowed}, slowest {tally.slowest:.3f} s")
        assert not tally.wrong, "connect failed, or a message was accepted that is refused"
        assert killed
        wait_until("as many processes and descriptors as before", lambda: shape(server) == before, 10)
        assert server.ask(b"Verdict: 550 still here\n\n") == b"550 still here\n"
