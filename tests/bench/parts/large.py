"""Part `large`: what a message of 10 MiB costs a server whose filter does not read it, and XFilter in memory.

The first beside a message of 2 kB, in CPU time and bytes read; the second beside stdlib's parse alone, each in a
process of its own (parse_memory.py). Must never measure two parses in one process: what the first left would serve
the second.
"""
from __future__ import annotations

import base64
import random
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import parse_memory, turns
from bench.figures import Series, Target, table
from bench.filter_server import NOTHING, FilterServer, pool
from bench.peer import Pids, bytes_read, messages
from bench.session import Bench, series, take_turns
from bench.turns import Turn, ask
from support.spool import Message

SIZES = {"2 kB": 2_000, "10 MiB": 10 << 20}
SMALL, LARGE = SIZES
HEADER = b"From: a@example.com\nTo: b@example.net\nSubject: large\nMIME-Version: 1.0\n"
KINDS = ("master", "worker")


def run(bench: Bench) -> None:
    measure_server(bench)
    measure_xfilter(bench)


# The server

def measure_server(bench: Bench) -> None:
    rounds, each = bench.pick((11, 3_000), (3, 500))
    with FilterServer({"nothing": NOTHING}, pool(1)) as server:
        found = take_turns(bench, "large messages", rounds, [
            {name: partial(ask_and_count, bench, server, messages(server.server.spool, text_8bit(size), 1), each)
             for name, size in SIZES.items()}])
    cpu = {name: series(one, "all_cpu_us") for name, one in found.items()}
    read = {name: {kind: turns.other_series(one, kind) for kind in KINDS} for name, one in found.items()}
    more_cpu = cpu[LARGE].over(cpu[SMALL])
    more_read = max(read[LARGE][kind].median - read[SMALL][kind].median for kind in KINDS)
    rows = [("CPU time of all processes, us", [cpu[name].text(1) for name in SIZES]),
            *((f"bytes read by the {kind}", [read[name][kind].text(1) for name in SIZES]) for kind in KINDS),
            ("CPU time / that of 2 kB", ["", more_cpu.text(3)])]
    bench.show("\n" + table("A message that the filter does not read, 1 client", list(SIZES), rows))
    bench.data["large"] = {**{name: turns.figures(one) for name, one in found.items()}, "cpu_ratio": more_cpu}
    # Not 1.00 and 0: a message may be accepted in two steps by chance, and the same work takes a little more or less.
    bench.targets += [
        Target(f"large: CPU time of a message of {LARGE} that is not read / of one of {SMALL}", 1.05, more_cpu.median,
               at_most=True),
        Target("large: bytes that master or worker read more for it", 16, more_read, at_most=True, unit="bytes")]


def ask_and_count(bench: Bench, server: FilterServer, asked: Sequence[Message], count: int) -> Turn:
    pids: Pids = {kind: numbers for kind, numbers in server.pids().items() if kind in KINDS}
    before = bytes_read(pids)
    turn = ask(bench, server, 1, count=count, requests=[message.request for message in asked])
    after = bytes_read(pids)
    return replace(turn, other={kind: (after[kind] - before[kind]) / count for kind in pids})


# XFilter

def measure_xfilter(bench: Bench) -> None:
    rounds = bench.pick(5, 1)
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as directory:
        groups = [{(name, job): partial(peak_mib, Path(directory), body, job) for job in parse_memory.JOBS}
                  for name, body in BODIES.items()]
        found = take_turns(bench, "the memory of XFilter", rounds, groups)
    rows: list[tuple[str, list[str]]] = []
    for name in BODIES:
        parse, xfilter = (Series(tuple(found[name, job])) for job in parse_memory.JOBS)
        ratio = xfilter.over(parse)
        rows.append((name, [parse.text(1), xfilter.text(1), ratio.text(2)]))
        bench.targets.append(Target(f"large: peak memory of XFilter, one header added / of the parse, {name}", 1.1,
                                    ratio.median, at_most=True))
    bench.show("\n" + table(f"A message of {LARGE}, the most that the memory grows by, MiB",
                            ["stdlib's parse", "XFilter, a header added", "ratio"], rows))
    bench.data["xfilter_mib"] = {f"{name}, {job}": Series(tuple(one)) for (name, job), one in found.items()}


def peak_mib(directory: Path, body: Callable[[int], bytes], job: str) -> float:
    """Runs parse_memory.py on a fresh message."""
    paths = [directory / "D1", directory / "control"]
    paths[0].write_bytes(body(SIZES[LARGE]))
    paths[1].write_text("salice@example.com\nrbob@example.net\nRbob@example.net\nN\n")
    done = subprocess.run(["/usr/bin/python3", parse_memory.__file__, job, *map(str, paths)], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=120)
    return int(done.stdout) / 1024


def text_8bit(size: int) -> bytes:
    """Text in UTF-8 with some letters beyond ASCII."""
    head = HEADER + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    line = "Ein Text mit Umlauten, wie er häufig vorkommt: schöne Grüße aus Köln.\n".encode()
    return head + line * ((size - len(head)) // len(line))


def text_7bit(size: int) -> bytes:
    head = HEADER + b"Content-Type: text/plain; charset=us-ascii\n\n"
    line = b"A text in plain ASCII, as it was usual for a long time.\n"
    return head + line * ((size - len(head)) // len(line))


def attachment(size: int) -> bytes:
    """A short text and an attachment in base64."""
    head = HEADER + (b"Content-Type: multipart/mixed; boundary=outer\n\n--outer\nContent-Type: text/plain\n\nHello.\n"
                     b"--outer\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n")
    return head + base64.encodebytes(random.Random(2024).randbytes(size * 57 // 77)) + b"--outer--\n"


BODIES: dict[str, Callable[[int], bytes]] = {"base64": attachment, "7bit text": text_7bit, "8bit text": text_8bit}
