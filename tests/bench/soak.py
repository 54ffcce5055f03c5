"""The long runs of dev/soak, in slices with a line about each, and at the end whether all held: chaos
(support/chaos.py), and reloads under load (support/reloads.py).

A program (python3 tests/bench/soak.py), started by dev/soak when all is built. Must never run without a bound, or leave
a process behind.
"""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.filter_server import LoggingServer  # noqa: E402  # needs the path above
from support.chaos import CONFIG, FILTERS, Chaos  # noqa: E402
from support.reloads import Reloads, server_with_generations  # noqa: E402
from support.server import Server  # noqa: E402
from support.wait import wait_until  # noqa: E402

SLICE = 20_000
RELOADS_SLICE = 100
FAILED = 1


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--masters", type=int, required=True)
    parser.add_argument("--reloads", type=int, required=True)
    options = parser.parse_args()
    if options.reloads:
        with server_with_generations() as server:
            faults = soak_reloads(Reloads(server), options.reloads, options.seconds)
            print_end_of_log(server, faults)
    else:
        with LoggingServer(filters=FILTERS, config=CONFIG) as server:
            faults = soak(Chaos(server), options.messages, options.seconds, options.masters)
            print_end_of_log(server, faults)
    for fault in faults:
        print(f"dev/soak: {fault}", file=sys.stderr)
    print("dev/soak: " + ("NOT all of it held" if faults else "all of it held"))
    return FAILED if faults else 0


def print_end_of_log(server: Server, faults: list[str]) -> None:
    if faults:
        print("\n".join(["--- the end of the server's log:", *server.log_lines()[-40:]]), file=sys.stderr)


def soak_reloads(reloads: Reloads, count: int, seconds: float) -> list[str]:
    """Runs until the reloads or the seconds are over. Returns what was wrong."""
    began, done = time.monotonic(), 0
    faults: list[str] = []
    while done < count and time.monotonic() - began < seconds and not faults:
        part = min(RELOADS_SLICE, count - done)
        faults = reloads.run(part)
        done += part
        print(f"dev/soak: {done:,} reloads in {time.monotonic() - began:.0f} s, {reloads.messages:,} messages;"
              f" slowest {reloads.slowest_us / 1e6:.2f} s; {len(faults)} faults", flush=True)
    return faults


def soak(chaos: Chaos, messages: int, seconds: float, masters: int) -> list[str]:
    """Runs until the messages or the seconds are over. Returns what was wrong."""
    chaos.ask_ordinary(5_000)
    before, began = chaos.shape(), time.monotonic()
    report = chaos.report
    faults: list[str] = []
    while report.messages < messages and time.monotonic() - began < seconds and not faults:
        count = min(SLICE, max(messages - report.messages, 400))
        part = max((report.messages + count) / messages, (time.monotonic() - began) / seconds)
        due = round(masters * min(part, 1.0)) - report.killed["masters"]
        chaos.run_slice(count, masters=max(due, 0))
        print(f"dev/soak: {report.text()}", flush=True)
        faults = report.faults()
    try:
        wait_until("as many processes and descriptors as before", lambda: chaos.shape() == before, 20)
    except TimeoutError as error:
        faults.append(f"{error}; before: {before}")
    print(f"dev/soak: processes and descriptors: {before} before, {chaos.shape()} after")
    return faults


if __name__ == "__main__":
    sys.exit(main())
