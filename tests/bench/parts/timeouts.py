"""Part `timeouts`: how late an answer is when a filter's time is over, for filters that are stuck in several ways.

From the end of the filter's time to the end of the reply; the time that a message takes anyway is not taken off.
"""
from __future__ import annotations

import time
from functools import partial

from bench.figures import Series, Target, table
from bench.filter_server import LoggingServer, pool
from bench.session import Bench, take_turns
from support.hostile import DEFERRED, HANGS
from support.script_filter import SCRIPT_FILTER

TIMEOUT = 0.2
# Without a breaker: an open one would answer at once.
CONFIG = pool(2, f"timeout: {TIMEOUT * 1000:.0f}ms, breaker: {{failures: 0}}") + "server: {poison: {kills: 0}}\n"


def run(bench: Bench) -> None:
    rounds = bench.pick(20, 2)
    with LoggingServer(filters={"script": SCRIPT_FILTER}, config=CONFIG) as server:
        found = take_turns(bench, "timeouts", rounds,
                           [{name: partial(lateness_ms, server, hostile.body()) for name, hostile in HANGS.items()}])
    late = {name: Series(tuple(values)) for name, values in found.items()}
    bench.show("\n" + table("Late by, in ms", ["median (min-max)"],
                            [(name, [one.text(1)]) for name, one in late.items()]))
    bench.data["timeouts"] = late
    every = Series(tuple(value for one in late.values() for value in one.rounds))
    bench.targets += [Target("timeouts: late by, median", 20.0, every.median, at_most=True, unit="ms"),
                      Target("timeouts: late by, at most", 250.0, max(every.rounds), at_most=True, unit="ms")]


def lateness_ms(server: LoggingServer, body: bytes) -> float:
    message = server.spool.message(body)
    with server.connect() as client:
        began = time.monotonic()
        client.send(message.request)
        reply = client.read_reply()
        took = time.monotonic() - began
    message.remove()
    if reply != f"{DEFERRED}\n".encode():
        raise RuntimeError(f"a stuck filter got {reply!r}")
    if took < TIMEOUT:
        raise RuntimeError(f"answered after {took * 1000:.0f} ms, before the filter's time was over")
    return (took - TIMEOUT) * 1000
