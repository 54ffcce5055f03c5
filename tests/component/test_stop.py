"""Stop: messages in work get their verdict, those that wait are deferred, new ones are refused, nothing is left behind.

The same from every side: SIGTERM, SIGINT, the end of stdin; with the guardian and in the foreground. A name with a
pitfall number is the check for that row of the list of pitfalls.
"""
from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import ExitStack

import pytest
from support.gate import GATE, Gate, wait_until_read
from support.server import Server
from support.wait import wait_until

STOPPING = b"451 4.3.2 "
STOP_LIMIT = 15.0   # seconds: courierfilter's stop waits no longer
ONE_WORKER = "pools: {default: {workers: 1}}\n"
WAYS = [("courierfilter", "end of stdin"), ("courierfilter", "SIGTERM"), ("courierfilter", "SIGINT"),
        ("foreground", "SIGTERM"), ("foreground", "SIGINT")]


def begin_stop(server: Server, how: str) -> float:
    """Returns the time of it."""
    begin = time.monotonic()
    if how == "end of stdin":
        server.close_stdin()
    else:
        server.signal(signal.Signals[how])
    return begin


def refuses(server: Server) -> bool:
    """Whether a connect is refused, which Courier answers with 432."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(server.socket_path))
        except ConnectionRefusedError:
            return True
    return False


def ended_well(server: Server, begin: float) -> None:
    assert server.wait_exit() == 0
    assert time.monotonic() - begin < STOP_LIMIT
    assert server.processes() == []


@pytest.mark.parametrize(("mode", "how"), WAYS)
def test_pitfall_02_a_stop_finishes_what_runs_and_defers_what_waits(mode: str, how: str) -> None:
    with Server(mode=mode, filters={"gate": GATE}, config=ONE_WORKER) as server, ExitStack() as stack:
        gate = Gate(server)
        running = stack.enter_context(server.send(gate.message("550 in work")))
        gate.wait_for_held(1)
        waiting = [stack.enter_context(server.send(gate.message())) for _ in range(3)]
        silent = stack.enter_context(server.connect())
        wait_until_read(server)
        begin = begin_stop(server, how)
        for client in [*waiting, silent]:
            assert client.read_reply().startswith(STOPPING)
        wait_until("connects to be refused", lambda: refuses(server))
        gate.open()
        assert running.read_reply() == b"550 in work\n"
        ended_well(server, begin)
        assert gate.held() == 1
        assert server.socket_path.exists() and refuses(server)


def test_pitfall_02_a_stuck_filter_cannot_delay_the_stop() -> None:
    deaf = """
        import signal, time
        def init_filter():
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
        def do_filter(body, controls):
            print('begun', flush=True)
            while True:
                time.sleep(1000)
        """
    with Server(filters={"deaf": deaf}) as server, server.send(server.spool.message()) as client:
        server.wait_for_log("begun")
        begin = begin_stop(server, "end of stdin")
        assert client.read_reply(STOP_LIMIT).startswith(STOPPING)
        assert time.monotonic() - begin > 9.0, "it has ten seconds"
        ended_well(server, begin)


@pytest.mark.parametrize("where", ["import", "init_filter", "atexit", "child"])
def test_a_stop_waits_for_nothing_that_hangs(where: str) -> None:
    source = {
        "import": "import time\nprint('hangs', flush=True)\ntime.sleep(1000)\n",
        "init_filter": "import time\ndef init_filter():\n    print('hangs', flush=True)\n    time.sleep(1000)\n",
        "atexit": "import atexit, time\natexit.register(time.sleep, 1000)\nprint('hangs', flush=True)\n",
        "child": "import subprocess\n"
                 "def init_filter():\n    subprocess.Popen(['sleep', '1000'])\n    print('hangs', flush=True)\n",
    }[where] + "def do_filter(body, controls):\n    return ''\n"
    with Server(filters={"hangs": source}).start(wait=False) as server:
        server.wait_for_log("hangs")
        ended_well(server, begin_stop(server, "SIGTERM"))


def test_a_message_that_runs_goes_through_the_rest_of_its_chain() -> None:
    config = """
        pools: {default: {workers: 1}, other: {workers: 1}}
        filters: [{filter: gate}, {filter: last, pool: other}]
        """
    last = "def do_filter(body, controls):\n    return '550 at the end'\n"
    with Server(filters={"gate": GATE, "last": last}, config=config) as server:
        gate = Gate(server)
        with server.send(gate.message()) as client:
            gate.wait_for_held(1)
            begin = begin_stop(server, "SIGTERM")
            wait_until("connects to be refused", lambda: refuses(server))
            gate.open()
            assert client.read_reply() == b"550 at the end\n"
            ended_well(server, begin)


@pytest.mark.parametrize("mode", ["courierfilter", "foreground"])
def test_pitfall_01_the_socket_goes_only_when_mail_shall_pass(mode: str) -> None:
    for policy, stays in (("defer", True), ("pass", False)):
        with Server(mode=mode, filters={"gate": GATE}, config=f"server: {{on_stop: {policy}}}\n") as server:
            assert server.ask() == b"200 Ok\n"
            assert server.stop() == 0
            assert server.socket_path.exists() == stays


def test_pitfall_01_a_crash_leaves_the_socket() -> None:
    for config in ("", "server: {on_stop: pass}\n"):
        with Server(filters={"gate": GATE}, config=config) as server:
            os.kill(server.pid, signal.SIGKILL)
            os.kill(server.master_pid() or server.pid, signal.SIGKILL)
            wait_until("connects to be refused", lambda: refuses(server))
            assert server.socket_path.exists()


def test_a_second_signal_changes_nothing() -> None:
    with Server(filters={"gate": GATE}) as server:
        gate = Gate(server)
        with server.send(gate.message("550 in work")) as client:
            gate.wait_for_held(1)
            begin = begin_stop(server, "SIGTERM")
            wait_until("connects to be refused", lambda: refuses(server))
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                server.signal(number)
            server.close_stdin()
            gate.open()
            assert client.read_reply() == b"550 in work\n"
            ended_well(server, begin)


def test_a_stop_during_the_start_is_a_stop() -> None:
    slow = "import time\ndef init_filter():\n    time.sleep(2)\ndef do_filter(body, controls):\n    return ''\n"
    with Server(filters={"slow": slow}).start(wait=False) as server:
        wait_until("the first worker", server.worker_pids)
        ended_well(server, begin_stop(server, "SIGTERM"))
