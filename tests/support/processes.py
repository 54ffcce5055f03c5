"""What /proc knows about processes: the tree below one, their descriptors, their environment.

Used by tests/support/server.py and by tests that count. A process may vanish while it is looked at: that is never an
error here, it is just not in the answer.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One line of the process table."""

    pid: int
    parent: int
    state: str  # "R", "S", "Z", ...
    arguments: tuple[str, ...]

    @property
    def is_zombie(self) -> bool:
        return self.state == "Z"


def read_process(pid: int) -> Process | None:
    """The process with this number, or None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return None
    state, parent = stat.rpartition(")")[2].split()[:2]
    return Process(pid, int(parent), state, tuple(arguments.split("\0")[:-1]))


def all_processes() -> list[Process]:
    found = (read_process(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return [process for process in found if process]


def descendants(pid: int) -> list[Process]:
    """The process itself and all below it, parents first."""
    table = all_processes()
    tree = [process for process in table if process.pid == pid]
    for process in tree:  # grows while it is walked
        tree += [child for child in table if child.parent == process.pid]
    return tree


def environment(pid: int) -> dict[str, str]:
    """The environment the process was started with; empty when it is gone."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (item.partition("=") for item in raw.decode(errors="surrogateescape").split("\0") if "=" in item)
    return {name: value for name, _, value in pairs}


def descriptors(pid: int) -> dict[int, str]:
    """Open descriptors and what they refer to ("pipe:[123]", "/dev/null"); empty when the process is gone."""
    directory = f"/proc/{pid}/fd"
    found: dict[int, str] = {}
    try:
        names = os.listdir(directory)
    except OSError:
        return found
    for name in names:
        try:
            found[int(name)] = os.readlink(f"{directory}/{name}")
        except OSError:
            pass
    return found


def memory_kib(pid: int) -> dict[str, int]:
    """What smaps_rollup says, in KiB, by name ("Pss", "Rss", "Private_Dirty", ...); empty when the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return {}
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}


def seconds_queued(thread: int) -> float:
    """For how long in its life a thread was ready to run and waited for a processor; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{thread}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def waits_with(thread: int, descriptor: int) -> bool:
    """The thread sleeps in a system call whose first argument is this descriptor."""
    found = Path(f"/proc/{thread}/syscall").read_text().split()
    return len(found) > 1 and found[1] == hex(descriptor)


def times_asleep(thread: int) -> int:
    """How often in its life a thread has fallen asleep."""
    lines = Path(f"/proc/{thread}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches:"))


def resident_kib(pid: int) -> int:
    """Proportional set size in KiB; 0 when the process is gone."""
    return memory_kib(pid).get("Pss", 0)
