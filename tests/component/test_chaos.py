"""Clients under load while parts of the server are killed: every client gets one reply, the right one unless its worker
was killed, and afterwards the server is what it was."""
from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.clients import Case, run_clients
from support.server import Server
from support.wait import wait_until

CLIENTS = 16
FILTER_FAILED = b"451 4.3.0 Mail filter failed, please try again later\n"
STARTING = b"451 4.3.0 Mail filters are starting, please try again later\n"
# The verdict is in the message, so that a reply that belongs to another message is seen.
ECHO = """
import time

def do_filter(body, controls):
    time.sleep(0.001)  # so that a kill finds it at work
    with open(body, encoding='ascii') as message:
        return message.readline().partition(': ')[2].strip()
"""
WORKERS = 8
CONFIG = f"pools: {{default: {{workers: {WORKERS}}}}}\n"


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


def worker_pids_of(server: Server) -> Callable[[], list[int]]:
    """Finds the workers fast enough for ten kills a second."""
    zygotes = server.zygote_pids()

    def children() -> list[int]:
        lists = [Path(f"/proc/{zygote}/task/{zygote}/children").read_text() for zygote in zygotes]
        return [int(pid) for pid in " ".join(lists).split()]

    return children


@contextmanager
def killing(victims: Callable[[], list[int]], interval: float, limit: int = 100_000) -> Iterator[list[int]]:
    """Kills one of the victims at random, again and again, `limit` in all. Yields the list of the killed."""
    killed: list[int] = []
    end = threading.Event()
    dice = random.Random(1)

    def kill() -> None:
        begin = time.monotonic()
        while not end.wait(max(0.0, begin + interval * (len(killed) + 1) - time.monotonic())) and len(killed) < limit:
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
        begin = time.monotonic()
        with killing(worker_pids_of(server), 0.1) as killed:
            tally = run_clients(server.socket_path, clients, count, frozenset({FILTER_FAILED}))
        seconds = time.monotonic() - begin
        print(f"{tally.total} messages in {seconds:.1f} s, {len(killed)} workers killed,"
              f" {sum(tally.allowed.values())} messages lost their worker, slowest reply {tally.slowest:.3f} s")
        assert not tally.wrong
        assert tally.total == count
        assert len(killed) > 5 * seconds, "the machine was too slow to kill ten a second"
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
        assert sum(tally.allowed.values()) <= WORKERS * len(killed), "a zygote takes its workers along, no more"
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
