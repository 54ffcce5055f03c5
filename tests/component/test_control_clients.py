"""Who may ask on the control sockets, and clients that do not behave: they cost nobody an answer.

Shown with the installed programs. As in the tests of the queue nothing depends on the speed of the machine, but for the
50 ms within which status answers.
"""
from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support.ctl import LIMIT, NOT_PERMITTED, OK, Ctl, read_all
from support.gate import GATE, Gate, wait_until_read
from support.server import Server
from support.wait import wait_until

NOBODY = 65534
STATUS = b'{"command": "status"}\n'
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(filters={"gate": GATE}) as server:
        yield server


def kind_of(answer: bytes) -> str:
    kind: str = json.loads(answer)["kind"]
    return kind


@pytest.mark.parametrize("rubbish", [
    b"\n", b"status\n", b"{}\n", b"[]\n", b'{"command": 1}\n', b'{"command": "status", "more": 1}\n',
    b'{"command": "status", "arguments": {"a": 1}}\n', b'{"command": "status", "arguments": {"a": "b"}}\n',
    b'{"command": "no such"}\n', b'{"command": "log-level", "arguments": {"level": "loud"}}\n', b"\xff\xfe\n",
    b"[" * 4000 + b"\n", b"x" * 100_000, b'{"command": "log-level"}\n', b"\0" * 10 + b"\n",
])
def test_rubbish_is_answered_as_such(server: Server, rubbish: bytes) -> None:
    ctl = Ctl(server)
    assert kind_of(ctl.ask(rubbish)) == "bad request"
    assert ctl.status()["state"] == "serving"


def test_half_a_request_is_an_error_when_the_client_shuts_its_end(server: Server) -> None:
    ctl = Ctl(server)
    with ctl.connect() as client:
        client.sendall(STATUS[:-5])
        client.shutdown(socket.SHUT_WR)
        assert kind_of(read_all(client)) == "bad request"
    with ctl.connect() as client:
        client.sendall(STATUS)
        client.shutdown(socket.SHUT_WR)
        assert json.loads(read_all(client))["ok"] is True


def test_a_request_may_come_byte_by_byte(server: Server) -> None:
    with Ctl(server).connect() as client:
        for byte in STATUS:
            client.sendall(bytes([byte]))
        assert json.loads(read_all(client))["ok"] is True


def test_a_thousand_silent_clients_keep_nobody_from_an_answer(server: Server) -> None:
    ctl = Ctl(server)
    before = server.descriptor_count()
    with ExitStack() as stack:
        for _ in range(1000):
            client = stack.enter_context(ctl.connect())
            client.sendall(STATUS[:7])
        assert ctl.status()["state"] == "serving"
        assert server.descriptor_count() < before + 70
        assert server.ask() == b"200 Ok\n"
    wait_until("the descriptors", lambda: server.descriptor_count() <= before + 1)


def test_clients_that_never_read_keep_nobody_from_an_answer(server: Server) -> None:
    """Answers larger than a socket takes: tests/unit/test_control_clients.cpp."""
    with ExitStack() as stack:
        ctl = Ctl(server)
        for _ in range(100):
            stack.enter_context(ctl.connect()).sendall(STATUS)
        assert ctl.status()["state"] == "serving"
        assert server.ask() == b"200 Ok\n"


def test_clients_that_hang_up_while_they_wait_are_forgotten(server: Server) -> None:
    ctl, gate = Ctl(server), Gate(server)
    with server.send(gate.message()) as held:
        gate.wait_for_held(1)
        before = server.descriptor_count()
        for _ in range(100):
            with ctl.connect() as client:
                client.sendall(b'{"command": "drain"}\n')
        wait_until("the descriptors", lambda: server.descriptor_count() <= before + 1)
        assert ctl.status()["state"] == "draining"
        gate.open()
        assert held.read_reply() == b"200 Ok\n"
    assert ctl.run("resume").returncode == OK


def test_status_within_50_ms_while_every_worker_is_busy_and_the_queue_is_full() -> None:
    workers, limit, tries = 8, 100, 20
    config = f"pools: {{default: {{workers: {workers}}}}}\nserver: {{queue: {{limit: {limit}}}}}\n"
    with Server(filters={"gate": GATE}, config=config) as server, ExitStack() as stack:
        ctl, gate = Ctl(server), Gate(server)
        for _ in range(workers + limit):
            stack.enter_context(server.send(gate.message()))
        gate.wait_for_held(workers)
        wait_until_read(server)
        assert server.ask().startswith(b"451 4.3.2 ")
        best = 1.0
        for _ in range(tries):  # the best of them: the machine may have other work, the server may not
            begin = time.monotonic()
            answer = json.loads(ctl.ask(STATUS))["result"]
            best = min(best, time.monotonic() - begin)
            assert answer["queue"] == {"waiting": limit, "limit": limit}
            assert {worker["state"] for worker in answer["pools"][0]["workers"]} == {"busy"}
        print(f"status: {best * 1000:.1f} ms")
        assert best < 0.050
        gate.open()


@as_root
def test_another_user_may_only_do_what_it_is_listed_for() -> None:
    server = Server(filters={"gate": GATE})
    directory = server.base / "control"
    directory.mkdir(mode=0o755)
    os.chown(directory, server.account.pw_uid, server.account.pw_gid)
    ctl = Ctl(server, directory)

    def allow(keys: str) -> None:
        server.write_config(f"server: {{control: {{directory: {directory}{keys}}}}}\n", ["gate"])

    allow("")
    with server:
        assert os.stat(ctl.control_path).st_mode & 0o777 == 0o600
        assert ctl.run("status", user=NOBODY).returncode == NOT_PERMITTED
        allow(", monitors: [nobody]")
        assert ctl.run("reload").returncode == OK
        wait_until("the monitor", lambda: ctl.run("status", user=NOBODY).returncode == OK)
        assert ctl.run("drain", user=NOBODY).returncode == NOT_PERMITTED
        allow(", users: [nobody]")
        assert ctl.run("reload").returncode == OK
        wait_until("the user", lambda: ctl.run("drain", user=NOBODY).returncode == OK)
        allow(", users: [no_such_user, root]")
        assert ctl.run("reload").returncode == OK
        server.wait_for_log("server.control: there is no user 'no_such_user'")
        wait_until("the end of it", lambda: ctl.run("resume", user=NOBODY).returncode == NOT_PERMITTED)
        os.chmod(ctl.control_path, 0o666)  # the mode is not all that keeps it out
        assert kind_of(ask_as(NOBODY, ctl)) == "not permitted"


def ask_as(user: int, ctl: Ctl) -> bytes:
    """What another user is told on the control socket."""
    ask = ("import socket, sys\nclient = socket.socket(socket.AF_UNIX)\nclient.connect(sys.argv[1])\n"
           "sys.stdout.buffer.write(client.recv(65536))\n")
    return subprocess.run([sys.executable, "-I", "-c", ask, str(ctl.control_path)], user=user, extra_groups=[],
                          capture_output=True, timeout=LIMIT, check=True).stdout


def test_the_read_only_socket_takes_no_command_that_changes_something(server: Server) -> None:
    ctl = Ctl(server)
    for command in (b"status", b"stats", b"filters"):
        assert json.loads(ctl.ask(b'{"command": "%s"}\n' % command, monitor=True))["ok"] is True
    for command in (b"reload", b"drain", b"resume", b"stop", b"recycle"):
        assert kind_of(ctl.ask(b'{"command": "%s"}\n' % command, monitor=True)) == "not permitted"
    assert ctl.status()["state"] == "serving"


ASKS = """
import socket, os

def ask(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        try:
            client.sendall(b'{"command": "drain"}\\n')
        except BrokenPipeError:
            pass
        return client.recv(1000)

def do_filter(body, controls):
    path = '@PATH@'
    answers = [ask(path)]
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        if os.fork() == 0:  # an orphan
            os.setsid()
            os.write(write, ask(path))
        os._exit(0)
    os.waitpid(child, 0)
    answers.append(os.read(read, 1000))
    refused = all(b'not permitted' in answer for answer in answers)
    return '' if refused else '550 ' + repr(answers)
"""


def test_filters_and_their_children_are_refused() -> None:
    server = Server(filters={"asks": ""})
    ctl = Ctl(server)
    server.write_filter("asks", ASKS.replace("@PATH@", str(ctl.control_path)))
    with server:
        assert server.ask() == b"200 Ok\n"
        assert ctl.status()["state"] == "serving"


def test_a_socket_that_cannot_be_made_is_told_and_mail_is_served() -> None:
    with Server(filters={"gate": GATE}, config="server: {control: {directory: /no/such/place}}\n") as server:
        server.wait_for_log("WARN: no control socket: bind /no/such/place/pythonfilter.control")
        assert server.ask() == b"200 Ok\n"


def test_a_file_in_the_way_is_left_alone() -> None:
    server = Server(filters={"gate": GATE})
    ctl = Ctl(server)
    ctl.control_path.write_text("not ours")
    with server:
        server.wait_for_log("no control socket: .* is there and is no socket")
        assert ctl.control_path.read_text() == "not ours"
        assert server.ask() == b"200 Ok\n"
