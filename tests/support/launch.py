"""Becomes a mail filter the way courierfilter starts one: descriptors, user, directory, environment, bare argv[0].

A program of its own (python3 -I -S launch.py < JSON on the descriptor in argv[1]), started by tests/support/server.py;
the server takes over this process with exec, so its pid is the one the test knows. A fresh interpreter may put
descriptors on fixed numbers, which a test process cannot do between fork and exec.
"""
from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import sys

PR_SET_PDEATHSIG = 1
FREE_NUMBERS = 20  # moved out of the way to above this number first


def main() -> None:
    with os.fdopen(int(sys.argv[1])) as stream:
        plan = json.load(stream)
    # "3": 17 means: what is now 17 becomes 3. Two steps, so that no target overwrites another source.
    moved = {
        int(number): fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FREE_NUMBERS)
        for number, fd in plan["descriptors"].items()
    }
    for fd in set(plan["descriptors"].values()):
        os.close(fd)
    for number, fd in moved.items():
        os.dup2(fd, number, inheritable=True)
    for number in plan["closed"]:
        os.close(number)
    if plan["uid"] is not None:
        os.setgroups([])
        os.setgid(plan["gid"])
        os.setuid(plan["uid"])
    if plan["death_signal"]:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, plan["death_signal"])
    if plan["open_files"]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (plan["open_files"], plan["open_files"]))
    os.umask(0o022)
    os.chdir(plan["directory"])
    os.execve(plan["program"], plan["arguments"], plan["environment"])


main()
