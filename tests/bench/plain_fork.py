"""What the machine itself takes for a replacement: dev/bench's part start shows it beside the server's.

    python3 plain_fork.py DEATHS MODULE...      prints milliseconds, as JSON

A Python that has imported the modules forks a child, which answers a message; the child is killed, the next one is
forked at once and asked. Measured is from the kill to that answer: a fork, the end of a process, the memory that a
child touches first; no sandbox, no limits, no master between. Must never import anything of this project.
"""
from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass


@dataclass
class Child:
    pid: int
    requests: int  # pipes
    answers: int


def main() -> None:
    deaths, modules = int(sys.argv[1]), sys.argv[2:]
    for module in modules:
        importlib.import_module(module)
    with tempfile.NamedTemporaryFile() as body:
        body.write(b"Subject: message\n\n")
        body.flush()
        child = start()
        ask(child, body.name)
        times = []
        for _ in range(deaths):
            died = time.monotonic_ns()
            end(child)
            child = start()
            ask(child, body.name)
            times.append((time.monotonic_ns() - died) / 1e6)
        end(child)
    print(json.dumps(times))


def start() -> Child:
    requests, answers = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        answer_all(requests[0], answers[1])
    os.close(requests[0])
    os.close(answers[1])
    return Child(pid, requests[1], answers[0])


def answer_all(requests: int, answers: int) -> None:
    while path := os.read(requests, 4096):
        with open(path, "rb") as body:
            os.write(answers, b"550 no" if b"X-Die" in body.read() else b"200 Ok")
    os._exit(0)


def ask(child: Child, path: str) -> None:
    os.write(child.requests, os.fsencode(path))
    if os.read(child.answers, 4096) != b"200 Ok":
        sys.exit("plain_fork: a wrong answer")


def end(child: Child) -> None:
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    os.close(child.requests)
    os.close(child.answers)


if __name__ == "__main__":
    main()
