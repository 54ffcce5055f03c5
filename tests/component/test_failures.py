"""A filter that fails in any way: the policy answers, the log says who and why, and the next message is served.

Must never lose a reply. What happens over time (a filter that hangs) is in test_timeouts.py.
"""
from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from support.script_filter import SCRIPT_FILTER, script, script_filter
from support.server import Server
from support.spool import records

DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"
REJECTED = b"554 5.3.0 Message refused: a mail filter failed\n"
ACCEPTED = b"200 Ok\n"
ANSWERS = {"skip": ACCEPTED, "defer": DEFERRED, "reject": REJECTED}
MARK = r"message [0-9A-F]{16}\.[0-9A-F]{16}\.[0-9A-F]{8} worker default/\d+"


# Each message here is run, however many workers have been lost before it.
ALL_RUN = "server: {poison: {kills: 0}}\npools: {default: {workers: 2, breaker: {failures: 0}}}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"script": SCRIPT_FILTER}, config=ALL_RUN) as running:
        yield running


@pytest.mark.parametrize(("text", "told"), [
    ("raise ValueError('boom')", "exception: ValueError: boom"),
    ("raise Exception", "exception: Exception"),
    ("raise UnicodeDecodeError('utf-8', b'\\xff', 0, 1, 'bad')", "exception: UnicodeDecodeError: "),
    ("raise MemoryError", "exception: MemoryError"),
    ("bytearray(1 << 62)", "exception: MemoryError"),
    ("f = lambda: f()\nf()", "exception: RecursionError: "),
    ("raise ExceptionGroup('several', [ValueError(1), TypeError(2)])", "exception: "),
    ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "exception: E: <exception str"),
    ("class E(Exception):\n    def __str__(self): raise SystemExit\nraise E", "exception: E: <exception str"),
    ("raise ValueError('x\\nWARN: forged')", "exception: "),
    ("raise ValueError('\\udcff \\x1b[31m')", "exception: "),
    ("raise ValueError('long ' * 100_000)", "exception: ValueError: long long"),
    ("import sys\nsys.exit(3)", "exit: SystemExit: 3"),
    ("import sys\nsys.exit()", "exit: SystemExit"),
    ("raise KeyboardInterrupt", "exit: KeyboardInterrupt"),
    ("raise GeneratorExit", "exit: GeneratorExit"),
    ("class B(BaseException): pass\nraise B", "exit: B"),
    ("raise StopIteration", "exception: StopIteration"),
], ids=lambda text: text[-30:])
def test_what_leaves_a_filter_costs_that_message(server: Server, text: str, told: str) -> None:
    after, workers = server.log_mark(), set(server.worker_pids())
    assert server.ask(script(text)) == DEFERRED
    line = server.wait_for_log("filter script: (exception|exit): ", after=after)
    assert told in line and re.search("; policy defer; " + MARK, line)
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    assert set(server.worker_pids()) == workers, "the worker lives on"
    assert not [line for line in server.log_lines() if line.startswith("WARN: forged") or "\x1b" in line]


def test_a_traceback_follows_labelled_with_worker_and_message(server: Server) -> None:
    after = server.log_mark()
    server.ask(script("def deep(): raise LookupError('where')\ndeep()"))
    server.wait_for_log(r"^WARN: \[default/\d+ [0-9A-F.]+\]   File \"message\", line 1, in deep", after=after)


@pytest.mark.parametrize(("text", "told"), [
    ("import os\nos._exit(7)", "exit status 7"),
    ("import os\nos._exit(0)", "exit status 0"),
    ("import os\nos.abort()", "signal 6 (SIGABRT)"),
    ("import ctypes\nctypes.string_at(0)", "signal 11 (SIGSEGV)"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "signal 9 (SIGKILL)"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", "signal 15 (SIGTERM)"),
    ("import os\nos.killpg(0, 9)", "signal 9 (SIGKILL)"),
    ("import os\nos.execv('/bin/false', ['false'])", "exit status 1"),
    ("import sys\nsys.setrecursionlimit(1 << 30)\nx = []\nfor _ in range(10**6): x = [x]\nrepr(x)",
     "signal 11 (SIGSEGV)"),
], ids=lambda text: text[-25:])
def test_a_crash_costs_that_message(server: Server, text: str, told: str) -> None:
    after = server.log_mark()
    assert server.ask(script(text)) == DEFERRED
    line = server.wait_for_log("filter script: crash: ", after=after)
    assert told in line and re.search("; policy defer; " + MARK, line)
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"


def test_many_crashes_in_a_row_lose_no_reply(server: Server) -> None:
    assert [server.ask(script("import os; os._exit(1)")) for _ in range(20)] == [DEFERRED] * 20
    assert server.ask(script("")) == ACCEPTED


def test_a_message_whose_worker_died_is_logged_with_its_envelope(server: Server) -> None:
    after = server.log_mark()
    body = script("import os; os._exit(1)")
    control = records(sender="a@x.test", recipients=["b@y.test", "c@y.test"])
    assert server.ask(body, [control]) == DEFERRED
    line = server.wait_for_log(r"^message id=.* to=<b@y\.test>", after=after)  # a line may come after the reply
    assert f" from=<a@x.test> to=<b@y.test>,<c@y.test> size={len(body)} verdict=defer by=script" in line
    for address in ("b@y.test", "c@y.test"):
        server.wait_for_log(f"^pythonfilter script reject,from=<a@x.test>,addr=<{address}>: 451 4.3.0 ", after=after)


def test_of_a_thousand_recipients_as_many_are_named_as_fit_and_the_rest_is_counted(server: Server) -> None:
    after = server.log_mark()
    control = records(sender="a@x.test", recipients=[f"recipient-{n:04}@y.test" for n in range(1000)])
    assert server.ask(script("import os; os._exit(1)"), [control]) == DEFERRED
    server.wait_for_log("more recipients>", after=after)
    head = "pythonfilter script reject,from=<a@x.test>,addr=<"
    refusals = [line for line in server.log_lines()[after:] if line.startswith(head)]
    named = [line for line in refusals if "addr=<recipient-" in line]
    assert 100 < len(named) < 500 and f"<{1000 - len(named)} more recipients>" in refusals[-1]
    assert f"addr=<recipient-{len(named) - 1:04}@y.test>" in named[-1]


def test_what_a_dead_worker_wrote_about_the_envelope_is_escaped(server: Server) -> None:
    after = server.log_mark()
    control = records(sender="a\x1b[31m> b", recipients=["<c>\x07@y.test"])
    assert server.ask(script("import os; os._exit(1)"), [control]) == DEFERRED
    line = server.wait_for_log(r"^message id=.* from=<a\\x1b", after=after)
    assert r"from=<a\x1b[31m\x3e\x20b> to=<\x3cc\x3e\x07@y.test>" in line


# --- The policy: five events, three actions ---------------------------------------------------------------------------

EVENTS = {
    "on_error": "raise ValueError",
    "on_bad_reply": "reply = 'hello'",
    "on_crash": "import os; os._exit(1)",
    "on_timeout": "import time; time.sleep(60)",
}


@pytest.fixture(scope="module")
def policies() -> Iterator[Server]:
    names = [f"{event}_{action}" for event in EVENTS for action in ANSWERS]
    chain = "".join(
        f"  - {{filter: {event}_{action}, failure: {{{event}: {action}}}"
        f"{', timeout: 1s' if event == 'on_timeout' else ''}}}\n"  # long enough for those that do not hang
        for event in EVENTS for action in ANSWERS)
    with Server(filters={name: script_filter(name) for name in names}, config=f"filters:\n{chain}") as running:
        yield running


@pytest.mark.parametrize("action", ANSWERS)
@pytest.mark.parametrize("event", EVENTS)
def test_the_policy_answers(policies: Server, event: str, action: str) -> None:
    after = policies.log_mark()
    name = f"{event}_{action}"
    assert policies.ask(script(EVENTS[event], only=name)) == ANSWERS[action]
    policies.wait_for_log(f"filter {name}: .*; policy {action}; {MARK}", after=after)


@pytest.mark.parametrize("action", ANSWERS)
def test_the_policy_answers_for_a_filter_that_is_not_available(action: str) -> None:
    broken = "def init_filter(): raise OSError('no scanner')\ndef do_filter(b, c): return '550 never'\n"
    with Server(filters={"broken": broken}, config=f"failure: {{on_unavailable: {action}}}\n") as running:
        assert running.ask() == ANSWERS[action]
        running.wait_for_log(f"filter broken: unavailable: .*no scanner; policy {action}; ")


def test_the_nearest_policy_wins() -> None:
    config = """\
        failure: {on_error: reject, on_bad_reply: reject}
        pools:
          default: {workers: 1, failure: {on_error: skip}}
          other: {workers: 1}
        filters:
          - {filter: near, failure: {on_error: defer}}
          - pooled
          - {filter: far, pool: other}
        """
    names = ["near", "pooled", "far"]
    with Server(filters={name: script_filter(name) for name in names}, config=config) as running:
        answers = {name: running.ask(script("raise ValueError", only=name)) for name in names}
        assert answers == {"near": DEFERRED, "pooled": ACCEPTED, "far": REJECTED}
        assert running.ask(script("reply = 'hello'", only="near")) == REJECTED, "a key that is not near comes from afar"
