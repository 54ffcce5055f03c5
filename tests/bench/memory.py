"""The memory of a pool: whether workers share what was imported once, also after 1,000 messages each.

A program (python3 tests/bench/memory.py), started by dev/bench. It looks at PSS (what a process adds to the machine's
use) beside RSS (what it can see), and at a plain process with the same imports. Must never compare sizes of different
moments.
"""
from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import Target, table  # noqa: E402  # needs the path above
from bench.load import run_load  # noqa: E402
from bench.peers import LoggingServer  # noqa: E402
from support.processes import memory_kib  # noqa: E402

WORKERS, CLIENTS, EACH = 8, 16, 1_000
SHARED_WANTED = 2.0
MISSED = 3
IMPORTS = """\
import argparse, asyncio, calendar, csv, ctypes, dataclasses, decimal, difflib, email, email.policy, fractions, hashlib
import html.parser, http.client, ipaddress, json, logging.config, multiprocessing, pickle, sqlite3, ssl, statistics
import tempfile, typing, unittest, urllib.request, uuid, xml.etree.ElementTree, zipfile
"""
FILTER = IMPORTS + """
import os

def do_filter(body_path, control_paths):
    with open(body_path, 'rb') as body:
        email.message_from_binary_file(body, policy=email.policy.default).get_body()
    return f'250 {os.getpid()}'
"""
BODY = b"From: a@example.com\nSubject: memory\nMIME-Version: 1.0\nContent-Type: text/plain\n\n" + b"some text\n" * 500


@dataclass(frozen=True)
class Size:
    """Of one process, or the mean of several."""

    pss: float
    rss: float
    private: float

    def cells(self) -> list[str]:
        return [f"{kib / 1024:.1f}" for kib in (self.pss, self.rss, self.private)]


def size(pids: list[int]) -> Size:
    found = [memory_kib(pid) for pid in pids]

    def mean(*names: str) -> float:
        return sum(sizes.get(name, 0) for sizes in found for name in names) / len(found)

    return Size(mean("Pss"), mean("Rss"), mean("Private_Clean", "Private_Dirty"))


def plain_process() -> Size:
    """A process that only imports."""
    command = ["/usr/bin/python3", "-c", IMPORTS + "print(flush=True)\ninput()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        found = size([process.pid])
        process.stdin.write(b"\n")
        process.stdin.close()
        return found


def ask_until_each_has_served(server: LoggingServer) -> dict[str, int]:
    """Messages by worker."""
    messages = [server.spool.message(BODY) for _ in range(CLIENTS)]
    served: dict[str, int] = {}
    for _ in range(20):
        result = run_load(server.socket_path, messages, clients=CLIENTS, count=2 * WORKERS * EACH, limit=600.0)
        if result.unanswered:
            raise RuntimeError(f"not every message got a reply: {result}")
        for reply, count in result.replies.items():
            served[reply] = served.get(reply, 0) + count
        if len(served) == WORKERS and min(served.values()) >= EACH:
            return served
    raise RuntimeError(f"not every worker served {EACH} messages: {served}")


def main() -> int:
    config = f"pools: {{default: {{workers: {WORKERS}}}}}\n"
    with LoggingServer(filters={"memory": FILTER}, config=config) as server:
        rows = [("a worker, just started", size(server.worker_pids()))]
        served = ask_until_each_has_served(server)
        rows += [(f"a worker, after {min(served.values()):,} messages or more", size(server.worker_pids())),
                 ("the zygote", size(server.zygote_pids())), ("the master", size([server.master_pid()])),
                 ("a plain process with the same imports", plain_process())]
    print(table(f"Memory with {WORKERS} workers, in MiB (mean of the workers)", ["PSS", "RSS", "private"],
                [(name, found.cells()) for name, found in rows]))
    target = Target("plain process / worker after its messages, PSS", SHARED_WANTED, rows[-1][1].pss / rows[1][1].pss)
    print("\n" + target.text())
    return 0 if target.reached else MISSED


if __name__ == "__main__":
    sys.exit(main())
