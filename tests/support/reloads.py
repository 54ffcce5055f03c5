"""Reloads under load: a server with two filters in two pools, which tell when one message met two generations.

    with server_with_generations() as server:
        reloads = Reloads(server)
        assert reloads.run(100) == []

Used by tests/component/test_reload.py and, for a thousand of them, by dev/soak (tests/bench/soak.py). Must never run
without a bound.
"""
from __future__ import annotations

import threading
from collections import Counter

from bench.load import RIGHT, Result, run_load

from .ctl import Ctl
from .server import Server
from .wait import wait_until

CLIENTS = 16
SLICE_SECONDS = 2.0  # of load, again and again
LIMIT = 30.0
ONE, WHICH = "550 one generation", b"Subject: which\n\n"
CONFIG = "pools: {default: {workers: 2}, other: {workers: 2}}\nfilters: [first, {filter: second, pool: other}]\n"
# Told from one to the other by a file beside the message.
FIRST = """\
    def do_filter(body_path, control_paths):
        with open(body_path + ".generation", "w") as file:
            file.write("NUMBER")
        return ""
    """
SECOND = """\
    import os
    def do_filter(body_path, control_paths):
        with open(body_path + ".generation") as file:
            first = file.read()
        os.unlink(body_path + ".generation")
        if first != "NUMBER":
            return f"550 two generations: {first} and NUMBER"
        with open(body_path, "rb") as file:
            return "550 NUMBER" if b"which" in file.readline() else "550 one generation"
    """


def filters(number: int) -> dict[str, str]:
    return {name: text.replace("NUMBER", str(number)) for name, text in (("first", FIRST), ("second", SECOND))}


def server_with_generations() -> Server:
    return Server(filters=filters(0), config=CONFIG)


class Reloads:
    """A server that is reloaded again and again under load."""

    def __init__(self, server: Server) -> None:
        self.server, self._ctl, self._number = server, Ctl(server), 0
        self._wait_for_generation()
        self._before = self._shape()
        self.messages = 0
        self.slowest_us = 0

    def run(self, count: int) -> list[str]:
        """So many reloads under load. Returns what must not be, a line for each."""
        end = threading.Event()
        results: list[Result] = []
        thread = threading.Thread(target=self._load, args=(end, results))
        thread.start()
        try:
            faults = [fault for fault in (self._reload() for _ in range(count)) if fault]
        finally:
            end.set()
            thread.join()
        return faults + self._judge(results)

    def _load(self, end: threading.Event, results: list[Result]) -> None:
        messages = [self.server.spool.message() for _ in range(2 * CLIENTS)]
        while not end.is_set():
            results.append(run_load(self.server.socket_path, messages, clients=CLIENTS, seconds=SLICE_SECONDS,
                                    replies=[ONE] * len(messages)))

    def _reload(self) -> str:
        self._number += 1
        for name, text in filters(self._number).items():
            self.server.write_filter(name, text)
        done = self._ctl.run("reload")
        if done.returncode != 0:
            return f"reload {self._number} failed: {done.stdout}{done.stderr}"
        reply = self.server.ask(WHICH).decode()
        return "" if reply == f"550 {self._number}\n" else f"reload {self._number}: a new message got {reply!r}"

    def _judge(self, results: list[Result]) -> list[str]:
        wrong: Counter[str] = Counter()
        for result in results:
            wrong.update({"no reply or half of one": result.unanswered, "connections had to wait": result.backlog_full})
            wrong.update(result.wrong)
            self.messages += result.messages
            self.slowest_us = max(self.slowest_us, result.max_us)
            wrong["ordinary ones without their verdict"] += result.messages - result.replies.get(RIGHT, 0)
        try:
            wait_until("as many processes and descriptors as before", lambda: self._shape() == self._before, LIMIT)
        except TimeoutError as error:
            wrong[f"{error}: {self._before} before, {self._shape()} after"] += 1
        return [f"{count} times {text}" for text, count in wrong.items() if count]

    def _wait_for_generation(self) -> None:
        wait_until("the first verdict", lambda: self.server.ask(WHICH) == b"550 0\n", LIMIT)

    def _shape(self) -> tuple[int, int]:
        return len(self.server.processes()), self.server.descriptor_count()
