"""Instructions per message in the master and in a worker, counted by Valgrind's callgrind, in user space.

    costs = instructions_per_message(Kind.master)     # {"pythonfilter::message_line": 632.0, ...}

One client asks a server with one worker and a do-nothing filter, one message after the other. Two servers are run, one
of which gets more messages: what they differ in, by the number of further messages, is the cost of one; what start,
stop and the first messages cost is in both. The figures are about what the program does and not about the machine:

- client and server share one processor, and nobody takes it from the other (SCHED_BATCH), so that each finishes its
  turn before the next begins, whatever the other processors do
- no variant of memcpy and the like is chosen by processor (GLIBC_TUNABLES), no order by random hash (PYTHONHASHSEED)
- a worker has a clock that only goes on when it is looked at (even_clock.c): what it does depends on time
- Valgrind itself puts everything at the same addresses each time

Valgrind 3.19 knows too little of the system calls behind pidfds (under_valgrind.c helps) and of those of a sandbox,
which is off. Must never measure time.
"""
from __future__ import annotations

import enum
import os
import re
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import processes
from support.server import Server
from support.tree import installed_tree
from support.wait import wait_until

from .filter_server import NOTHING

FEW, MANY = 200, 1200  # messages of the two servers
SLOW = 120             # seconds until something is given up
OPEN_FILES = 1024      # the same limit on every machine
NO_VARIANTS = ("AVX", "AVX2", "BMI1", "BMI2", "ERMS", "FSRM", "LZCNT", "MOVBE", "POPCNT", "RTM", "SSE4_1", "SSE4_2",
               "SSSE3", "AVX_Fast_Unaligned_Load", "Fast_Unaligned_Copy", "Fast_Unaligned_Load", "Prefer_ERMS",
               "Prefer_FSRM", "Slow_BSF")
ENVIRONMENT = {"PYTHONHASHSEED": "0", "GLIBC_TUNABLES": f"glibc.cpu.hwcaps=-{',-'.join(NO_VARIANTS)}"}


class Kind(enum.Enum):
    """Which process is looked at. Each worker is also slower by it, so the master is measured without."""

    master = "master"
    worker = "worker"


def instructions_per_message(kind: Kind, keep: Path | None = None) -> dict[str, float]:
    """Measures.

    Args:
        kind: The process.
        keep: Where the file of the longer run goes, for callgrind_annotate or kcachegrind.

    Returns:
        Instructions by function, without those of the functions that it calls.
    """
    few, many = (_count(kind, messages, keep) for messages in (FEW, MANY))
    differences = {name: (many[name] - few[name]) / (MANY - FEW) for name in many | few}
    return {name: cost for name, cost in differences.items() if cost}


def _count(kind: Kind, messages: int, keep: Path | None) -> Counter[str]:
    server = CountedServer(kind)
    with _alone_on_a_processor(), server:
        message = server.spool.message()
        master = server.master_pid()
        for _ in range(messages):
            wait_until("the master to sleep", lambda: _sleeps(master), SLOW)
            if (reply := server.ask_message(message, SLOW)) != b"200 Ok\n":
                raise RuntimeError(f"the answer is {reply!r}, and the log:\n" + "\n".join(server.log_lines()[-20:]))
        [pid] = [master] if kind is Kind.master else server.worker_pids()
        server.stop(SLOW)
        if keep:
            shutil.copy(server.costs_file(pid), keep)
        return read_costs(server.costs_file(pid))


def _sleeps(pid: int) -> bool:
    process = processes.read_process(pid)
    return process is not None and process.state == "S"


@contextmanager
def _alone_on_a_processor() -> Iterator[None]:
    """For this thread, and for the processes that it starts meanwhile."""
    allowed, policy, parameter = os.sched_getaffinity(0), os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setaffinity(0, {max(allowed)})
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        yield
    finally:
        os.sched_setscheduler(0, policy, parameter)
        os.sched_setaffinity(0, allowed)


class CountedServer(Server):
    """A Server whose master, or all of whose processes, run under callgrind."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(mode="foreground", filters={"nothing": NOTHING}, environment=ENVIRONMENT,
                         open_files=OPEN_FILES)
        self._found = self.base / "found"
        self._found.mkdir()
        self._found.chmod(0o777)
        self._pidfds = PidfdSource(self.base / "pidfds")
        limits = f"timeout: {SLOW}s, start_timeout: {SLOW}s, slow_after: {SLOW}s"
        libraries = f"{self._library('under_valgrind')}:{self._library('even_clock')}" if kind is Kind.worker else "''"
        self.write_config(f"pools: {{default: {{workers: 1, sandbox: 'off', {limits},"
                          f" env: {{LD_PRELOAD: {libraries}}}}}}}\n", ["nothing"])
        self._write_wrapper(traced="yes" if kind is Kind.worker else "no")

    def _library(self, name: str) -> Path:
        """A copy that the mail user can read."""
        return Path(shutil.copy(installed_tree().parent / "meson" / "tests" / "bench" / f"lib{name}.so", self.base))

    def _write_wrapper(self, traced: str) -> None:
        options = ["--tool=callgrind", "--vgdb=no", f"--log-file={self._found}/log.%p", "--compress-strings=no",
                   "--compress-pos=no", f"--callgrind-out-file={self._found}/costs.%p", f"--trace-children={traced}",
                   "--trace-children-skip=*/courier-config"]
        wrapper = self.base / "pythonfilter"
        library = self._library("under_valgrind")
        wrapper.write_text(f"#!/bin/sh\nexport PIDFD_SOCKET={self.base}/pidfds LD_PRELOAD={library}\n"
                           f"exec /usr/bin/valgrind {' '.join(options)} {self.program} \"$@\"\n")
        wrapper.chmod(0o755)
        self.program = wrapper

    def costs_file(self, pid: int) -> Path:
        """What callgrind wrote about a process when it ended."""
        return self._found / f"costs.{pid}"

    def close(self) -> None:
        self._pidfds.close()
        super().close()


class PidfdSource:
    """Answers the preloaded library (under_valgrind.c): a pid comes, a pidfd goes back."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        path.chmod(0o777)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                self._answer(client)

    @staticmethod
    def _answer(client: socket.socket) -> None:
        try:
            pidfd = os.pidfd_open(int.from_bytes(client.recv(4), "little"))
        except OSError:
            return  # the process is gone: no answer says so
        socket.send_fds(client, [b"\0"], [pidfd])
        os.close(pidfd)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # ends accept()
        self._socket.close()
        self._thread.join(10.0)


def read_costs(path: Path) -> Counter[str]:
    """The instructions in each function, from callgrind's file.

    Raises:
        RuntimeError: The process did not end in order, or this is not understood.
    """
    costs: Counter[str] = Counter()
    library = name = ""
    total = called = 0
    for line in path.read_text().splitlines():
        word, _, rest = line.partition("=")
        if word == "ob":
            library = Path(rest).name
        elif word == "fn":
            name = short_name(rest, library)
        elif word == "calls":
            called = 1  # the next line is about what was called
        elif line[:1].isdigit():
            if not called:
                costs[name] += int(line.split()[1])
            called = 0
        elif line.startswith("totals: "):
            total = int(line.split()[1])
    if not costs or sum(costs.values()) != total:
        raise RuntimeError(f"{path}: the functions have {sum(costs.values())} instructions, all have {total}")
    return costs


def short_name(name: str, library: str) -> str:
    """A C++ name without parameters, of functions and of templates; an unknown name with its library."""
    if name.startswith("0x"):
        return f"{library}:{name}"
    name = name.replace("(anonymous namespace)::", "").replace("operator()", "operator_call")
    name = re.sub(r"operator(<=>|<<=?|>>=?|->\*?|<=?|>=?)", "operator_", name)
    for form in (r"<[^<>]*>", r"\([^()]*\)"):
        while (shorter := re.sub(form, "", name)) != name:
            name = shorter
    name = re.sub(r" ?\[(abi:|clone )[^]]*\]| const\b", "", name)
    return name.split(" ")[-1]
