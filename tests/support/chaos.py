"""Chaos: a server under load, hostile filters among the messages, parts of it killed at random; and what came of it.

Used by tests/component/test_chaos.py and, for hours, by dev/soak (tests/bench/soak.py). The ordinary messages come from
the load client in slices, so that there is something to tell between them. Every client must get one reply, the right
one unless its worker was killed; a client of a killed master sees its connection end, which Courier answers with 432.
Must never kill a process that is not the server's, or run without a bound.
"""
from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import RIGHT, Result, run_load

from . import processes
from .hostile import DEFERRED, HOSTILE, POOL_LIMITS, remove_files
from .script_filter import SCRIPT_FILTER, script
from .server import Server
from .witness import WITNESS

CLIENTS, HOSTILE_CLIENTS, WORKERS = 16, 4, 8
STARTING = "451 4.3.0 Mail filters are starting, please try again later"
WORKER = "pythonfilter-worker"
GONE = "451 4.3.0 Message files are not available to the mail filter"
FILTERS = {"witness": WITNESS, "script": SCRIPT_FILTER}
# The same few hundred messages come again and again: by and by each would have cost three workers, and be known for it.
CONFIG = f"""\
server: {{poison: {{kills: 0}}}}
pools: {{default: {{workers: {WORKERS}, timeout: 400ms, {POOL_LIMITS}}}}}
"""
HOSTILE_PART = 0.02
SELDOM = 11.0  # seconds between two zygotes: five in a row within ten each are a pool that fails, and backs off
RARE = 0.1  # how often a filter that holds its worker, or the machine, is let through


def children(pid: int, program: str) -> list[int]:
    """Those that run a program of ours, not courier-config for instance. Cheap enough for many looks a second."""
    return [child for child in map(int, read(f"/proc/{pid}/task/{pid}/children").split())
            if read(f"/proc/{child}/comm").strip() == program[:15]]


def read(path: str) -> str:
    """Empty when the process is gone."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


@dataclass(frozen=True)
class Tree:
    """The processes of a server that can be killed, as of now."""

    server: Server

    def masters(self) -> list[int]:
        return children(self.server.pid, "pythonfilter")[:1]

    def zygotes(self) -> list[int]:
        return [zygote for master in self.masters() for zygote in children(master, WORKER)]

    def workers(self) -> list[int]:
        return [worker for zygote in self.zygotes() for worker in children(zygote, WORKER)]


@contextmanager
def killing(victims: Callable[[], list[int]], interval: float, limit: int = 1_000_000) -> Iterator[list[int]]:
    """Kills one of the victims at random, again and again, `limit` in all. Yields the list of the killed."""
    killed: list[int] = []
    end = threading.Event()
    dice = random.Random(1)

    def kill() -> None:
        begin = time.monotonic()
        while not end.wait(max(0.0, begin + interval * (len(killed) + 1) - time.monotonic())) and len(killed) < limit:
            if found := victims():
                pid = dice.choice(found)
                try:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
                except ProcessLookupError:
                    pass

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        end.set()
        thread.join()


@dataclass
class Report:
    """What a run saw so far."""

    seconds: float = 0.0
    ordinary: int = 0                 # messages that got a reply
    deferred: int = 0                 # of these: their worker or their master was killed
    hostile: int = 0
    end_of_file: int = 0              # clients whose master was killed
    reused: int = 0                   # hostile messages whose files a worker of a killed master took; see _ask_hostile
    lost: int = 0                     # no reply, and not that
    wrong: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    memory_kib: list[int] = field(default_factory=list)  # of the master, after each slice
    slowest_us: int = 0

    def add(self, result: Result) -> None:
        self.ordinary += result.messages
        self.deferred += result.messages - result.replies.get(RIGHT, 0) - sum(result.wrong.values())
        self.end_of_file += result.eof
        self.lost += sum(result.malformed.values()) + result.refused + result.timeouts
        self.wrong.update(result.wrong)
        self.slowest_us = max(self.slowest_us, result.max_us)

    @property
    def messages(self) -> int:
        return self.ordinary + self.hostile

    def faults(self) -> list[str]:
        """What must not be."""
        found = [f"{count} times {text}" for text, count in self.wrong.items()]
        if self.lost:
            found.append(f"{self.lost} messages got no reply")
        masters, zygotes, workers = (self.killed[kind] for kind in ("masters", "zygotes", "workers"))
        if self.end_of_file > masters * (CLIENTS + HOSTILE_CLIENTS):
            found.append(f"{self.end_of_file} clients saw end of file, and only {masters} masters were killed")
        if self.reused > masters * HOSTILE_CLIENTS:
            found.append(f"{self.reused} messages lost their files, and only {masters} masters were killed")
        if not masters and self.deferred > workers + zygotes * WORKERS:
            found.append(f"{self.deferred} messages were deferred, more than lost their worker")
        if self.memory_kib and max(self.memory_kib) > self.memory_kib[0] + 8 * 1024:
            found.append(f"the master grew from {self.memory_kib[0]} to {max(self.memory_kib)} KiB")
        return found

    def text(self) -> str:
        killed = ", ".join(f"{self.killed[kind]} {kind}" for kind in ("workers", "zygotes", "masters"))
        return (f"{self.messages:,} messages in {self.seconds:.0f} s, {self.hostile:,} of them hostile;"
                f" killed: {killed}; {self.deferred} deferred, {self.end_of_file} saw end of file, {self.lost} lost,"
                f" {sum(self.wrong.values())} wrong; slowest {self.slowest_us / 1e6:.2f} s;"
                f" master {self.memory_kib[-1] if self.memory_kib else 0:,} KiB")


class Chaos:
    """A server, its clients and its killers."""

    def __init__(self, server: Server) -> None:
        self.server, self.tree, self.report = server, Tree(server), Report()
        self.verdicts = [f"550 ordinary {number}" for number in range(4 * CLIENTS)]
        self.messages = [server.spool.message(script(f"reply = {verdict!r}")) for verdict in self.verdicts]
        self._zygote_killed = -SELDOM

    def shape(self) -> tuple[int, int]:
        """Processes and descriptors of the whole tree."""
        return len(self.server.processes()), self.server.descriptor_count()

    def ask_ordinary(self, count: int) -> Result:
        return run_load(self.server.socket_path, self.messages, clients=CLIENTS, count=count, replies=self.verdicts,
                        allowed=(DEFERRED, STARTING), limit=3600.0)

    def run_slice(self, count: int, *, masters: int = 0) -> None:
        """`count` messages, the hostile ones included, while everything is killed; `masters` of the masters."""
        begin = time.monotonic()
        hostile = round(count * HOSTILE_PART)
        with ExitStack() as stack:
            killed = {
                "workers": stack.enter_context(killing(self.tree.workers, 0.2)),
                "zygotes": stack.enter_context(killing(self.tree.zygotes, 1.0, 1)) if self._zygote_is_due() else [],
                "masters": stack.enter_context(killing(self.tree.masters, 0.7, masters)) if masters else [],
            }
            clients = [threading.Thread(target=self._ask_hostile, args=(hostile // HOSTILE_CLIENTS, number))
                       for number in range(HOSTILE_CLIENTS)]
            for client in clients:
                client.start()
            self.report.add(self.ask_ordinary(count - hostile))
            for client in clients:
                client.join()
        self.report.killed.update({kind: len(pids) for kind, pids in killed.items()})
        self.report.seconds += time.monotonic() - begin
        self.report.memory_kib += [processes.resident_kib(pid) for pid in self.tree.masters()]

    def _zygote_is_due(self) -> bool:
        if time.monotonic() < self._zygote_killed + SELDOM:
            return False
        self._zygote_killed = time.monotonic()
        return True

    def _ask_hostile(self, count: int, number: int) -> None:
        dice = random.Random(f"{self.report.messages} {number}")
        for _ in range(count):
            name = dice.choice(list(HOSTILE))
            while (HOSTILE[name].hangs or HOSTILE[name].heavy) and dice.random() > RARE:
                name = dice.choice(list(HOSTILE))
            message = self.server.spool.message(HOSTILE[name].body())
            # Held: a filter that deletes the control file would free the inode, and with it the name of the body file.
            with message.control_paths[0].open("rb"):
                try:
                    reply = self.server.ask_message(message, timeout=30.0).decode()
                except BrokenPipeError:  # its master was killed before it could write
                    reply = ""
                except OSError as error:
                    reply = str(error)
                remove_files(message)
            self.report.hostile += 1
            if not reply:
                self.report.end_of_file += 1
            elif reply.startswith(GONE) and not GONE.startswith(HOSTILE[name].replies):
                # A worker outlives its killed master by a moment, and may still delete what has become the file of the
                # client's next message: the inode, and so the name, is used again at once.
                self.report.reused += 1
            elif not reply.startswith((*HOSTILE[name].replies, DEFERRED, STARTING)):
                self.report.wrong[f"{reply!r} to a filter that {name}"] += 1
