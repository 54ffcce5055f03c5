"""slow_after: a filter that takes long is told of with its traceback, once, and stands back; its message goes on.

One pool with one worker, slow after 0.3 s. Each message brings the Python text that the filter runs.
"""
from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest
from support.script_filter import SCRIPT_FILTER, script, script_filter
from support.server import Server
from support.wait import wait_until

pytestmark = pytest.mark.alone
CONFIG = "pools: {default: {workers: 1, slow_after: 300ms, timeout: 20s}}\n"
TOLD = r"WARN: \[default/\d [0-9A-F.]+\] filter script has run for more than 300ms \(slow_after\), the message goes on"
TRACE_SIGNAL = signal.SIGRTMIN + 8
NICE = "reply = f'550 {__import__(\"os\").getpriority(0, 0)}'"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"script": SCRIPT_FILTER}, config=CONFIG) as running:
        yield running


SLOW = {
    "busy in Python": "while time.monotonic() < end: pass",
    "busy in a regular expression": "import re\nre.match('(a+)+$', 'a' * 25 + 'b')",
    "sleeps": "time.sleep(1)",
    "waits for a child": "os.system('sleep 1')",
    "waits for a pipe": "os.read(os.popen('sleep 1').fileno(), 1)",
    "waits for a socket": "import socket\na, b = socket.socketpair()\nthreading.Timer(1.0, b.shutdown, (2,)).start()\n"
                          "a.recv(1)",
    "waits for a thread": "t = threading.Timer(1.0, print)\nt.start()\nt.join()",
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_the_log_shows_where_it_is_and_the_message_goes_on(server: Server, text: str) -> None:
    after, before = len(server.log_lines()), server.worker_pids()
    begin = "import os, threading, time\nend = time.monotonic() + 1\ndef deep():\n"
    body = begin + "".join(f"    {line}\n" for line in text.splitlines()) + "deep()\n" + NICE
    assert server.ask(script(body), timeout=30) == b"550 19\n"
    server.wait_for_log(TOLD, after=after)
    label = r"WARN: \[default/\d [0-9A-F.]+\]   "
    server.wait_for_log(label + r'File "message", line \d in deep$', after=after)
    server.wait_for_log(label + r'File ".*/script.py", line 5 in do_filter$', after=after)
    server.wait_for_log(r"worker default/\d is replaced: a filter took longer than slow_after", after=after)
    assert server.ask(script(NICE)) == b"550 0\n"
    wait_until("the old worker to be gone", lambda: not set(server.worker_pids()) & set(before))
    lines = server.log_lines()[after:]
    assert sum(bool(re.search(TOLD, line)) for line in lines) == 1
    assert not [line for line in lines if "nice value" in line or "cannot be put back" in line]


def test_other_threads_are_shown_too(server: Server) -> None:
    after = len(server.log_lines())
    server.ask(script("""\
        import threading, time
        def other(): time.sleep(0.6)
        thread = threading.Thread(target=other)
        thread.start()
        while thread.is_alive(): pass
        """))
    server.wait_for_log(r"\] Thread \d+ \(most recent call first\):$", after=after)
    server.wait_for_log(r'\]   File "message", line 2 in other$', after=after)


def test_its_system_calls_are_not_disturbed(server: Server) -> None:
    """A C library sees no EINTR."""
    after = len(server.log_lines())
    assert server.ask(script("""\
        import ctypes, os, threading
        libc = ctypes.CDLL(None, use_errno=True)
        ours, theirs = os.pipe()
        threading.Timer(0.8, os.write, (theirs, b'x')).start()
        got = libc.read(ours, ctypes.create_string_buffer(8), 8)
        reply = f'550 {got} {ctypes.get_errno()}'
        """)) == b"550 1 0\n"
    server.wait_for_log(TOLD, after=after)
    server.wait_for_log(r'File "message", line 5 in <module>$', after=after)


NO_TRACE = {
    "busy in C": ("import itertools\nsum(itertools.repeat(0, 8 * 10 ** 8))", "it did not react to the signal in time"),
    "has blocked the signal": (
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ntime.sleep(0.6)",
        "the signal is blocked, or its handler was replaced"),
    "ignores the signal": (
        f"import signal, time\nsignal.signal({TRACE_SIGNAL}, signal.SIG_IGN)\ntime.sleep(0.6)",
        "the signal is blocked, or its handler was replaced"),
    "has the default action": (
        f"import signal, time\nsignal.signal({TRACE_SIGNAL}, signal.SIG_DFL)\ntime.sleep(0.6)",
        "the signal is blocked, or its handler was replaced"),
    "has a handler of its own": (
        f"import signal, time\nsignal.signal({TRACE_SIGNAL}, lambda *_: None)\ntime.sleep(1)",
        "it did not react to the signal in time"),
}


@pytest.mark.parametrize("case", NO_TRACE)
def test_without_a_traceback_the_log_says_why(server: Server, case: str) -> None:
    text, why = NO_TRACE[case]
    after = len(server.log_lines())
    assert server.ask(script(text + "\nreply = '200 done'"), timeout=30) == b"200 done\n"
    server.wait_for_log(TOLD, after=after)
    server.wait_for_log(r"\] no traceback: " + why, after=after)
    server.wait_for_log(r"worker default/\d is replaced: a filter took longer than slow_after", after=after)
    assert server.ask(script(NICE)) == b"550 0\n"


def test_the_signal_may_come_at_any_time(server: Server) -> None:
    """A filter that sends it to itself ten thousand times keeps its verdict, its worker and the next message."""
    before, after = set(server.worker_pids()), len(server.log_lines())  # perhaps with one that is leaving
    assert server.ask(script(f"""\
        import os, signal
        for _ in range(5000): os.kill(os.getpid(), {TRACE_SIGNAL})
        for _ in range(5000): signal.raise_signal({TRACE_SIGNAL})
        reply = '200 mine'
        """)) == b"200 mine\n"
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    assert before.issuperset(server.worker_pids()) or [
        line for line in server.log_lines()[after:] if "took longer than slow_after" in line]


def test_a_handler_that_was_replaced_is_put_back(server: Server) -> None:
    after = len(server.log_lines())
    server.ask(script(f"import signal, time\nsignal.signal({TRACE_SIGNAL}, signal.SIG_DFL)\ntime.sleep(0.01)"))
    server.wait_for_log("filter script changed signal handlers .*, which was put back", after=after)
    server.ask(script("import time\ntime.sleep(0.6)"))
    server.wait_for_log(r'File "message", line 2 in <module>$', after=after)


def test_a_worker_that_a_filter_made_nicer_is_blamed_as_before(server: Server) -> None:
    after = len(server.log_lines())
    server.ask(script("import os, time\nos.nice(19)\ntime.sleep(0.01)"))
    server.wait_for_log(r"filter script changed the nice value \(0 -> 19\)", after=after)


def test_each_filter_has_its_own_time_and_a_message_is_told_of_once() -> None:
    names = ["one", "two", "three"]
    with Server(filters={name: script_filter(name) for name in names}, config=CONFIG) as running:
        wait = "import time\ntime.sleep(0.2)"
        only = b"X-Only: one\nX-Only: two\nX-Only: three\n\n"
        assert running.ask(only + wait.encode()) == b"200 Ok\n"
        assert running.ask(only + b"import time\ntime.sleep(0.5)") == b"200 Ok\n"
        running.wait_for_log("is replaced: a filter took longer than slow_after")
        told = [line for line in running.log_lines() if "(slow_after), the message goes on" in line]
        assert len(told) == 1 and "filter one has run" in told[0]


@pytest.mark.parametrize("since", ["1", "time.monotonic_ns() + 10 ** 9", "2 ** 64 - 1", "0"])
def test_a_scoreboard_that_lies_makes_no_storm(server: Server, since: str) -> None:
    after = len(server.log_lines())
    assert server.ask(script(f"""\
        import ctypes, time
        line = [line for line in open("/proc/self/maps") if "pythonfilter-scoreboard" in line][0]
        start = ctypes.c_uint64.from_address(int(line.split("-")[0], 16) + 16)
        end = time.monotonic() + 1
        while time.monotonic() < end: start.value = {since}
        reply = '200 lied'
        """)) == b"200 lied\n"
    server.wait_for_log(TOLD, after=after)
    server.wait_for_log("is replaced: ", after=after)
    assert sum(bool(re.search(TOLD, line)) for line in server.log_lines()[after:]) == 1


def test_never() -> None:
    config = "pools: {default: {workers: 1, slow_after: 0s}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as running:
        before = running.worker_pids()
        assert running.ask(script("import time\ntime.sleep(1)\n" + NICE)) == b"550 0\n"
        assert running.ask(script(NICE)) == b"550 0\n"
        assert running.worker_pids() == before
        assert not [line for line in running.log_lines() if "slow_after" in line]


def test_its_children_and_threads_stand_back_too(server: Server) -> None:
    assert server.ask(script("""\
        import os, threading, time
        found = []
        def look():
            time.sleep(0.7)
            found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        thread = threading.Thread(target=look)
        thread.start()
        found.append(int(os.popen('sleep 0.7; nice').read()))
        thread.join()
        reply = f'550 {found}'
        """)) == b"550 [19, 19]\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="the test sends signals to processes of another user")
def test_a_stopped_worker_has_no_traceback_and_the_server_goes_on(server: Server) -> None:
    after = len(server.log_lines())
    message = server.spool.message(script("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nreply = '200 on'"))
    with server.send(message) as client:
        server.wait_for_log(r"\] no traceback: it did not react to the signal in time", after=after)
        for pid in server.worker_pids():
            os.kill(pid, signal.SIGCONT)
        assert client.read_reply() == b"200 on\n"
    message.remove()
    wait_until("a new worker", lambda: server.ask(script(NICE)) == b"550 0\n")
