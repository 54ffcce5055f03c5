"""The status page and the metrics over HTTP: who may ask what, and what strangers cannot do to the server.

What a person sees of it: test_status_page_browser.py.
"""
from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from support.asking import Load
from support.ctl import Ctl
from support.gate import GATE, Gate
from support.page import Reply, ask, ask_raw, connect, free_port
from support.server import Server
from support.wait import wait_until


def with_page(where: object) -> str:
    return f"server: {{status_page: {where}}}\npools: {{default: {{workers: 2}}}}\n"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(port: int) -> Iterator[Server]:
    with Server(filters={"gate": GATE}, config=with_page(f"127.0.0.1:{port}")) as running:
        yield running


def test_there_is_none_unless_it_is_asked_for() -> None:
    with Server(filters={"gate": GATE}) as server:
        assert server.ask() == b"200 Ok\n"
        assert not [line for line in server.log_lines() if "status page" in line]
        inodes = {os.readlink(path) for path in Path(f"/proc/{server.master_pid()}/fd").iterdir() if path.exists()}
        listening = {f"socket:[{line.split()[9]}]" for name in ("tcp", "tcp6")
                     for line in Path("/proc/net", name).read_text().splitlines()[1:]}
        assert not inodes & listening


def test_the_page_shows_what_each_worker_does_and_says_what_a_browser_must_not_do(server: Server, port: int) -> None:
    gate = Gate(server, "seen")
    message = gate.message()
    with server.send(message) as client:
        gate.wait_for_held(1)
        wait_until("a page that shows it", lambda: "<b>gate</b>" in ask(port).body)
        reply = ask(port)
        gate.open()
        client.read_reply()
    assert reply.status == 200 and reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "default/1" in reply.body and "default/2" in reply.body and "<svg" in reply.body
    assert reply.headers["content-security-policy"].startswith("default-src 'none'; script-src 'sha256-")
    assert reply.headers["x-content-type-options"] == "nosniff" and reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-frame-options"] == "DENY" and reply.headers["connection"] == "close"


def test_a_message_id_is_no_markup(server: Server, port: int) -> None:
    gate = Gate(server, "hostile")
    message = gate.message()
    control = message.control_paths[0]
    control.write_bytes(re.sub(rb"^M.*$", b"M<script>alert(1)</script>", control.read_bytes(), flags=re.MULTILINE))
    with server.send(message) as client:
        gate.wait_for_held(1)
        found = wait_until("a page that shows it", lambda: [
            reply for reply in [ask(port), ask(port, "/live.json")] if "alert(1)" in reply.body])
        gate.open()
        client.read_reply()
    for reply in found:
        assert "<script>alert" not in reply.body and "&lt;script&gt;alert(1)" in reply.body


def test_metrics_come_in_the_format_that_is_asked_for(server: Server, port: int) -> None:
    plain = ask(port, "/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "\npythonfilter_up 1\n" in plain.body and "# EOF" not in plain.body
    new = ask(port, "/metrics?x=1", more="Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n")
    assert new.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert len(list(openmetrics(new.body))) > 30


def test_what_the_script_asks_for_is_json(server: Server, port: int) -> None:
    reply = ask(port, "/live.json")
    assert reply.headers["content-type"] == "application/json"
    assert list(json.loads(reply.body)) == ["summary", "messages", "pools", "filters"]


def test_head_says_what_get_would(server: Server, port: int) -> None:
    head = ask(port, "/metrics", method="HEAD")
    assert head.status == 200 and head.body == "" and int(head.headers["content-length"]) > 1000


REFUSED = {
    "POST": (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    "DELETE": (b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    "a body": (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 413),
    "another path": (b"GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "a rebound name": (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
    "an address of this host for others": (b"GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", 403),
    "as to a proxy": (b"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "no HTTP": (b"/var/lib/courier/msgs/1\n\n", 400),
    "no end": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20000 + b"\r\n\r\n", 431),
}


@pytest.mark.parametrize("request_bytes, status", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_answered(server: Server, port: int, request_bytes: bytes, status: int) -> None:
    reply = ask_raw(port, request_bytes)
    assert reply.status == status and reply.body.startswith(f"{status} ")
    assert reply.headers.get("allow") == ("GET, HEAD" if status == 405 else None)


def test_clients_that_do_not_speak_or_do_not_listen_stop_nobody(server: Server, port: int) -> None:
    with ExitStack() as stack:
        for number in range(60):
            client = stack.enter_context(connect(port))
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" if number % 2 else b"GET / HT")
        assert ask(port).status == 200 and server.ask() == b"200 Ok\n"


def test_it_answers_under_load_and_the_load_does_not_notice(server: Server, port: int) -> None:
    with Load(server, 16) as load:
        wait_until("some answers", lambda: len(load.replies) > 50)
        replies: list[Reply] = [ask(port, path) for path in ("/", "/live.json", "/metrics") * 20]
    assert {reply.status for reply in replies} == {200} and set(load.finish()) == {b"200 Ok\n"}


def test_on_a_socket_those_may_look_who_may_look_otherwise() -> None:
    server = Server(filters={"gate": GATE})
    directory = server.base / "page"
    directory.mkdir(mode=0o755)
    if os.geteuid() == 0:
        os.chown(directory, server.account.pw_uid, server.account.pw_gid)
    path = directory / "socket"
    server.write_config(with_page(path), ["gate"])
    with server:
        assert ask(path).status == 200 and ask(path, "/metrics").status == 200
        if os.geteuid() == 0:
            stranger = ("import socket, sys\nclient = socket.socket(socket.AF_UNIX)\nclient.connect(sys.argv[1])\n"
                        "print(client.recv(100))")
            done = subprocess.run(["/usr/bin/python3", "-c", stranger, path], user=65534, group=65534, extra_groups=[],
                                  capture_output=True, text=True, check=True, timeout=30)
            assert "403 Forbidden" in done.stdout
    assert not path.exists()


def test_a_reload_moves_it_and_takes_it_away(server: Server, port: int) -> None:
    other, ctl = free_port(), Ctl(server)
    server.write_config(with_page(f"127.0.0.1:{other}"), ["gate"])
    ctl.result("reload")
    wait_until("the page at its new place", lambda: _answers(other))
    assert not _answers(port)
    server.write_config("pools: {default: {workers: 2}}\n", ["gate"])
    ctl.result("reload")
    wait_until("the page to go", lambda: not _answers(other))
    server.write_config(with_page(f"127.0.0.1:{port}"), ["gate"])
    ctl.result("reload")
    wait_until("the page to come back", lambda: _answers(port))


def _answers(port: int) -> bool:
    """A client that waits to be accepted while its listener is closed is not refused but reset."""
    try:
        return ask(port).status == 200
    except (ConnectionRefusedError, ConnectionResetError):
        return False


def test_a_place_that_is_taken_is_told_and_mail_goes_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Server(filters={"gate": GATE}, config=with_page(f"127.0.0.1:{port}")) as server:
            server.wait_for_log(rf"WARN: no status page: bind 127.0.0.1 port {port}: Address already in use")
            assert server.ask() == b"200 Ok\n"
