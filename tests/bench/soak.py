"""The long run of dev/soak: chaos (support/chaos.py) in slices, a line about each, and at the end whether all held.

A program (python3 tests/bench/soak.py), started by dev/soak when all is built. Must never run without a bound, or leave
a process behind.
"""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.peers import LoggingServer  # noqa: E402  # needs the path above
from support.chaos import CONFIG, FILTERS, Chaos  # noqa: E402
from support.wait import wait_until  # noqa: E402

SLICE = 20_000
FAILED = 1


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--masters", type=int, required=True)
    options = parser.parse_args()
    with LoggingServer(filters=FILTERS, config=CONFIG) as server:
        faults = soak(Chaos(server), options.messages, options.seconds, options.masters)
        if faults:
            print("\n".join(["--- the end of the server's log:", *server.log_lines()[-40:]]), file=sys.stderr)
    for fault in faults:
        print(f"dev/soak: {fault}", file=sys.stderr)
    print("dev/soak: " + ("NOT all of it held" if faults else "all of it held"))
    return FAILED if faults else 0


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
