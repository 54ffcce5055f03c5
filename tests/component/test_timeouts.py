"""Deadlines: a filter's own, the stage's, the message's; how a stuck worker is killed and what the log tells of it.

Must never wait longer than the limits that it sets.
"""
from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from support import processes
from support.script_filter import SCRIPT_FILTER, script, script_filter
from support.server import Server
from support.wait import wait_until

DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"
OUT_OF_TIME = b"451 4.3.0 Mail filters took too long, please try again later\n"
ACCEPTED = b"200 Ok\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    config = "pools: {default: {workers: 2, timeout: 300ms}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as running:
        yield running


STUCK = {
    "sleeps": "import time\ntime.sleep(60)",
    "waits for a child": "import os\nos.system('sleep 60')",
    "ignores every signal": "import signal, time\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n"
                            "    except (OSError, ValueError): pass\ntime.sleep(60)",
    "catches everything": "import time\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass",
    "busy in Python": "while True: pass",
    "busy in C": "'a' * 60 == max('a' * 60 for _ in iter(int, 1))",
    "never ends a regular expression": "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
    "blocks all signals": "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ntime.sleep(60)",
    "stopped": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "left its group": "import os, time\nos.setpgid(0, os.getpgid(os.getppid()))\ntime.sleep(60)",
    "waits for itself": "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
}


@pytest.mark.parametrize("text", STUCK.values(), ids=STUCK)
def test_pitfall_12_a_stuck_filter_is_killed_and_the_policy_answers(server: Server, text: str) -> None:
    after, began = server.log_mark(), time.monotonic()
    assert server.ask(script(text)) == DEFERRED
    assert 0.3 <= time.monotonic() - began < 3.0
    line = server.wait_for_log("filter script: timeout: ", after=after)
    assert "; policy defer; message 0" in line
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    wait_until("a replacement", lambda: len(server.worker_pids()) == 2)


def test_the_log_shows_the_line_that_was_stuck(server: Server) -> None:
    after = server.log_mark()
    server.ask(script("import time\n\n\ndef deep(): time.sleep(60)\ndeep()"))
    server.wait_for_log(r'WARN: \[default/\d [0-9A-F.]+\]   File "message", line 4 in deep', after=after)
    server.wait_for_log(r'WARN: \[default/\d [0-9A-F.]+\]   File ".*/script.py", line 5 in do_filter', after=after)


@pytest.mark.parametrize("kind", ["blocks all signals", "stopped"])
def test_where_no_traceback_is_to_be_had_the_log_says_so(server: Server, kind: str) -> None:
    after = server.log_mark()
    server.ask(script(STUCK[kind]))
    server.wait_for_log(r"WARN: \[default/\d [0-9A-F.]+\] no traceback", after=after)


def test_the_children_of_a_stuck_filter_die_with_it(server: Server) -> None:
    text = """\
        import os, subprocess
        subprocess.Popen(['sleep', '1001'])
        subprocess.Popen(['setsid', 'sleep', '1001'])
        subprocess.Popen(['sh', '-c', 'trap "" TERM INT HUP; setsid sh -c "sleep 1001 & wait" & wait'])
        os.wait()
        """
    assert server.ask(script(text)) == DEFERRED
    wait_until("their end", lambda: not [p for p in processes.descendants(server.pid) if "1001" in p.arguments])


def test_one_stuck_worker_does_not_delay_another(server: Server) -> None:
    stuck = server.spool.message(script("import time\ntime.sleep(60)"))
    with server.send(stuck) as waiting:
        began = time.monotonic()
        assert [server.ask(script("reply = '200 quick'")) for _ in range(10)] == [b"200 quick\n"] * 10
        assert time.monotonic() - began < 0.25, "all of them while the first was stuck"
        assert waiting.read_reply() == DEFERRED


def test_each_filter_of_a_stage_has_its_own_time() -> None:
    """A slow one is stopped at its own limit although the stage as a whole has more; the sum may be used."""
    config = """\
        pools: {default: {workers: 1}}
        filters:
          - {filter: first, timeout: 500ms}
          - {filter: second, timeout: 500ms, failure: {on_timeout: reject}}
        """
    with Server(filters={name: script_filter(name) for name in ("first", "second")}, config=config) as running:
        both = b"X-Only: first\nX-Only: second\n\nimport time\ntime.sleep(0.35)"
        assert running.ask(both) == ACCEPTED, "0.7 s are within 2 * 0.5 s"
        began = time.monotonic()
        assert running.ask(script("import time; time.sleep(60)", only="first")) == DEFERRED
        assert 0.5 <= time.monotonic() - began < 0.9, "not the sum"
        assert running.ask(script("import time; time.sleep(60)", only="second")).startswith(b"554 ")
        running.wait_for_log("filter second: timeout: .*; policy reject; ")


def test_pitfall_12_the_time_of_a_message_counts_the_wait_for_a_worker() -> None:
    config = "server: {message_timeout: 1s}\npools: {default: {workers: 1, timeout: 30s}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as running:
        slow = running.spool.message(script("import time; time.sleep(60)"))
        queued = running.spool.message(script("reply = '550 never'"))
        began = time.monotonic()
        with running.send(slow) as first:
            running_since = running.worker_pids()
            with running.send(queued) as second:
                assert first.read_reply() == OUT_OF_TIME
                assert 1.0 <= time.monotonic() - began < 2.0
                reply = second.read_reply()
                assert reply in (OUT_OF_TIME, b"550 never\n") and time.monotonic() - began < 3.5
        line = running.wait_for_log('reason="the message\'s time is over" .* worker=default/1')
        assert "verdict=defer" in line and " from=<alice@example.com> to=<bob@example.net> " in line
        wait_until("a replacement", lambda: running.worker_pids() and running.worker_pids() != running_since)
        assert running.ask(script("reply = '200 next'")) == b"200 next\n"


def test_a_queued_message_whose_time_is_over_is_answered_while_the_worker_is_busy() -> None:
    config = """\
        server: {message_timeout: 2s}
        pools: {default: {workers: 1, timeout: 1500ms}}
        """
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as running:
        busy = [running.spool.message(script("import time; time.sleep(60)")) for _ in range(3)]
        began = time.monotonic()
        clients = [running.send(message) for message in busy]
        replies = [client.read_reply() for client in clients]
        # Which of the three came first is not said: requests that are there together are read in any order.
        assert sorted(replies) == sorted([DEFERRED, OUT_OF_TIME, OUT_OF_TIME])
        assert time.monotonic() - began < 4.5
