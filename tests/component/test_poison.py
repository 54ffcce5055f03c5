"""A message that cost workers again and again, each time its client sent it, is answered without being run.

Shown with the installed program. The filter dies of a word in the body; a server on the way adds a Received header.
"""
from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from itertools import count

import pytest
from support.server import Server
from support.spool import records
from support.wait import wait_until

ACCEPTED = b"200 Ok\n"
DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"
REJECTED = b"554 5.3.0 Message refused: a mail filter failed\n"
LIMIT = 30.0
NUMBERS = count(1)

# Tells each run in the log, before it does what the message says.
VICTIM = """\
    import os, time
    def do_filter(body, controls):
        text = open(body, "rb").read()
        print("victim runs", flush=True)
        if b"CRASH" in text:
            os._exit(1)
        if b"HANG" in text:
            time.sleep(60)
        return ""
    """
# Writes the body anew, the same each time, with a header that is not.
REWRITER = """\
    import os
    def do_filter(body, controls):
        text = open(body, "rb").read()
        with open(body + ".new", "wb") as stream:
            stream.write(b"X-Run: %d\\n" % os.getpid() + text + b"-- \\nOur footer\\n")
        os.replace(body + ".new", body)
        return ""
    """


def mail(body: bytes, message_id: bytes = b"<1@client.test>") -> bytes:
    """As it arrives, each time anew."""
    received = b"Received: from client.test by mail.test; id %d\n" % next(NUMBERS)
    return received + b"From: a@client.test\nMessage-ID: " + message_id + b"\n\n" + body


def runs(server: Server) -> int:
    server.log_mark()
    return sum("victim runs" in line for line in server.log_lines())


def workers(server: Server) -> set[int]:
    wait_until("all workers", lambda: len(server.worker_pids()) == 2)
    return set(server.worker_pids())


def poison(server: Server, body: bytes, times: int) -> None:
    for number in range(1, times + 1):
        assert server.ask(mail(body)) == DEFERRED
        server.wait_for_log(f"^WARN: message .*, time {number} of {times}; ")


@pytest.fixture()
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    keys, chain = request.param
    config = f"server: {{poison: {{{keys}}}}}\n{chain}"
    with Server(filters={"victim": VICTIM, "rewriter": REWRITER}, config=config) as running:
        yield running


ONE = "pools: {default: {workers: 2, timeout: 500ms}}\nfilters: [victim]\n"


@pytest.mark.parametrize("server", [("kills: 2", ONE)], indirect=True)
@pytest.mark.parametrize("body", [b"CRASH\n", b"HANG\n", b"CRASH " + b"x" * (10 << 20)],
                         ids=["crash", "hang", "10 MiB"])
def test_it_is_answered_without_a_run_and_costs_no_worker(server: Server, body: bytes) -> None:
    poison(server, body, 2)
    before, after = workers(server), server.log_mark()
    assert [server.ask(mail(body)) for _ in range(5)] == [DEFERRED] * 5
    assert runs(server) == 2 and workers(server) == before
    line = server.wait_for_log("^message id=", after=after)
    assert re.search(r'verdict=defer reason="not run again: 2 times (crash|timeout) in victim"', line)


@pytest.mark.parametrize("server", [("kills: 1", ONE)], indirect=True)
@pytest.mark.parametrize("other", ["body", "message id", "sender"])
def test_another_message_is_run(server: Server, other: str) -> None:
    poison(server, b"CRASH\n", 1)
    assert server.ask(mail(b"CRASH\n")) == DEFERRED and runs(server) == 1
    body = b"CRASH again\n" if other == "body" else b"CRASH\n"
    message_id = b"<2@client.test>" if other == "message id" else b"<1@client.test>"
    control = records(sender="other@client.test" if other == "sender" else "alice@example.com")
    server.ask(mail(body, message_id), [control])
    assert runs(server) == 2
    assert server.ask(mail(b"good\n")) == ACCEPTED


@pytest.mark.parametrize("server", [("kills: 1, action: reject", ONE)], indirect=True)
def test_it_can_be_rejected(server: Server) -> None:
    poison(server, b"CRASH\n", 1)
    assert server.ask(mail(b"CRASH\n")) == REJECTED


@pytest.mark.parametrize("server", [("kills: 1, remember: 2s", ONE)], indirect=True)
def test_it_is_forgotten_after_a_while(server: Server) -> None:
    poison(server, b"CRASH\n", 1)
    wait_until("the second run", lambda: server.ask(mail(b"CRASH\n")) == DEFERRED and runs(server) == 2, LIMIT)


@pytest.mark.parametrize("server", [("kills: 1", ONE)], indirect=True)
def test_a_reload_does_not_forget_it(server: Server) -> None:
    poison(server, b"CRASH\n", 1)
    server.signal(signal.SIGHUP)
    server.wait_for_log("generation 2 serves: ", timeout=LIMIT)
    assert server.ask(mail(b"CRASH\n")) == DEFERRED and runs(server) == 1


@pytest.mark.parametrize("server", [("kills: 0", ONE)], indirect=True)
def test_it_can_be_switched_off(server: Server) -> None:
    assert [server.ask(mail(b"CRASH\n")) for _ in range(6)] == [DEFERRED] * 6
    assert runs(server) == 6


@pytest.mark.parametrize("server", [
    ("kills: 1", "pools: {default: {workers: 2}}\nfilters: [rewriter, victim]\n"),
    ("kills: 1", "pools: {default: {workers: 1}, other: {workers: 1}}\n"
                 "filters: [rewriter, {filter: victim, pool: other}]\n"),
], ids=["one stage", "two stages"], indirect=True)
def test_a_filter_before_may_rewrite_the_message(server: Server) -> None:
    poison(server, b"CRASH\n", 1)
    before = workers(server)
    assert server.ask(mail(b"CRASH\n")) == DEFERRED
    assert runs(server) == 1 and workers(server) == before


@pytest.mark.parametrize("server", [("kills: 1", "pools: {default: {workers: 1}}\nfilters: [victim]\n")], indirect=True)
def test_a_pool_of_one_worker_waits_for_the_next_one(server: Server) -> None:
    poison(server, b"CRASH\n", 1)
    assert server.ask(mail(b"CRASH\n")) == DEFERRED and runs(server) == 1


@pytest.mark.parametrize("server", [
    ("kills: 1", "failure: {on_crash: skip}\npools: {default: {workers: 2}}\nfilters: [victim]\n")], indirect=True)
def test_what_the_policy_skips_is_not_held_against_the_message(server: Server) -> None:
    assert [server.ask(mail(b"CRASH\n")) for _ in range(3)] == [ACCEPTED] * 3
    assert runs(server) == 3
