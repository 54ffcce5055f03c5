"""The rounds of dev/bench: runs the peers in turns, prints the tables, and says which targets were reached.

A program (python3 tests/bench/compare.py), started by dev/bench when all is built. The targets stand here and nowhere
else; CI does not run it, because one slow run on a shared machine proves nothing. Must never measure peers in different
minutes and compare them.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import mime_job  # noqa: E402  # needs the path above
from bench.figures import Series, Target, table  # noqa: E402
from bench.load import run_load  # noqa: E402
from bench.peers import (  # noqa: E402
    ACCEPTED, NOTHING, BareServer, FilterServer, Peer, PerlFilter, PlainProcesses, cpu_seconds, memory_kib)

CLIENTS = (1, 4, 16)
WORKERS = 2
JOB_WORKERS = (1, 2)
JOB_CLIENTS = 4
NOTHING_WANTED, JOB_WANTED = 10_000, 0.9
MISSED = 3


@dataclass(frozen=True)
class Plan:
    """How long a run takes. Short turns: what disturbs one peer for seconds then disturbs the others too."""

    rounds: int
    nothing_seconds: float  # one peer with one number of clients
    job_seconds: float


FULL = Plan(rounds=9, nothing_seconds=0.8, job_seconds=2.0)
QUICK = Plan(rounds=2, nothing_seconds=0.3, job_seconds=0.7)


@dataclass
class Findings:
    """What the run found."""

    data: dict[str, object] = field(default_factory=dict)  # for --json
    targets: list[Target] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)         # answers that should not have been

    def status(self) -> int:
        if self.wrong:
            return 1
        return 0 if all(target.reached for target in self.targets) else MISSED

    def as_json(self) -> str:
        targets = [target.as_json() for target in self.targets]
        return json.dumps({**self.data, "targets": targets, "wrong": self.wrong}, indent=2) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    began, load_before = time.monotonic(), os.getloadavg()[0]
    findings = Findings({"machine": machine(), "plan": asdict(plan), "load_average_before": load_before})
    print(machine())
    with ExitStack() as stack:
        measure_nothing(stack, plan, findings)
    with ExitStack() as stack:
        measure_job(stack, plan, findings)
    print("\n" + "\n".join(target.text() for target in findings.targets))
    print(f"took {time.monotonic() - began:.0f} s, load average now {os.getloadavg()[0]:.1f}")
    if load_before > 1:
        print(f"The machine had other work (load average {load_before:.1f} before): trust CPU times, not rates.")
    if options.json:
        options.json.write_text(findings.as_json())
    for line in findings.wrong:
        print(f"dev/bench: {line}", file=sys.stderr)
    return findings.status()


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return (f"{os.cpu_count()} x {next(names, platform.machine())}, Linux {platform.release()}, "
            f"load average {os.getloadavg()[0]:.1f}")


def progress(text: str) -> None:
    """What is being done now, on one line that is written over; a log gets a line of its own."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)
    elif text:
        print(f"dev/bench: {text}", file=sys.stderr)


@dataclass(frozen=True)
class Turn:
    """What one peer did in one turn."""

    rate: float                # messages/s
    cpu_us: dict[str, float]   # CPU time of a message by kind of process
    p50_us: float = 0.0
    p99_us: float = 0.0
    max_us: float = 0.0

    @property
    def all_cpu_us(self) -> float:
        return sum(self.cpu_us.values())


class Turns:
    """The turns of one peer under one condition, one in each round."""

    def __init__(self) -> None:
        self._turns: list[Turn] = []

    def add(self, turn: Turn) -> None:
        self._turns.append(turn)

    def series(self, figure: str) -> Series:
        return Series(tuple(getattr(turn, figure) for turn in self._turns))

    def cpu_text(self) -> str:
        """Median CPU time of a message of those kinds of process that take any."""
        medians = {kind: Series(tuple(turn.cpu_us[kind] for turn in self._turns)).median
                   for kind in self._turns[0].cpu_us}
        return ", ".join(f"{kind} {value:,.0f}" for kind, value in medians.items() if value >= 1)

    def as_json(self) -> dict[str, object]:
        return {**{name: self.series(name).as_json() for name in ("rate", "p50_us", "p99_us", "max_us", "all_cpu_us")},
                "cpu_us": [turn.cpu_us for turn in self._turns]}


def ask(peer: Peer, clients: int, seconds: float, findings: Findings) -> Turn:
    before = cpu_seconds(peer.pids())
    result = run_load(peer.socket_path, peer.requests, clients=clients, seconds=seconds)
    after = cpu_seconds(peer.pids())
    if result.unanswered or set(result.replies) != ACCEPTED:
        findings.wrong.append(f"{peer.name}, {clients} clients: not every message got its 200 Ok: {result}")
    return Turn(result.messages_per_second, per_message(before, after, result.messages),
                result.p50_us, result.p99_us, result.max_us)


def do_plainly(plain: PlainProcesses, seconds: float) -> Turn:
    before = cpu_seconds(plain.pids())
    count, rate = plain.run(seconds)
    return Turn(rate, per_message(before, cpu_seconds(plain.pids()), count))


def per_message(before: dict[str, float], after: dict[str, float], count: int) -> dict[str, float]:
    return {kind: (after[kind] - before[kind]) * 1e6 / max(count, 1) for kind in before}


def memory_text(sizes: dict[str, int]) -> str:
    return ", ".join(f"{kind} {kib / 1024:.1f} MiB" for kind, kib in sizes.items())


# A filter that does nothing

def measure_nothing(stack: ExitStack, plan: Plan, findings: Findings) -> None:
    bare, perl, ours = BareServer(), PerlFilter(WORKERS), FilterServer(WORKERS, {"nothing": NOTHING})
    peers: list[Peer] = [stack.enter_context(peer) for peer in (bare, perl, ours)]
    turns = {(peer.name, clients): Turns() for peer in peers for clients in CLIENTS}
    for number in range(plan.rounds):
        progress(f"a filter that does nothing, round {number + 1} of {plan.rounds}")
        for clients in CLIENTS:
            first = number % len(peers)  # another one begins each time
            for peer in peers[first:] + peers[:first]:
                turns[peer.name, clients].add(ask(peer, clients, plan.nothing_seconds, findings))
    progress("")
    most = turns[ours.name, max(CLIENTS)]
    print_nothing(turns, [bare.name, perl.name], ours.name)
    print(f"  of {ours.name} with {max(CLIENTS)} clients: {most.cpu_text()}")
    memory = {peer.name: memory_kib(peer.pids()) for peer in peers}
    print(f"\nMemory after that (PSS of each process): {memory_text(memory[ours.name])}"
          f"; {perl.name}: {memory_text(memory[perl.name])}")
    findings.data["nothing"] = {f"{name}, {clients}": found.as_json() for (name, clients), found in turns.items()}
    findings.data["memory_kib"] = memory
    findings.targets.append(Target(f"messages/s of a filter that does nothing, {max(CLIENTS)} clients", NOTHING_WANTED,
                                   most.series("rate").median))


def print_nothing(turns: dict[tuple[str, int], Turns], others: list[str], ours: str) -> None:
    def figure(name: str, clients: int, what: str = "rate") -> Series:
        return turns[name, clients].series(what)

    def median(name: str, what: str) -> list[str]:
        return [f"{figure(name, clients, what).median:,.0f}" for clients in CLIENTS]

    names = [*others, ours]
    columns = [f"{clients} client{'s' if clients > 1 else ''}" for clients in CLIENTS]
    rows = [(name, [figure(name, clients).text() for clients in CLIENTS]) for name in names]
    rows += [(f"{ours} / {other}", [figure(ours, clients).over(figure(other, clients)).text(2) for clients in CLIENTS])
             for other in others]
    print("\n" + table(f"A filter that does nothing, {WORKERS} workers: messages/s", columns, rows))
    rows = [(name, [f"{p50} / {p99}" for p50, p99 in zip(median(name, "p50_us"), median(name, "p99_us"))])
            for name in names]
    print("\n" + table("Time for one message, in us: p50 / p99", columns, rows))
    rows = [(name, median(name, "all_cpu_us")) for name in names]
    print("\n" + table("CPU time for one message, all processes of the server together, in us", columns, rows))


# A filter that does something

def measure_job(stack: ExitStack, plan: Plan, findings: Findings) -> None:
    source, body = Path(mime_job.__file__).read_text(), mime_job.message()
    pools = {n: stack.enter_context(FilterServer(n, {"mime_job": source}, body)) for n in JOB_WORKERS}
    plain = {n: stack.enter_context(PlainProcesses(n)) for n in JOB_WORKERS}
    turns = {(kind, n): Turns() for kind in ("pool", "plain") for n in JOB_WORKERS}
    for number in range(plan.rounds):
        progress(f"a filter that parses, round {number + 1} of {plan.rounds}")
        for n in JOB_WORKERS:
            for kind in ("pool", "plain") if number % 2 else ("plain", "pool"):
                turns[kind, n].add(do_plainly(plain[n], plan.job_seconds) if kind == "plain" else
                                   ask(pools[n], JOB_CLIENTS, plan.job_seconds, findings))
    progress("")
    ratios = {n: turns["pool", n].series("rate").over(turns["plain", n].series("rate")) for n in JOB_WORKERS}
    rows = [("workers of a pool", [turns["pool", n].series("rate").text() for n in JOB_WORKERS]),
            ("plain processes, no server", [turns["plain", n].series("rate").text() for n in JOB_WORKERS]),
            ("workers / plain", [ratios[n].text(2) for n in JOB_WORKERS]),
            *((f"CPU time of a message, us: {kind}", [f"{turns[kind, n].series('all_cpu_us').median:,.0f}"
                                                      for n in JOB_WORKERS]) for kind in ("pool", "plain"))]
    print("\n" + table(f"A filter that parses a message of {len(body):,} bytes: messages/s",
                       [f"{n} of them" for n in JOB_WORKERS], rows))
    memory = memory_kib(pools[max(JOB_WORKERS)].pids())
    print("\nMemory after that (PSS of each process): " + memory_text(memory))
    findings.data["job"] = {f"{kind}, {n}": found.as_json() for (kind, n), found in turns.items()}
    findings.data["job_ratio"] = {f"{n}": value.as_json() for n, value in ratios.items()}
    findings.data["job_memory_kib"] = memory
    findings.targets.append(Target("two workers / two plain processes", JOB_WANTED, ratios[2].median))


if __name__ == "__main__":
    sys.exit(main())
