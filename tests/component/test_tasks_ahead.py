"""Tasks that a fast worker has been sent behind the one that it runs: nobody waits for a slow message there, and
the log names the right message for what a filter prints.
"""
from __future__ import annotations

import re
from contextlib import ExitStack

import pytest
from bench.load import RIGHT, Load, run_load
from support.hostile import FORGE
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.spool import Message
from support.wait import wait_until

CLIENTS = 16
CONFIG = "pools: {default: {workers: 2, timeout: 60s}}\n"
A_FEW_TASKS = 6 * 1024  # bytes: a worker is sent less before it is known that its message takes long
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


@pytest.mark.parametrize("seconds", [0, 0.001], ids=["some that take no time", "one that takes a millisecond"])
def test_what_lies_behind_a_message_that_takes_long_goes_to_another_worker(seconds: float) -> None:
    """The load ends while the long one still runs. Behind that no task is put again and again: it would wait there each
    time, and what came after it would overtake it."""
    count = 300 if seconds else 5000
    with Server(filters={"script": SCRIPT_FILTER}, config=CONFIG) as server:
        messages, verdicts = ordinary(server, seconds)
        run_load(server.socket_path, messages, clients=CLIENTS, count=1000, replies=verdicts)
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
