"""Part `wait`: a filter that waits for somebody else (DNS, clamd) for 100 ms, in 64 workers, asked by 64 clients.

Says whether many workers are cheap, in rate and in memory. Must never measure fewer clients than workers.
"""
from __future__ import annotations

from functools import partial

from bench import turns
from bench.figures import Series, Target, table
from bench.filter_server import FilterServer, pool
from bench.peer import memory_kib, memory_text, whole_mib
from bench.session import Bench, series, take_turns
from bench.turns import ask

WORKERS = CLIENTS = 64
WAIT = 0.1
IDEAL = WORKERS / WAIT
FILTER = f"import time\n\n\ndef do_filter(body_path, control_paths):\n    time.sleep({WAIT})\n    return ''\n"


def run(bench: Bench) -> None:
    rounds, seconds = bench.pick((5, 5.0), (2, 1.0))
    with FilterServer({"waits": FILTER}, pool(WORKERS)) as server:
        found = take_turns(bench, "a filter that waits", rounds,
                           [{"wait": partial(ask, bench, server, CLIENTS, seconds=seconds)}])["wait"]
        whole, memory = whole_mib(server.pids()), memory_kib(server.pids())
    rate = series(found, "rate")
    ideal = rate.over(Series((IDEAL,) * rounds))
    rows = [("messages/s", [rate.text()]), (f"of the ideal {IDEAL:.0f}/s", [ideal.text(3)]),
            ("p50, ms", [f"{series(found, 'p50_us').median / 1000:.1f}"]),
            ("p99, ms", [f"{series(found, 'p99_us').median / 1000:.1f}"]),
            ("PSS of all processes, MiB", [f"{whole:.1f}"])]
    title = f"A filter that waits {WAIT * 1000:.0f} ms: {WORKERS} workers, {CLIENTS} clients"
    bench.show("\n" + table(title, ["median (min-max)"], rows))
    bench.show("  PSS of each process: " + memory_text(memory))
    bench.data["wait"] = {**turns.figures(found), "of_ideal": ideal, "memory_kib": memory, "whole_mib": whole}
    bench.targets += [Target(f"wait: rate / the ideal {IDEAL:.0f}/s", 0.97, ideal.median),
                      Target("wait: PSS of the whole server", 220, whole, at_most=True, unit="MiB")]
