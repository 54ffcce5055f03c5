"""Clients that do not behave: none delays another message, none costs a descriptor for longer than it must.

One server for all the kinds of misbehaviour, so that what one leaves behind would show in the next. A name with a
pitfall number is the check for that row of the list of pitfalls. The bounds on time are far above what a healthy
server needs and far below its deadlines, since other programs may use the machine.
"""
from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest
from support import processes
from support.connection import Connection
from support.gate import GATE, Gate
from support.server import Server
from support.wait import wait_until

ACCEPTED = b"200 Ok\n"
DEFERRED = b"451 4.3.0 "
PATIENCE = 60.0     # seconds: request_timeout of the server below, longer than any test here
QUICK = 5.0         # seconds: "not delayed"
CONFIG = f"pools: {{default: {{workers: 2}}}}\nserver: {{request_timeout: {PATIENCE:.0f}s, message_timeout: 2min}}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"gate": GATE}, config=CONFIG) as running:
        for _ in range(8):
            running.ask()
        yield running


@contextmanager
def nothing_leaks(server: Server) -> Iterator[None]:
    before = server.descriptor_count()
    yield
    wait_until("as many descriptors as before", lambda: server.descriptor_count() == before)


def ask_quickly(server: Server, count: int = 5) -> None:
    """Messages of others are answered, and right, without delay."""
    for number in range(count):
        begin = time.monotonic()
        assert server.ask(b"Verdict: 550 no %d\n\nbody\n" % number, timeout=QUICK) == b"550 no %d\n" % number
        assert time.monotonic() - begin < QUICK


# --- Clients that say too little, too much or nonsense


def say(data: bytes) -> Callable[[Connection], None]:
    def action(client: Connection) -> None:
        try:
            client.send(data)
        except OSError:  # it was answered before it had said everything
            pass

    return action


SILENT = {
    "nothing": b"",
    "half a line": b"/var/lib/cour",
    "no control file yet": b"/var/lib/courier/tmp/1/D1\n",
    "no empty line": b"/var/lib/courier/tmp/1/D1\n/var/lib/courier/tmp/1/1.mail\n",
}
NONSENSE = {
    "a mebibyte without a newline": b"x" * 1024 * 1024,
    "a mebibyte of short lines": b"/x\n" * (1024 * 1024 // 3),
    "NUL bytes": b"\0" * 100 + b"\n\n",
    "NUL inside a path": b"/tmp/D1\0x\n/tmp/1.mail\n\n",
    "an empty request": b"\n",
    "a body and no control file": b"/tmp/D1\n\n",
    "bytes that are no text": bytes(range(128, 256)) + b"\n" + bytes(range(1, 10)) + b"\n\n",
    "a path that is not there": b"/nowhere/D1\n/nowhere/1.mail\n\n",
    "a path too long for the system": b"/" + b"d/" * 4000 + b"\n/tmp/1.mail\n\n",
    "directories": b"/tmp\n/tmp\n\n",
    "a device": b"/dev/zero\n/dev/zero\n\n",
    "an SMTP dialogue": b"EHLO client.example.com\r\nQUIT\r\n\r\n",
}


@pytest.mark.parametrize("kind", SILENT)
def test_pitfall_21_a_client_that_does_not_finish_its_request_delays_nobody(server: Server, kind: str) -> None:
    with nothing_leaks(server), ExitStack() as stack:
        for _ in range(20):
            say(SILENT[kind])(stack.enter_context(server.connect()))
        ask_quickly(server)


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_deferred_and_delays_nobody(server: Server, kind: str) -> None:
    with nothing_leaks(server):
        for _ in range(5):
            with server.connect() as client:
                say(NONSENSE[kind])(client)
                assert client.read_reply(QUICK).startswith(DEFERRED)
        ask_quickly(server, 2)


def test_a_fifo_in_the_place_of_a_file_holds_no_worker(server: Server) -> None:
    message = server.spool.message()
    os.unlink(message.body_path)
    os.mkfifo(message.body_path, 0o666)
    with nothing_leaks(server), ExitStack() as stack:
        for client in [stack.enter_context(server.send(message)) for _ in range(4)]:
            assert client.read_reply(QUICK).startswith(DEFERRED)
        ask_quickly(server)
    message.remove()


def test_relative_paths_begin_in_the_spool(server: Server) -> None:
    message = server.spool.message(b"Verdict: 550 relative\n\n")
    directory = str(server.spool.path / "tmp").encode() + b"/"
    with server.connect() as client:
        client.send(message.request.replace(directory, b""))
        assert client.read_reply() == b"550 relative\n"


def test_bytes_after_the_request_change_nothing(server: Server) -> None:
    message = server.spool.message(b"Verdict: 550 trailing\n\n")
    with nothing_leaks(server), server.connect() as client:
        client.send(message.request + b"trailing\n" * 1000)
        assert client.read_reply() == b"550 trailing\n"


def test_a_request_in_single_bytes_is_a_request(server: Server) -> None:
    with server.connect() as client:
        for byte in server.spool.message(b"Verdict: 550 in pieces\n\n").request:
            client.send(bytes([byte]))
        assert client.read_reply() == b"550 in pieces\n"


def test_pitfall_13_a_body_that_is_not_of_this_message_is_not_touched(server: Server) -> None:
    """Paths are reused at once: the number in the body's name is the inode of the first control file."""
    first, second = server.spool.message(b"Verdict: 550 first\n\n"), server.spool.message(b"Verdict: 550 second\n\n")
    with nothing_leaks(server), server.connect() as client:
        client.send(b"".join(os.fsencode(path) + b"\n" for path in (first.body_path, *second.control_paths)) + b"\n")
        assert client.read_reply().startswith(DEFERRED)
    assert server.ask_message(first) == b"550 first\n"


def test_pitfall_13_files_that_vanish_are_a_client_that_is_gone(server: Server) -> None:
    gone = server.spool.message()
    gone.remove()
    with nothing_leaks(server):
        assert server.ask_message(gone).startswith(DEFERRED)
        half_gone = server.spool.message()
        half_gone.control_paths[0].unlink()
        assert server.ask_message(half_gone).startswith(DEFERRED)


# --- Clients that leave


def leave_before_the_request(server: Server, _: Gate) -> None:
    server.connect().close()


def leave_in_the_middle(server: Server, _: Gate) -> None:
    with server.connect() as client:
        client.send(server.spool.message().request[:40])


def leave_at_the_end(server: Server, _: Gate) -> None:
    server.send(server.spool.message()).close()


def leave_while_the_filter_runs(server: Server, gate: Gate) -> None:
    held = gate.held()
    with server.send(gate.message("550 nobody hears this")):
        gate.wait_for_held(held + 1)


@pytest.mark.parametrize("leave", [
    leave_before_the_request, leave_in_the_middle, leave_at_the_end, leave_while_the_filter_runs])
def test_pitfall_11_a_client_that_hangs_up_leaves_nothing_behind(
        server: Server, leave: Callable[[Server, Gate], None]) -> None:
    gate = Gate(server, leave.__name__)
    with nothing_leaks(server):
        leave(server, gate)  # one worker is left for others
        ask_quickly(server, 2)
        gate.open()
        for _ in range(20):
            leave(server, gate)
        ask_quickly(server, 2)


def test_a_client_that_closes_its_writing_side_gets_its_reply(server: Server) -> None:
    with server.send(server.spool.message(b"Verdict: 550 half closed\n\n")) as client:
        client.socket.shutdown(1)
        assert client.read_reply() == b"550 half closed\n"


@pytest.mark.parametrize("request_text", [None, b"\n"], ids=["a message", "a bad request"])
def test_behind_the_reply_comes_the_end_and_no_error(server: Server, request_text: bytes | None) -> None:
    with server.connect() as client:
        client.send(request_text or server.spool.message().request)
        assert client.socket.recv(1000).endswith(b"\n")
        assert client.socket.recv(1000) == b""  # an OSError if the server had not read all that was sent


def test_a_client_that_waits_is_not_woken_up_before_its_reply(server: Server) -> None:
    gate = Gate(server, "asleep")
    replies: list[bytes] = []
    with server.connect() as client:
        client.socket.settimeout(None)  # it waits in recv(), as submit in read(), not in poll()
        waiting = threading.Thread(target=lambda: replies.append(client.socket.recv(1000)))
        waiting.start()
        thread = waiting.native_id
        assert thread is not None
        wait_until("the thread waits", lambda: processes.waits_with(thread, client.socket.fileno()))
        before = processes.times_asleep(thread)
        client.send(gate.message("550 awake").request)
        gate.wait_for_held(1)
        assert processes.times_asleep(thread) == before
        gate.open()
        waiting.join(QUICK)
    assert replies == [b"550 awake\n"]


# --- Many at once


def held_connections(server: Server) -> int:
    """What the master has accepted: its end of a client shows the name of the socket in /proc/net/unix."""
    return len(processes.descriptors(server.master_pid()))


def test_500_silent_clients_delay_nobody(server: Server) -> None:
    before = held_connections(server)
    with nothing_leaks(server), ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(server.connect())
        wait_until("all to be accepted", lambda: held_connections(server) >= before + 500)
        ask_quickly(server)


def test_pitfall_21_clients_are_accepted_while_every_worker_is_busy(server: Server) -> None:
    gate = Gate(server, "all-busy")
    before = held_connections(server)
    with nothing_leaks(server), ExitStack() as stack:
        clients = [stack.enter_context(server.send(gate.message(f"550 {number}"))) for number in range(120)]
        wait_until("all to be accepted", lambda: held_connections(server) >= before + 120)
        gate.open()
        assert [client.read_reply() for client in clients] == [b"550 %d\n" % number for number in range(120)]


def test_pitfall_22_200_messages_at_once_get_their_own_replies(server: Server) -> None:
    verdicts = [b"550 this is %d" % number for number in range(200)]
    messages = [server.spool.message(b"Verdict: " + verdict + b"\n\n") for verdict in verdicts]
    with nothing_leaks(server), ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in messages]
        for client, message in zip(clients, messages):
            client.send(message.request)
        assert [client.read_reply() for client in clients] == [verdict + b"\n" for verdict in verdicts]


# --- Limits


def test_request_timeout_ends_a_silent_client() -> None:
    with Server(filters={"gate": GATE}, config="server: {request_timeout: 1s}\n") as server:
        server.ask()
        with nothing_leaks(server), server.connect() as silent, server.connect() as slow:
            begin = time.monotonic()
            slow.send(b"/half")
            for client in (silent, slow):
                assert client.read_reply().startswith(DEFERRED)
            assert time.monotonic() - begin >= 1.0 - 0.05
        server.wait_for_log("WARN: a client did not finish its request in time")


def replies_or_ends(clients: Sequence[Connection]) -> list[bytes]:
    return [client.read_reply() for client in clients]


def test_out_of_descriptors_nobody_waits_and_nothing_is_accepted_unseen() -> None:
    limit = 128
    with Server(filters={"gate": GATE}, config="pools: {default: {workers: 2}}\n", open_files=limit) as starved:
        assert starved.ask(b"Verdict: 550 seen\n\n") == b"550 seen\n"
        with nothing_leaks(starved), ExitStack() as stack:
            silent = [stack.enter_context(starved.connect()) for _ in range(2 * limit)]
            ask_quickly(starved, 2)  # the silent ones go first
            assert all(reply.startswith(DEFERRED) for reply in replies_or_ends(silent[:limit]))
        gate = Gate(starved)
        with nothing_leaks(starved), ExitStack() as stack:
            clients = []
            for _ in range(2 * limit):
                clients.append(stack.enter_context(starved.connect()))
                say(gate.message("550 seen").request)(clients[-1])
            assert clients[-1].read_reply() == b""  # which Courier answers with 432
            gate.open()
            assert set(replies_or_ends(clients[:-1])) == {b"550 seen\n", b""}
        ask_quickly(starved, 2)
