"""Clients that mean harm: thousands at once, passed descriptors, replies nobody reads. Others are served at once."""
from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from bench.peer import cpu_seconds
from support import processes
from support.server import Server

QUICK = 2.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"quiet": "def do_filter(body, controls): return ''"}) as running:
        yield running


def open_files(server: Server) -> int:
    return len(processes.descriptors(server.master_pid()))


def settle(server: Server, before: int) -> None:
    """Other messages pass, and what the hostile clients cost is given back."""
    assert server.ask(timeout=QUICK) == b"200 Ok\n"
    end = time.monotonic() + 5
    while open_files(server) > before and time.monotonic() < end:
        time.sleep(0.02)
    assert open_files(server) <= before


def test_2000_clients_that_say_half_of_it_and_stay(server: Server) -> None:
    before, pid = open_files(server), server.master_pid()
    with ExitStack() as stack:
        for _ in range(2000 if server_can_hold(server) else 500):
            client = stack.enter_context(server.connect())
            try:
                client.send(b"/var/lib/courier/tmp/1/D1")
            except OSError:
                pass  # the oldest go first
        assert server.ask(timeout=QUICK) == b"200 Ok\n"
    settle(server, before)
    assert server.master_pid() == pid


def server_can_hold(server: Server) -> bool:
    """Whether this process may open so many itself."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 3000


def test_requests_whose_replies_nobody_reads(server: Server) -> None:
    before = open_files(server)
    with ExitStack() as stack:
        for number in range(200):
            message = server.spool.message()
            stack.callback(message.remove)
            client = stack.enter_context(server.send(message))
            if number % 2:
                client.socket.shutdown(socket.SHUT_WR)
        assert server.ask(timeout=10) == b"200 Ok\n"
    settle(server, before)


def test_descriptors_that_a_client_passes_are_not_kept(server: Server) -> None:
    before = open_files(server)
    message = server.spool.message()
    null = os.open("/dev/null", os.O_RDONLY)
    with ExitStack() as stack:
        for _ in range(50):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(server.socket_path))
            socket.send_fds(client, [b"/tmp/half"], [null] * 200)
        assert server.ask(timeout=QUICK) == b"200 Ok\n"
        assert open_files(server) <= before + 50
        client.sendall(b"\0\n")
        assert client.recv(100).startswith(b"451")
    os.close(null)
    message.remove()
    settle(server, before)


def test_a_byte_out_of_band_does_not_keep_the_master_busy(server: Server) -> None:
    master = {"master": [server.master_pid()]}
    message = server.spool.message()
    with server.connect() as client:
        client.socket.send(b"x", socket.MSG_OOB)
        begin, before = time.monotonic(), cpu_seconds(master)["master"]
        while time.monotonic() < begin + 0.5:  # what is measured is that nothing happens
            assert server.ask(timeout=QUICK) == b"200 Ok\n"
            time.sleep(0.05)
        assert cpu_seconds(master)["master"] - before < 0.1
        client.send(message.request)
        assert client.read_reply() == b"200 Ok\n"
    message.remove()


def test_a_thousand_that_come_and_go(server: Server) -> None:
    before = open_files(server)
    for _ in range(1000):
        with server.connect() as client:
            client.send(b"/tmp/D1\n")
    settle(server, before)
