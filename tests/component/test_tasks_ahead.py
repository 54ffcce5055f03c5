"""Tasks that a fast worker has been sent behind the one that it runs: nobody waits for a slow message there, and
the log names the right message for what a filter prints.
"""
from __future__ import annotations

import os
import re
import signal
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from bench.load import RIGHT, Load, run_load
from support import hostile, processes
from support.connection import Connection
from support.hostile import FORGE
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.spool import Message
from support.wait import wait_until

CLIENTS = 16
DEFERRED = f"{hostile.DEFERRED}\n".encode()
MANY_TRIES = 60.0  # seconds: on a busy machine the messages seldom come in the right moment
CONFIG = "pools: {default: {workers: 2, timeout: 60s}}\n"
A_FEW_TASKS = 6 * 1024  # bytes: a worker is sent less before it is known that its message takes long
WAITS_WITH_LARGE_ONES = """
    import os, time

    def do_filter(body, controls):
        if os.stat(body).st_size < 1000:
            return ""
        while not os.path.exists(os.path.dirname(body) + "/stop"):
            time.sleep(0.01)
        return ""
    """
FORKS_WITH_LARGE_ONES = """
    import os

    def do_filter(body, controls):
        if os.stat(body).st_size < 1000 or os.fork():
            return f"250 by {os.getpid()}"
        os._exit(0)
    """
PRINTS_ITS_ID = """
    import os

    def do_filter(body, controls):
        with open(controls[0]) as control:
            name = next(line[1:].strip() for line in control if line.startswith("M"))
        print("this is", name)
        os.write(2, b"and this " + name.encode() + b", unfinished")
        return ""
    """


def ordinary(server: Server, seconds: float) -> tuple[list[Message], list[str]]:
    """Messages of which each takes so long, and their verdicts."""
    verdicts = [f"550 ordinary {number}" for number in range(2 * CLIENTS)]
    waits = f"import time\ntime.sleep({seconds})\n" if seconds else ""
    return [server.spool.message(script(f"{waits}reply = {verdict!r}")) for verdict in verdicts], verdicts


@pytest.mark.parametrize("seconds", [0, 0.001, 0.01],
                         ids=["some that take no time", "one that takes a millisecond", "one that takes ten"])
def test_what_lies_behind_a_message_that_takes_long_goes_to_another_worker(seconds: float) -> None:
    """The load ends while the long one still runs. Behind that no task is put again and again: it would wait there each
    time, and what came after it would overtake it."""
    count = {0: 5000, 0.001: 300, 0.01: 100}[seconds]
    with Server(filters={"script": SCRIPT_FILTER}, config=CONFIG) as server:
        messages, verdicts = ordinary(server, seconds)
        run_load(server.socket_path, messages, clients=CLIENTS, count=max(count, 300), replies=verdicts)
        for number in range(5):
            stop = server.spool.path / f"stop {number}"
            long = server.spool.message(script(
                FORGE + f"while not os.path.exists({str(stop)!r}): time.sleep(0.01)\n"
                "reply = f'550 {count(PAGE).value - count(PAGE + 64).value}'"))
            with Load(server.socket_path, messages, clients=CLIENTS, count=count, replies=verdicts) as load:
                client = server.send(long)
                result = load.finish()
            assert set(result.replies) == {RIGHT} and not result.unanswered
            stop.touch()
            assert int(client.read_reply().removeprefix(b"550 ")) < A_FEW_TASKS
            client.close()


def test_what_one_worker_alone_has_been_sent_goes_to_one_that_sleeps_when_the_first_takes_long() -> None:
    with Server(filters={"script": SCRIPT_FILTER}, config=CONFIG) as server:
        messages, verdicts = ordinary(server, 0)
        for number in range(5):
            run_load(server.socket_path, messages, clients=1, count=500, replies=verdicts)
            stop = server.spool.path / f"stop {number}"
            waits = f"import os, time\nwhile not os.path.exists({str(stop)!r}): time.sleep(0.01)"
            with ExitStack() as stack:
                long = stack.enter_context(server.send(server.spool.message(script(waits))))
                others = [stack.enter_context(server.send(message)) for message in messages[:8]]
                assert [client.read_reply().decode().strip() for client in others] == verdicts[:8]
                stop.touch()
                assert long.read_reply() == b"200 Ok\n"


def test_what_is_done_before_a_message_that_hangs_is_answered_meanwhile() -> None:
    """A worker that has been fast tells of several messages together; here mostly, when the master sleeps in time. One
    round may be slow for another reason."""
    with Server(filters={"large": WAITS_WITH_LARGE_ONES}, config="pools: {default: {workers: 1}}\n") as server:
        messages, large = fast_and_large(server)
        stop = large.body_path.with_name("stop")
        times = []
        for _ in range(30):
            with ask_together(server, [*messages, large]) as clients:
                start = time.monotonic()
                assert [client.read_reply() for client in clients[:-1]] == [b"200 Ok\n"] * len(messages)
                times.append(time.monotonic() - start)
                stop.touch()
                assert clients[-1].read_reply() == b"200 Ok\n"
                stop.unlink()
        assert sorted(times)[-2] < 0.5, times


def test_what_is_done_before_a_message_that_costs_its_worker_is_not_done_again() -> None:
    config = "server: {poison: {kills: 0}}\npools: {default: {workers: 1, limits: {children: 0}}}\n"
    with Server(filters={"large": FORKS_WITH_LARGE_ONES}, config=config) as server:
        messages, large = fast_and_large(server)
        for _ in range(15):
            with ask_together(server, [*messages, large]) as clients:
                *replies, last = [client.read_reply() for client in clients]
            assert last == DEFERRED
            assert len(set(replies)) == 1 and replies[0].startswith(b"250 by ")


def fast_and_large(server: Server) -> tuple[list[Message], Message]:
    """Messages of which a filter takes no notice, so many that the worker is seen to be fast before the last of them
    although it had a pause before the first; and one of which it does."""
    return [server.spool.message() for _ in range(6)], server.spool.message(b"Subject: large\n\n" + b"x" * 1000)


@contextmanager
def ask_together(server: Server, messages: list[Message]) -> Iterator[list[Connection]]:
    """Clients who ask about them. Their tasks are sent in one go: master and guardian stand still until all have asked.
    Before that the worker is fast for a while."""
    run_load(server.socket_path, [server.spool.message()], clients=1, count=300)
    pids = [server.pid, server.master_pid()]  # the guardian first, which lets a stopped master go on
    with ExitStack() as stack:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            wait_until("a process to stand still", lambda pid=pid: processes.read_process(pid).state == "T")
        clients = [stack.enter_context(server.send(message)) for message in messages]
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        yield clients


def test_a_line_that_a_filter_prints_has_the_label_of_its_message() -> None:
    with Server(filters={"prints": PRINTS_ITS_ID}, config=CONFIG) as server:
        messages = [server.spool.message() for _ in range(CLIENTS)]
        result = run_load(server.socket_path, messages, clients=CLIENTS, count=2000)
        assert set(result.replies) == {"200 Ok"} and not result.unanswered
        wait_until("the last lines", lambda: len(labels_and_names(server)) >= 2 * result.messages)
        found = labels_and_names(server)
    assert len(found) == 2 * result.messages and all(label == name for label, name in found)


def labels_and_names(server: Server) -> list[tuple[str, str]]:
    """What stands in front of each line that PRINTS_ITS_ID printed, and what it says."""
    line = re.compile(r"\[default/\d (\S+)\] (?:this is (\S+)|and this (\S+), unfinished)$")
    matches = (line.search(text) for text in server.log_lines())
    return [(match[1], match[2] or match[3]) for match in matches if match]


def forging_server(config: str) -> Server:
    """Its script filter can forge without a moment's delay: what it needs has been imported."""
    server = Server(filters={"script": textwrap.dedent(SCRIPT_FILTER) + "import forge\n"}, config=config)
    server.write_filter("forge", FORGE)
    return server


def ask_behind(server: Server, first: str, others: int) -> tuple[bytes, list[str], list[str]]:
    """The reply to a message that comes first and runs `first`, those to others that come at the same time to a worker
    that has been fast, and the verdicts of these."""
    messages, verdicts = ordinary(server, 0)
    run_load(server.socket_path, messages, clients=1, count=300, replies=verdicts)
    with ExitStack() as stack:
        bodies = [server.spool.message(script("from forge import *\n" + first)), *messages[:others]]
        clients = [stack.enter_context(server.send(message)) for message in bodies]
        replies = [client.read_reply() for client in clients[1:] + clients[:1]]
    return replies[-1], [reply.decode().strip() for reply in replies[:-1]], verdicts[:others]


@pytest.mark.parametrize(("timeout", "and_says"), [
    ("60s", ""), ("400ms", ""), ("400ms", "count(0).value = 0"),
], ids=["long before its time is over", "in time", "that says that it has ended"])
def test_behind_a_filter_that_forges_its_verdict_and_hangs_no_message_is_blamed(timeout: str, and_says: str) -> None:
    config = f"pools: {{default: {{workers: 1, timeout: {timeout}}}}}\n"
    with forging_server(config) as server:
        reply, others, verdicts = ask_behind(
            server, f"send(outcome(task(), 1, b'550 forged'))\n{and_says}\ntime.sleep(1000)", 4)
        assert reply == b"550 forged\n"
        assert others == verdicts


@pytest.mark.parametrize(("timeout", "others", "noticed"), [
    ("60s", 1, "a filter wrote in its worker's place"), ("400ms", 1, "its time was over"),
    ("400ms", 8, "a filter took its worker's next tasks itself"),
], ids=["long before its time is over", "in time", "at once"])
def test_behind_a_filter_that_takes_their_tasks_no_message_is_blamed(timeout: str, others: int, noticed: str) -> None:
    """It does so for less time than after which they are taken back. On a busy machine they may come too late."""
    config = f"server: {{poison: {{kills: 0}}}}\npools: {{default: {{workers: 1, timeout: {timeout}}}}}\n"
    with forging_server(config) as server:
        def try_once() -> bool:
            reply, replies, verdicts = ask_behind(server, "take_offers(0.002)", others)
            assert reply in (b"200 Ok\n", DEFERRED)
            assert replies == verdicts
            return has_ended(server, noticed)

        wait_until(f"a worker to end because {noticed}", try_once, MANY_TRIES)


def has_ended(server: Server, reason: str) -> bool:
    """Whether a worker has, for this."""
    return any(re.search(rf"worker default/\d ended: {reason}", line) for line in server.log_lines())


def test_behind_a_filter_that_takes_their_tasks_and_hangs_no_message_waits() -> None:
    """It goes on only in a round in which no task lay there, as it may be on a busy machine."""
    with forging_server(CONFIG) as server:
        def try_once() -> bool:
            reply, others, verdicts = ask_behind(server, "take_offers(1)", 8)
            assert others == verdicts
            return reply == DEFERRED

        wait_until("a worker to be killed", try_once, MANY_TRIES)
