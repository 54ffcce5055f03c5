"""Zygotes and masters killed while nothing happens: the next verdict comes soon, and nothing is accepted unfiltered.

The filter rejects every message, so that any 2xx would be a message that no filter has seen. test_chaos.py does the
same under load. A name with a pitfall number is the check for that row of the list of pitfalls.
"""
from __future__ import annotations

import os
import signal
import statistics
import threading
import time
from collections.abc import Callable

import pytest
from support.server import Server
from support.wait import wait_until

pytestmark = pytest.mark.alone
REJECT = {"reject": "def do_filter(body, controls):\n    return '550 seen by the filter'\n"}
REJECTED = b"550 seen by the filter\n"
SOON = 0.5   # seconds, of the median
TRIES = 5


def next_verdict(server: Server, replies: list[bytes]) -> float:
    """Seconds until a message gets its verdict, asked again as an SMTP client would be told to."""
    begin = time.monotonic()
    while True:
        replies.append(server.ask())
        if replies[-1] == REJECTED:
            return time.monotonic() - begin
        assert time.monotonic() - begin < 20.0, replies


def median_after(server: Server, find: Callable[[], int]) -> float:
    replies: list[bytes] = []
    took = []
    for _ in range(TRIES):
        victim = wait_until("a victim", find)
        wait_until("a quiet server", lambda: server.ask() == REJECTED)
        os.kill(victim, signal.SIGKILL)
        took.append(next_verdict(server, replies))
        wait_until("a successor", lambda victim=victim: find() not in (0, victim))
    accepted = [reply for reply in replies if reply.startswith((b"2", b"0"))]
    assert not accepted, replies
    print(f"{[f'{seconds * 1000:.0f} ms' for seconds in took]}")
    return statistics.median(took)


def test_the_next_verdict_after_the_death_of_a_zygote_comes_soon() -> None:
    with Server(filters=REJECT) as server:
        assert median_after(server, lambda: next(iter(server.zygote_pids()), 0)) < SOON


def test_pitfall_20_the_next_verdict_after_the_death_of_a_master_comes_soon() -> None:
    with Server(filters=REJECT) as server:
        assert median_after(server, server.master_pid) < SOON


def test_nothing_is_accepted_unfiltered_whatever_is_killed() -> None:
    with Server(filters=REJECT) as server:
        end = threading.Event()
        replies: list[bytes] = []

        def ask() -> None:
            while not end.is_set():
                replies.append(server.ask(timeout=30.0))

        def masters() -> list[int]:
            return [pid for pid in [server.master_pid()] if pid]

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        try:
            for _ in range(3):
                for find in (server.worker_pids, server.zygote_pids, masters):
                    os.kill(wait_until("a victim", find)[0], signal.SIGKILL)
                    seen = len(replies)
                    wait_until("replies", lambda seen=seen: len(replies) > seen + 20, 30.0)
        finally:
            end.set()
            for client in clients:
                client.join(30.0)
        assert REJECTED in replies
        assert {reply for reply in replies if not reply.startswith(b"4")} <= {REJECTED, b""}
