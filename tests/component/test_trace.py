"""`pythonfilterctl trace`: where the filter of one worker is at this moment, or why that cannot be told.

One pool with one worker. Each message brings the Python text that the filter runs; it goes on until the file `go` is
there.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.ctl import FAILED, OK, Ctl
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.wait import wait_until

CONFIG = "pools: {default: {workers: 1}}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"script": SCRIPT_FILTER}, config=CONFIG) as running:
        yield running


@contextmanager
def running(server: Server, step: str, *, begin: str = "", end: str = "") -> Iterator[Ctl]:
    """A worker runs `begin`, then `step` again and again; at the end it is let go, runs `end` and is answered."""
    go = server.spool.path / "go"
    body = f"import os, re, threading, time\n{begin}\ndef deep():\n    {step}\n"
    body += f"while not os.path.exists({str(go)!r}): deep()\n{end}\nreply = '200 went on'"
    message = server.spool.message(script(body))
    with server.send(message) as client:
        ctl = Ctl(server)
        wait_until("the filter to run", lambda: [each for each in ctl.workers() if each["filter"]])
        yield ctl
        go.touch()
        assert client.read_reply() == b"200 went on\n"
    go.unlink()
    message.remove()


def traced(ctl: Ctl, line: str) -> Any:
    """The first answer that shows the line; before, the filter may be between two steps."""
    return wait_until(f"a traceback with {line!r}", lambda: next(
        (found for found in [ctl.result("trace", "default/1")] if line in found["trace"] + found["missing"]), None))


STEPS = {
    "busy in Python": "sum(i for i in range(10_000))",
    "in a regular expression": "re.match('(a+)+$', 'a' * 22 + 'b')",
    "asleep": "time.sleep(0.2)",
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_the_filter_is_found_where_it_is_and_goes_on(server: Server, step: str) -> None:
    with running(server, step) as ctl:
        found = traced(ctl, 'File "message", line 4 in deep\n')
        assert " (most recent call first):\n" in found["trace"] and found["missing"] == ""
        assert 'script.py", line 5 in do_filter\n' in found["trace"]
        worker = found["worker"]
        assert worker["label"] == "default/1" and worker["filter"] == "script" and worker["state"] == "busy"
        assert worker["message_id"] != ""
        done = ctl.run("trace", str(worker["pid"]))
        assert done.returncode == OK and done.stdout.startswith(f"default/1 (pid {worker['pid']}) busy for ")
        assert "script.py" in done.stdout and done.stderr == ""


def test_other_threads_are_shown_too(server: Server) -> None:
    begin = ("stop = threading.Event()\ndef other(): stop.wait(9)\n"
             "thread = threading.Thread(target=other)\nthread.start()")
    with running(server, "sum(range(100_000))", begin=begin, end="stop.set()\nthread.join()") as ctl:
        found = traced(ctl, "line 3 in other\n")
        assert found["trace"].startswith("Main thread (most recent call first):\n")
        assert found["trace"].count("(most recent call first):\n") == 2


def test_an_idle_worker_runs_no_filter(server: Server) -> None:
    assert server.ask(script("reply = ''")) == b"200 Ok\n"
    wait_until("the worker to be idle", lambda: Ctl(server).workers()[0]["state"] == "idle")
    done = Ctl(server).run("trace", "default/1")
    assert done.returncode == FAILED
    assert done.stdout.endswith("\nno traceback: the worker is idle, no filter runs\n") and " idle for " in done.stdout


def test_a_filter_that_is_busy_in_c_is_told_of_in_time(server: Server) -> None:
    with running(server, "sum(itertools.repeat(0, 2 * 10 ** 9))", begin="import itertools") as ctl:
        found = traced(ctl, "it did not react to the signal in time, it may be busy in C code")
        assert found["trace"] == "" and found["worker"]["state"] == "busy"


def test_a_worker_that_hangs_in_init_filter_is_found_there() -> None:
    hangs = """
        import os, time

        def init_filter():
            while not os.path.exists(os.environ["GO"]): time.sleep(0.01)

        def do_filter(body, controls): return ''
        """
    server = Server(filters={"slow_start": hangs})
    go = server.spool.path / "go"
    server.write_config(f"pools: {{default: {{workers: 1, env: {{GO: {go}}}}}}}\n", ["slow_start"])
    try:
        server.start(wait=False)
        ctl = Ctl(server)
        wait_until("the control socket", ctl.control_path.exists)
        wait_until("a worker that starts", lambda: [each for each in ctl.workers() if each["state"] == "starting"])
        assert traced(ctl, "in init_filter\n")["worker"]["filter"] == ""
        go.touch()
        server.wait_ready()
    finally:
        server.close()


def test_what_is_no_worker_is_told(server: Server) -> None:
    ctl = Ctl(server)
    for name in ("default/2", "nothing", "1"):
        done = ctl.run("trace", name)
        assert done.returncode == FAILED and f"there is no worker `{name}`" in done.stderr
    assert ctl.run("trace").returncode == 64
