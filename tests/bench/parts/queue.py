"""Part `queue`: 10,000 connections at once, and what a message costs the master while 10,000 others wait.

A queue must neither lose anybody nor become slower by its length. Must never let two clients ask about one message.
"""
from __future__ import annotations

from functools import partial

from bench import turns
from bench.figures import Series, Target, table
from bench.filter_server import NOTHING, FilterServer, pool
from bench.load import run_load
from bench.peer import open_files
from bench.session import Bench, series, take_turns
from bench.turns import Turn, ask, check, cpu_series

WORKERS = 2
SHORT, LONG = 10, 10_000
IN_WORK = 10             # messages that are with the workers and not in the queue, at most
OPEN_FILES = 2 * LONG
CONFIG = f"server: {{queue: {{limit: {2 * LONG}}}}}\n"


def run(bench: Bench) -> None:
    rounds, bursts, each = bench.pick((7, 3, 40_000), (2, 1, 15_000))
    bench.progress(f"writing {LONG} messages")
    ours = FilterServer({"nothing": NOTHING}, pool(WORKERS) + CONFIG, count=LONG + IN_WORK)
    with open_files(OPEN_FILES), ours as server:
        answered = [burst(bench, server, number) for number in range(bursts)]
        groups = [{length: partial(ask, bench, server, length + IN_WORK, count=each) for length in (SHORT, LONG)}]
        found: dict[int, list[Turn]] = take_turns(bench, "queues", rounds, groups)
    ratio = master(found[LONG]).over(master(found[SHORT]))
    all_ratio = series(found[LONG], "all_cpu_us").over(series(found[SHORT], "all_cpu_us"))
    rows = [("CPU time of a message, us: master", [*(master(one).text(1) for one in found.values()), ratio.text(2)]),
            ("CPU time of a message, us: all processes",
             [*(series(one, "all_cpu_us").text(1) for one in found.values()), all_ratio.text(2)]),
            ("messages/s", [*(series(one, "rate").text() for one in found.values()), ""])]
    bench.show("\n" + table("Messages that wait for a worker", ["10 of them", "10,000 of them", "ratio"], rows))
    bench.show(f"  {LONG:,} connections at once: answered {min(answered):,.0f}")
    bench.data["queue"] = {"answered": answered, "ratios": {"master": ratio, "all processes": all_ratio},
                           **{f"{length} waiting": turns.figures(one) for length, one in found.items()}}
    bench.targets += [
        Target(f"queue: answered of {LONG:,} connections at once", LONG, min(answered)),
        Target("queue: CPU time of a message in the master, 10,000 waiting / 10", 1.2, ratio.median, at_most=True)]


def master(found: list[Turn]) -> Series:
    return cpu_series(found, "master")


def burst(bench: Bench, server: FilterServer, number: int) -> int:
    """Opens all connections before the first answer is read. Returns how many were answered."""
    bench.progress(f"{LONG} connections at once, time {number + 1}")
    result = run_load(server.socket_path, server.requests[:LONG], clients=LONG, count=LONG, timeout=120.0)
    check(bench, server, result)
    return result.messages
