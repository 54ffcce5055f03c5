"""Part `memory`: what one more worker costs after 1,000 messages of 20 kB, and whether workers share what was imported.

PSS is what a process adds to the machine's use, so the difference between a larger and a smaller server is what the
workers between them cost. Must never compare servers whose workers served less.
"""
from __future__ import annotations

import subprocess
from dataclasses import dataclass

from bench.figures import Series, Target, table
from bench.filter_server import FilterServer, pool, server_pids
from bench.load import run_load
from bench.peer import memory_kib, whole_mib
from bench.session import Bench
from support import processes

FEW, MANY, EACH = 2, 6, 1_000
PARSE = """
import os

def do_filter(body_path, control_paths):
    with open(body_path, 'rb') as body:
        email.message_from_binary_file(body, policy=email.policy.default).get_body()
    return f'250 {os.getpid()}'
"""
FILTER = "import email, email.policy\n" + PARSE
MANY_IMPORTS = """\
import argparse, asyncio, calendar, csv, ctypes, dataclasses, decimal, difflib, email, email.policy, fractions, hashlib
import html.parser, http.client, ipaddress, json, logging.config, multiprocessing, pickle, sqlite3, ssl, statistics
import tempfile, typing, unittest, urllib.request, uuid, xml.etree.ElementTree, zipfile
"""
BODY = (b"From: a@example.com\nSubject: memory\nMIME-Version: 1.0\nContent-Type: text/plain\n\n" +
        b"Fifty bytes of text, that is what each line holds.\n" * 392)


@dataclass(frozen=True)
class Server:
    """What one server took, in MiB of PSS."""

    whole: float
    master: float
    zygote: float
    worker: float  # the mean


def run(bench: Bench) -> None:
    rounds, each = bench.pick((3, EACH), (1, 100))
    found: dict[int, list[Server]] = {FEW: [], MANY: []}
    for number in range(rounds):
        for workers in (FEW, MANY) if number % 2 else (MANY, FEW):
            bench.progress(f"memory, round {number + 1} of {rounds}, {workers} workers")
            found[workers].append(measure(FILTER, workers, each))
    marginal = Series(tuple((many.whole - few.whole) / (MANY - FEW) for few, many in zip(found[FEW], found[MANY])))
    rows = [(name, [Series(tuple(getattr(one, field) for one in found[workers])).text(1) for workers in found])
            for name, field in (("whole server", "whole"), ("master", "master"), ("zygote", "zygote"),
                                ("each worker", "worker"))]
    bench.show("\n" + table(f"PSS in MiB, each worker having parsed {each:,} messages of {len(BODY):,} bytes or more",
                            [f"{workers} workers" for workers in found], rows))
    bench.show(f"  each further worker: {marginal.text(2)} MiB")
    shared = sharing(bench, each)
    bench.data["memory"] = {"marginal_mib": marginal, "shared": shared,
                            **{f"{workers} workers": [vars(one) for one in servers]
                               for workers, servers in found.items()}}
    two = found[FEW]
    bench.targets += [
        Target("memory: PSS of each further worker", 4.0, marginal.median, at_most=True, unit="MiB"),
        Target("memory: PSS of a server with 2 workers", 30.0, Series(tuple(one.whole for one in two)).median,
               at_most=True, unit="MiB"),
        Target("memory: PSS of the master", 4.0, Series(tuple(one.master for one in two)).median, at_most=True,
               unit="MiB"),
        Target("memory: a plain process / a worker, many imports, PSS", 2.0, shared["plain"] / shared["served"])]


def measure(source: str, workers: int, each: int) -> Server:
    with FilterServer({"memory": source}, pool(workers), BODY) as server:
        ask_until_each_has_served(server, workers, each)
        pids = server.pids()
        sizes = {kind: kib / 1024 for kind, kib in memory_kib(pids).items()}
        return Server(whole_mib(pids), sizes["master"], sizes["zygote"], sizes["worker"])


def ask_until_each_has_served(server: FilterServer, workers: int, each: int) -> None:
    served: dict[str, int] = {}
    for _ in range(20):
        result = run_load(server.socket_path, server.requests, clients=2 * workers, count=2 * workers * each,
                          limit=600.0)
        if result.unanswered:
            raise RuntimeError(f"not every message got a reply: {result}")
        for reply, count in result.replies.items():
            served[reply] = served.get(reply, 0) + count
        if len(served) == workers and min(served.values()) >= each:
            return
    raise RuntimeError(f"not every worker served {each} messages: {served}")


def sharing(bench: Bench, each: int) -> dict[str, float]:
    """Workers of a filter that imports much, and a plain process with the same imports. Returns MiB of PSS."""
    bench.progress("memory, many imports")
    with FilterServer({"memory": MANY_IMPORTS + PARSE}, pool(8), BODY) as server:
        rows = [("a worker, just started", size(server.pids()["worker"]))]
        ask_until_each_has_served(server, 8, each)
        pids = server_pids(server.server)
        rows += [(f"a worker, after {each:,} messages or more", size(pids["worker"])),
                 ("the zygote", size(pids["zygote"])), ("a plain process with the same imports", plain_process())]
    bench.show("\n" + table("Memory with 8 workers and many imports, in MiB (mean of the workers)",
                            ["PSS", "RSS", "private"],
                            [(name, [f"{mib:.1f}" for mib in found]) for name, found in rows]))
    return {"started": rows[0][1][0], "served": rows[1][1][0], "plain": rows[3][1][0]}


def size(pids: list[int]) -> tuple[float, float, float]:
    """PSS, RSS and private memory of one process, or the means of several, in MiB."""
    found = [processes.memory_kib(pid) for pid in pids]

    def mean(*names: str) -> float:
        return sum(sizes.get(name, 0) for sizes in found for name in names) / len(found) / 1024

    return mean("Pss"), mean("Rss"), mean("Private_Clean", "Private_Dirty")


def plain_process() -> tuple[float, float, float]:
    """A process that only imports."""
    command = ["/usr/bin/python3", "-c", MANY_IMPORTS + "print(flush=True)\ninput()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        found = size([process.pid])
        process.stdin.write(b"\n")
        process.stdin.close()
        return found
