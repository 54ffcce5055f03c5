"""Workers are killed while they rewrite messages: each message is what it was or what it shall be, and one that was
accepted is what it shall be. The short run proves the test; with --full it is 10,000 messages."""
from __future__ import annotations

import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from support.chaos import Tree, killing
from support.server import Server
from support.spool import Message

CLIENTS = 8
# Neither filter nor message is given up, however many workers are killed.
CONFIG = "server: {poison: {kills: 0}}\npools: {default: {workers: 8, breaker: {failures: 0}}}\n"
FILTER_FAILED = b"451 4.3.0 Mail filter failed, please try again later\n"
MEMORY = Path("/dev/shm")  # a disk would make it a test of fsync()
REWRITE = """
    import courier.xfilter

    def do_filter(body_path, control_paths):
        xfilter = courier.xfilter.XFilter("rewrite", body_path, control_paths)
        message = xfilter.get_message()
        message["X-Rewritten"] = "yes"
        if message.is_multipart():
            text = message.get_payload(0)
            text.set_payload(text.get_payload() + "\\n-- \\nfooter")
        return xfilter.submit()
"""


class Rewrite(NamedTuple):
    """A message, and what the filter shall make of it."""

    before: bytes
    after: bytes


def plain(size: int) -> Rewrite:
    header = b"Subject:  plain\nReceived: from a\n\tby b\n"
    body = b"\n" + b"A line of the body.\n" * (size // 20)
    return Rewrite(header + body, header + b"X-Rewritten: yes\n" + body)


def multipart(size: int) -> Rewrite:
    header = b"Subject: parts\nContent-Type: multipart/mixed;  boundary=XX\n"
    attachment = b"\n--XX  \nContent-Type: image/png\n\n" + b"QUJD" * (size // 4) + b"\n--XX--\n"
    start = b"\npreamble\n--XX\n\nThe text."
    return Rewrite(header + start + attachment,
                   header + b"X-Rewritten: yes\n" + start + b"\n-- \nfooter" + attachment)


REWRITES = [plain(100), multipart(1_000), plain(300_000), multipart(100_000)]


class Client:
    """Sends messages and compares what is left of them."""

    def __init__(self, server: Server, total: int) -> None:
        self.server, self.total = server, total
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._numbers = count()
        self._lock = threading.Lock()

    def run(self, _: int) -> None:
        while (number := next(self._numbers)) < self.total and not self.wrong:
            rewrite = REWRITES[number % len(REWRITES)]
            with self._lock:
                message = self.server.spool.message(rewrite.before)
            reply = self.server.ask_message(message, 60)
            self._compare(number, rewrite, message, reply)
            message.remove()

    def _compare(self, number: int, rewrite: Rewrite, message: Message, reply: bytes) -> None:
        state = {rewrite.before: "original", rewrite.after: "rewritten"}.get(message.body, "anything else")
        answer = {b"200 Ok\n": "accepted", FILTER_FAILED: "deferred"}.get(reply, repr(reply))
        with self._lock:
            self.seen[f"{answer}, {state}"] += 1
        if f"{answer}, {state}" not in ("accepted, rewritten", "deferred, original", "deferred, rewritten"):
            self.wrong.append(f"message {number}: {answer}, {state}")


def test_a_message_is_never_half_rewritten_whenever_its_worker_is_killed(request: pytest.FixtureRequest) -> None:
    total = 10_000 if request.config.getoption("--full") else 1_200
    parent = MEMORY if os.access(MEMORY, os.W_OK) else Path("/tmp")
    begun = time.monotonic()
    with Server(filters={"rewrite": REWRITE}, config=CONFIG, parent=parent) as server:
        # Workers that start slowly, as with sanitizers, are killed less often, or none would ever be ready.
        pause = max(0.02, (time.monotonic() - begun) / 10)
        client = Client(server, total)
        with killing(Tree(server).workers, pause) as killed, ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(client.run, range(CLIENTS)))
        left = [name for name in os.listdir(server.spool.path / "tmp" / "179534")]
        print(f"{total} messages, {len(killed)} workers killed: {dict(client.seen)}; left behind: {left}")
        assert not client.wrong
        assert sum(client.seen.values()) == total
        assert client.seen["accepted, rewritten"] > total // 10, "nearly nothing was rewritten"
        assert client.seen["deferred, original"], "the kills hit nothing"
        # A name for a new file lives between two system calls: to be killed there takes bad luck.
        assert all(name.startswith(".pythonfilter.") for name in left) and len(left) <= len(killed) // 10
