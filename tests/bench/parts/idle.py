"""Part `idle`: how often the processes of a server wake up that nobody asks anything.

A wake-up is a voluntary context switch, which the kernel counts: a process that sleeps makes one each time it goes back
to sleep. The server has been asked before, and was left alone until what it does afterwards is over. Must never talk to
the server while it counts.
"""
from __future__ import annotations

import time
from pathlib import Path

from bench.figures import Target, table
from bench.filter_server import NOTHING, FilterServer, pool
from bench.load import run_load
from bench.peer import Pids
from bench.session import Bench

WORKERS = 2
BOUNDS = {"master": 1.0, "zygote": 0.0, "worker": 0.0}  # a minute
MESSAGES = 1_000


def run(bench: Bench) -> None:
    settle, seconds = bench.pick((20.0, 180.0), (3.0, 10.0))
    with FilterServer({"nothing": NOTHING}, pool(WORKERS)) as server:
        run_load(server.socket_path, server.requests, clients=4, count=MESSAGES)
        pids = server.pids()
        bench.progress(f"idle, {settle + seconds:.0f} s")
        time.sleep(settle)  # what is measured is time in which nothing happens: there is no event to wait for
        before, began = switches(pids), time.monotonic()
        time.sleep(seconds)
        after, minutes = switches(pids), (time.monotonic() - began) / 60
        if server.pids() != pids:
            bench.wrong.append("idle: the processes are not the same at the end")
    found = {kind: (after[kind] - before[kind]) / minutes for kind in pids}
    bench.show("\n" + table(f"Wake-ups a minute in {seconds:.0f} s without a message, {WORKERS} workers",
                            ["all of a kind"], [(kind, [f"{value:.1f}"]) for kind, value in found.items()]))
    bench.data["idle"] = {"seconds": seconds, "per_minute": found}
    bench.targets += [Target(f"idle: wake-ups a minute, {kind}", bound, found[kind], at_most=True)
                      for kind, bound in BOUNDS.items()]


def switches(pids: Pids) -> dict[str, int]:
    """Voluntary context switches of all threads so far, by kind of process."""
    return {kind: sum(switches_of(pid) for pid in numbers) for kind, numbers in pids.items()}


def switches_of(pid: int) -> int:
    texts = (path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0]) for text in texts)
