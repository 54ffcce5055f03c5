"""Part `start`: how soon the server is ready after its exec with ten filters, and how soon a dead worker is replaced.

Nothing is polled. Ready is when the last copy of fd 3 is closed, which select() sees. A filter notes the time and kills
its worker; the client, told so by its 451, at once asks about the next message, which only a replacement can answer.
So the time found is that of the replacement, of the bad news and of one message. Beside it stands what a plain Python
takes to fork a child that answers (plain_fork.py), on the same machine. Must never use a worker that had a sibling.
"""
from __future__ import annotations

import json
import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench import plain_fork
from bench.figures import Series, Target, table
from bench.filter_server import LoggingServer
from bench.session import Bench
from support.hostile import DEFERRED

FILTERS = 10
DEATHS = 5  # of one server: more in a short time are answered with a pause
FILTER = "import email\nimport re\nimport sqlite3\n\n\ndef do_filter(body_path, control_paths):\n    return ''\n"
# The times of init_filter and of the death, in nanoseconds, into files beside the message.
DYING = """\
import email, os, re, signal, sqlite3, time

began = 0

def init_filter():
    global began
    began = time.monotonic_ns()

def do_filter(body_path, control_paths):
    with open(body_path, 'rb') as body:
        dies = b'X-Die' in body.read()
    with open(os.path.join(os.path.dirname(body_path), 'died' if dies else 'began'), 'w') as times:
        if dies:
            print(time.monotonic_ns(), file=times, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        print(began, file=times)
    return ''
"""
CONFIG = "pools: {default: {workers: 1, breaker: {failures: 0}}}\nserver: {poison: {kills: 0}}\n"
# Stands between launch.py and the server: notes the time of the exec. Its name must not become argv[0] of the server.
WRAPPER = """\
#!/usr/bin/python3 -IS
import os, time
with open({note!r}, "w") as times:
    print(time.monotonic_ns(), file=times)
os.execv({program!r}, ["pythonfilter"])
"""


@dataclass
class Times:
    """In milliseconds."""

    ready: float
    initialised: list[float]  # from the death of a worker to init_filter of the next
    answered: list[float]     # from the death to the first reply of the next
    plain: list[float]        # likewise, of a plain Python's child


def run(bench: Bench) -> None:
    rounds = bench.pick(12, 2)
    found: list[Times] = []
    for number in range(rounds):
        bench.progress(f"start and replacement, round {number + 1} of {rounds}")
        found.append(measure())
    ready = Series(tuple(one.ready for one in found))
    initialised = Series(tuple(value for one in found for value in one.initialised))
    answered = Series(tuple(value for one in found for value in one.answered))
    plain = Series(tuple(value for one in found for value in one.plain))
    rows = [("exec to ready", [ready.text(1), f"{rounds}"]),
            ("death of a worker to init_filter in its replacement", [initialised.text(2), f"{rounds * DEATHS}"]),
            ("death of a worker to the first answer of its replacement", [answered.text(2), f"{rounds * DEATHS}"]),
            ("the same of a child that a plain Python forks", [plain.text(2), f"{rounds * DEATHS}"])]
    bench.show("\n" + table(f"Start with {FILTERS} filters that import email, re and sqlite3, in ms",
                            ["median (min-max)", "times"], rows))
    bench.data["start"] = {"ready_ms": ready, "initialised_ms": initialised, "answered_ms": answered,
                           "plain_fork_ms": plain}
    bench.targets += [
        Target("start: exec to ready with ten filters", 250.0, ready.median, at_most=True, unit="ms"),
        Target("start: a dead worker is replaced, and the replacement has answered", 5.0, answered.median, at_most=True,
               unit="ms")]


def measure() -> Times:
    """One start and some deaths."""
    filters = {"dying": DYING, **{f"filter_{number}": FILTER for number in range(1, FILTERS)}}
    server = LoggingServer(filters=filters, config=CONFIG)
    note = server.base / "exec"
    note.touch(0o666)
    note.chmod(0o666)
    wrapper = server.base / "wrapper"
    wrapper.write_text(WRAPPER.format(note=str(note), program=str(server.program)))
    wrapper.chmod(0o755)
    server.program = wrapper
    with server.start(wait=False):
        if not select.select([server.ready_fd], [], [], 30.0)[0]:
            raise TimeoutError("the server is not ready after 30 s")
        ready = time.monotonic_ns()
        server.wait_ready()
        times = Times((ready - int(note.read_text())) / 1e6, [], [], [])
        for _ in range(DEATHS):
            replace(server, times)
    times.plain += plain_times()
    return times


def plain_times() -> list[float]:
    command = ["/usr/bin/python3", plain_fork.__file__, str(DEATHS), "email", "email.parser", "re", "sqlite3"]
    found: list[float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout)
    return found


def replace(server: LoggingServer, times: Times) -> None:
    """Adds the times of one replacement."""
    last, first = server.spool.message(b"X-Die: yes\n\n"), server.spool.message()
    if (reply := server.ask_message(last)) != f"{DEFERRED}\n".encode():
        raise RuntimeError(f"the last message of a worker got {reply!r}")
    if (reply := server.ask_message(first)) != b"200 Ok\n":
        raise RuntimeError(f"the first message of a replacement got {reply!r}")
    answered, died, began = time.monotonic_ns(), noted(last.body_path, "died"), noted(last.body_path, "began")
    times.initialised.append((began - died) / 1e6)
    times.answered.append((answered - died) / 1e6)
    for message in (last, first):
        message.remove()


def noted(body_path: Path, name: str) -> int:
    return int(Path(os.path.dirname(body_path), name).read_text())
