"""Part `mime`: a filter that parses a message of 200 kB, in pools of 1 and 2 workers.

Beside them as many plain processes, and the same filter in a threaded Python server. The plain processes are the bound
of this machine in this round. Must never give one of them another message.
"""
from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import mime_job, turns
from bench.figures import Series, Target, table
from bench.filter_server import FilterServer, pool
from bench.peer import cpu_seconds, memory_kib, memory_text
from bench.peers import PlainProcesses, ThreadedServer
from bench.session import Bench, series, take_turns
from bench.turns import Turn, ask, per_message

SIZES = (1, 2)      # workers of a pool, and plain processes
CLIENTS = (4, 16)
PLAIN, THREADED = "plain", "threaded"

Found = dict[tuple[object, ...], list[Turn]]  # (size, clients), (PLAIN, size, clients) or (THREADED, clients)


def run(bench: Bench) -> None:
    rounds, seconds = bench.pick((9, 1.5), (2, 0.5))
    source, body = Path(mime_job.__file__).read_text(), mime_job.message()
    with ExitStack() as stack:
        pools = {size: stack.enter_context(FilterServer({"mime_job": source}, pool(size), body)) for size in SIZES}
        plain = {size: stack.enter_context(PlainProcesses(size)) for size in SIZES}
        threaded = stack.enter_context(ThreadedServer(body))
        groups = [{(size, clients): partial(ask, bench, pools[size], clients, seconds=seconds),
                   (PLAIN, size, clients): partial(do_plainly, plain[size], seconds),
                   **({(THREADED, clients): partial(ask, bench, threaded, clients, seconds=seconds)}
                      if size == max(SIZES) else {})}
                  for clients in CLIENTS for size in SIZES]
        found: Found = take_turns(bench, "a filter that parses", rounds, groups)
        memory = memory_kib(pools[max(SIZES)].pids())
    show(bench, found, len(body))
    bench.show("\nPSS of each process after that: " + memory_text(memory))
    ratios = {f"2 workers / {other}, {clients} clients": rate(found, 2, clients).over(rate(found, *key, clients))
              for other, key in (("2 plain processes", (PLAIN, 2)), ("a threaded Python server", (THREADED,)))
              for clients in CLIENTS}
    bench.data["mime"] = {**{" ".join(map(str, key)): turns.figures(one) for key, one in found.items()},
                          "ratios": ratios, "memory_kib": memory}
    bench.targets += [Target(f"mime: {name}", 0.95 if "plain" in name else 1.9, ratio.median)
                      for name, ratio in ratios.items()]


def do_plainly(plain: PlainProcesses, seconds: float) -> Turn:
    before = cpu_seconds(plain.pids())
    count, rate_found = plain.run(seconds)
    return Turn(rate_found, per_message(before, cpu_seconds(plain.pids()), count))


def rate(found: Found, *key: object) -> Series:
    return series(found[key], "rate")


def show(bench: Bench, found: Found, size: int) -> None:
    def cells(*key: object) -> list[str]:
        return [rate(found, *key, clients).text() for clients in CLIENTS]

    def ratios(mine: int, *other: object) -> list[str]:
        return [rate(found, mine, clients).over(rate(found, *other, clients)).text(2) for clients in CLIENTS]

    def cpu(*key: object) -> list[str]:
        return [f"{series(found[(*key, clients)], 'all_cpu_us').median:,.0f}" for clients in CLIENTS]

    rows = [("a pool of 1 worker", cells(1)), ("a pool of 2 workers", cells(2)),
            ("1 plain process, no server", cells(PLAIN, 1)), ("2 plain processes", cells(PLAIN, 2)),
            ("a threaded Python server", cells(THREADED)),
            ("1 worker / 1 plain process", ratios(1, PLAIN, 1)), ("2 workers / 2 plain processes", ratios(2, PLAIN, 2)),
            ("2 workers / threaded Python server", ratios(2, THREADED)),
            ("CPU time of a message, us: 2 workers", cpu(2)), ("CPU time of a message, us: 2 plain", cpu(PLAIN, 2))]
    bench.show("\n" + table(f"A filter that parses a message of {size:,} bytes: messages/s",
                            [f"{clients} clients" for clients in CLIENTS], rows))
