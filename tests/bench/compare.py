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
from bench.load import Result, run_load  # noqa: E402
from bench.peers import ACCEPTED, NOTHING, BareServer, FilterServer, Peer, PerlFilter, PlainProcesses  # noqa: E402

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
    warm_up_seconds: float = 0.1


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
    began = time.monotonic()
    findings = Findings({"machine": machine(), "plan": asdict(plan)})
    print(machine())
    with ExitStack() as stack:
        measure_nothing(stack, plan, findings)
    with ExitStack() as stack:
        measure_job(stack, plan, findings)
    print("\n" + "\n".join(target.text() for target in findings.targets))
    print(f"took {time.monotonic() - began:.0f} s, load average now {os.getloadavg()[0]:.1f}")
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


# A filter that does nothing

Runs = dict[tuple[str, int], list[Result]]  # by name of the peer and number of clients


def measure_nothing(stack: ExitStack, plan: Plan, findings: Findings) -> None:
    bare, perl, ours = BareServer(), PerlFilter(WORKERS), FilterServer(WORKERS, {"nothing": NOTHING})
    peers: list[Peer] = [stack.enter_context(peer) for peer in (bare, perl, ours)]
    runs: Runs = {(peer.name, clients): [] for peer in peers for clients in CLIENTS}
    for number in range(plan.rounds):
        progress(f"a filter that does nothing, round {number + 1} of {plan.rounds}")
        for clients in CLIENTS:
            first = number % len(peers)  # another one begins each time
            for peer in peers[first:] + peers[:first]:
                result = ask(peer, clients, plan.nothing_seconds, plan, findings)
                runs[peer.name, clients].append(result)
    progress("")
    memory = {peer.name: peer.memory() for peer in peers}
    print_nothing(runs, [bare.name, perl.name], ours.name)
    print(f"\nMemory after that (PSS of each process): {memory_text(memory[ours.name])}"
          f"; {perl.name}: {memory_text(memory[perl.name])}")
    findings.data["nothing"] = {
        f"{name}, {clients}": {figure: series(results, figure).as_json()
                               for figure in ("messages_per_second", "p50_us", "p99_us", "max_us")}
        for (name, clients), results in runs.items()}
    findings.data["memory_kib"] = memory
    most = max(CLIENTS)
    findings.targets.append(Target(f"messages/s of a filter that does nothing, {most} clients", NOTHING_WANTED,
                                   series(runs[ours.name, most], "messages_per_second").median))


def print_nothing(runs: Runs, others: list[str], ours: str) -> None:
    def rate(name: str, clients: int) -> Series:
        return series(runs[name, clients], "messages_per_second")

    def times(name: str, clients: int) -> str:
        return " / ".join(f"{series(runs[name, clients], figure).median:,.0f}" for figure in ("p50_us", "p99_us"))

    names = [*others, ours]
    columns = [f"{clients} client{'s' if clients > 1 else ''}" for clients in CLIENTS]
    rows = [(name, [rate(name, clients).text() for clients in CLIENTS]) for name in names]
    rows += [(f"{ours} / {other}", [rate(ours, clients).over(rate(other, clients)).text(2) for clients in CLIENTS])
             for other in others]
    print("\n" + table(f"A filter that does nothing, {WORKERS} workers: messages/s", columns, rows))
    rows = [(name, [times(name, clients) for clients in CLIENTS]) for name in names]
    print("\n" + table("Time for one message, in us: p50 / p99", columns, rows))


def ask(peer: Peer, clients: int, seconds: float, plan: Plan, findings: Findings) -> Result:
    result = run_load(peer.socket_path, peer.requests, clients=clients, seconds=seconds, warm_up=plan.warm_up_seconds)
    if result.unanswered or set(result.replies) != ACCEPTED:
        findings.wrong.append(f"{peer.name}, {clients} clients: not every message got its 200 Ok: {result}")
    return result


def series(results: list[Result], figure: str) -> Series:
    return Series(tuple(float(getattr(result, figure)) for result in results))


def memory_text(sizes: dict[str, int]) -> str:
    return ", ".join(f"{kind} {kib / 1024:.1f} MiB" for kind, kib in sizes.items())


# A filter that does something

def measure_job(stack: ExitStack, plan: Plan, findings: Findings) -> None:
    source, body = Path(mime_job.__file__).read_text(), mime_job.message()
    pools = {n: stack.enter_context(FilterServer(n, {"mime_job": source}, body)) for n in JOB_WORKERS}
    plain = {n: stack.enter_context(PlainProcesses(n)) for n in JOB_WORKERS}
    rates: dict[tuple[str, int], list[float]] = {(kind, n): [] for kind in ("pool", "plain") for n in JOB_WORKERS}
    for number in range(plan.rounds):
        progress(f"a filter that parses, round {number + 1} of {plan.rounds}")
        for n in JOB_WORKERS:
            for kind in ("pool", "plain") if number % 2 else ("plain", "pool"):
                rates[kind, n].append(
                    plain[n].run(plan.job_seconds) if kind == "plain" else
                    ask(pools[n], JOB_CLIENTS, plan.job_seconds, plan, findings).messages_per_second)
    progress("")
    found = {key: Series(tuple(values)) for key, values in rates.items()}
    ratios = {n: found["pool", n].over(found["plain", n]) for n in JOB_WORKERS}
    rows = [("workers of a pool", [found["pool", n].text() for n in JOB_WORKERS]),
            ("plain processes, no server", [found["plain", n].text() for n in JOB_WORKERS]),
            ("workers / plain", [ratios[n].text(2) for n in JOB_WORKERS])]
    print("\n" + table(f"A filter that parses a message of {len(body):,} bytes: messages/s",
                       [f"{n} of them" for n in JOB_WORKERS], rows))
    memory = pools[max(JOB_WORKERS)].memory()
    print("\nMemory after that (PSS of each process): " + memory_text(memory))
    findings.data["job"] = {f"{kind}, {n}": value.as_json() for (kind, n), value in found.items()}
    findings.data["job_ratio"] = {f"{n}": value.as_json() for n, value in ratios.items()}
    findings.data["job_memory_kib"] = memory
    findings.targets.append(Target("two workers / two plain processes", JOB_WANTED, ratios[2].median))


if __name__ == "__main__":
    sys.exit(main())
