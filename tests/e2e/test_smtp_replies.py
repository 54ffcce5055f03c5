"""What a filter returns or does, and what the SMTP client sees of it, as bytes; rows follow the table of reply shapes
that Courier was tried with.

One Courier serves the whole table: told() makes the filter `told`, or one with another failure policy, do what the row
says. A refused message must be nowhere afterwards, an accepted one in the mailbox with the mark.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import pytest
from support.mta import Courier
from support.mta_server import (BOB, EVE, STANDARD, TOLD_FILTER, install_server, is_marked, never_delivered, raw_answer,
                                send, told, wait_named)
from support.tree import CHECKOUT

CONFIG = """\
pools: {default: {workers: 2}}
filters:
  - mark
  - told
  - {filter: told_skip, timeout: 1s, failure: {on_error: skip, on_timeout: skip, on_crash: skip, on_bad_reply: skip}}
  - {filter: told_reject, timeout: 1s,
     failure: {on_error: reject, on_timeout: reject, on_crash: reject, on_bad_reply: reject}}
  - {filter: told_brief, timeout: 1s}
  - after
"""
AFTER_FILTER = STANDARD["mark"].replace("X-Filter-Mark", "X-After")
TOLD = {name: TOLD_FILTER for name in ("told_skip", "told_reject", "told_brief")}
FILTERS = {**STANDARD, **TOLD, "after": AFTER_FILTER}

PASSED, ENDED = "passed", "ended"  # 250 with a queue id; the filters behind it were run, or not
QUEUED = re.compile(rb"250 Ok\. [0-9A-F]{16}\.[0-9A-F]{8}\r\n")
BAD = "451 4.3.0 Mail filter failed, please try again later"
REJECTED = "554 5.3.0 Message refused: a mail filter failed"
NOT_REPLIES = ("100 x", "300 x", "600 x", "999", "0", "2", "25", "200x", "hello", "-200 Ok", " 200 Ok", "\n", " ", "\0",
               "250 \udcff")
NOT_TEXTS = (None, b"550 no", b"", 0, 250, True, ["550 no"])
SEGFAULT = "os.kill(os.getpid(), signal.SIGSEGV); time.sleep(60)"
FAILURES = ("raise RuntimeError", "return None", "return 'hello'", SEGFAULT, "time.sleep(600)")


@dataclass(frozen=True)
class Row:
    """What the filter does; what the client sees, a line each, or PASSED or ENDED."""

    source: str
    sees: tuple[str, ...]
    to: str = "told"

    def __str__(self) -> str:
        text = self.source if len(self.source) < 50 else self.source[:50] + "..."
        return f"{self.to}: {text}"


def returns(value: object, *sees: str) -> Row:
    return Row(f"return {value!a}", sees)


ACCEPTS = [
    returns("", PASSED), returns("200 Ok", ENDED), returns("250", ENDED), returns("250 ", ENDED),
    returns("200 Ok\n", ENDED), returns("200 Ok\r\n", ENDED), returns("200-Ok", ENDED), returns("299 any", ENDED),
    returns("250-a\n550 b\n", ENDED), returns("250 a\n550 b\n", ENDED), returns("250 zur\xfcck", ENDED),
    Row("return '250 ' + 9000 * 'x'", (ENDED,)),
    returns("000 Ok", "200 Ok"), returns("050 done\n", "250 done"), returns("000", "200 Ok"),
    returns("050-one\n050 two\n", "250 one"), returns("000 a\r\nb", "200 a"),
    returns("000 zur\xfcck\x1b[1m", "200 zur?ck?[1m"),
]
REFUSES = [
    returns("451 later", "451 later"), returns("451 later\n", "451 later"), returns("550 no", "550 no"),
    returns("550 5.7.1 no\n", "550 5.7.1 no"), returns("550 no\r\n", "550 no"),
    # bare and broken codes
    returns("550", "550 Refused by a mail filter"), returns("550 ", "550 Refused by a mail filter"),
    returns("550 \n", "550 Refused by a mail filter"), returns("550\r\n", "550 Refused by a mail filter"),
    returns("4", "450 Refused by a mail filter"), returns("5 x", "550 x"), returns("45 x", "450 x"),
    returns("550x..", "550 x.."), returns("550\tno", "550 no"), returns("5.7.1 no", "550 5.7.1 no"),
    # several lines: one code on all, whatever stood there
    returns("550-a\n550-b\n550 c\n", "550-a", "550-b", "550 c"), returns("451-a\n451 b", "451-a", "451 b"),
    returns("550-a\n550-b\n", "550-a", "550 b"), returns("550-a\r\n550 b\r\n", "550-a", "550 b"),
    returns("550-a\n450 b\n", "550-a", "550 b"), returns("550-a\nplain\n", "550-a", "550 plain"),
    returns("550 a\n550 b\n", "550-a", "550 b"), returns("550 a\n250 b\n", "550-a", "550 b"),
    returns("550 a\nb", "550-a", "550 b"),
    # what SMTP does not allow in a line
    returns("550 a\0b", "550 a?b"), returns("550 a\rb", "550 ab"), returns("550 \x1b[31mred\x7f", "550 ?[31mred?"),
    returns("550 zur\xfcck \u20ac", "550 zur?ck ?"), returns("550 lone \udcff surrogate", "550 lone ? surrogate"),
    returns("550 astral \U0001f4e7", "550 astral ?"),
]
FAILS = [
    # not a reply
    *(returns(text, BAD) for text in NOT_REPLIES),
    *(returns(value, BAD) for value in NOT_TEXTS),
    # no return at all
    Row("raise RuntimeError('oops')", (BAD,)), Row("sys.exit(0)", (BAD,)), Row("sys.exit('250 Ok')", (BAD,)),
    Row("raise KeyboardInterrupt", (BAD,)), Row("raise MemoryError", (BAD,)), Row("return '550 ' + undefined", (BAD,)),
    Row("os._exit(0)", (BAD,)), Row(SEGFAULT, (BAD,)),
    Row("os.kill(os.getpid(), signal.SIGKILL); time.sleep(60)", (BAD,)),
    Row("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", (BAD,)), Row("os.abort()", (BAD,)),
    Row("time.sleep(600)", (BAD,), "told_brief"),
    Row("signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass", (BAD,), "told_brief"),
    # the other two policies
    *(Row(source, (PASSED,), "told_skip") for source in FAILURES),
    *(Row(source, (REJECTED,), "told_reject") for source in FAILURES),
    # a refusal stays one where failures are skipped
    Row("return '5'", ("550 Refused by a mail filter",), "told_skip"),
    Row("return '450 \\udcff'", ("450 ?",), "told_skip"),
]
TABLE = [*ACCEPTS, *REFUSES, *FAILS]
_numbers = count()


@pytest.fixture(scope="module")
def table_courier(courier_possible: None) -> Iterator[Courier]:
    with Courier() as mta:
        install_server(mta, FILTERS, CONFIG)
        mta.start()
        yield mta


def answer(mta: Courier, message: bytes) -> bytes:
    """The client's view, after which the session must still work: nothing came that is not part of the reply."""
    with mta.client(timeout=20) as client:  # a filter that hangs has 1 s; behind others with a minute too
        reply = raw_answer(client, message)
        assert client.docmd("NOOP")[0] == 250, f"the session broke after {reply!r}"
    assert well_formed(reply), reply
    return reply


def well_formed(reply: bytes) -> bool:
    """One code on all lines, of printable ASCII, CR LF only at their ends, at most 512 bytes each."""
    lines = reply.split(b"\r\n")
    code = lines[0][:3]
    shape = re.compile(code + rb"[ -][ -~]*")
    whole = lines.pop() == b"" and re.fullmatch(rb"[245]\d\d", code) is not None
    return whole and all(shape.fullmatch(line) and len(line) <= 510 for line in lines)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_pitfall_10_what_the_filter_does_and_the_client_sees(table_courier: Courier, row: Row) -> None:
    name = f"row-{next(_numbers)}"
    reply = answer(table_courier, told(row.source, name=name, to=row.to))
    if row.sees in ((PASSED,), (ENDED,)):
        assert QUEUED.fullmatch(reply), reply
    else:
        assert reply.decode().splitlines() == list(row.sees)
    if reply[:1] != b"2":
        assert never_delivered(table_courier, name)
        return
    message = wait_named(table_courier, name)
    assert is_marked(message)
    assert (b"\nX-After: " in message) == (row.sees == (PASSED,))


@pytest.mark.parametrize(("text", "code", "lines", "kept"), [
    ("'550 ' + 80 * 'word '", b"550", 1, 400), ("'550 ' + 600 * 'x'", b"550", 2, 600),
    ("'451 ' + 9000 * 'x'", b"451", 19, 9000),
    ("'550 ' + 20000 * 'y'", b"550", 20, 9000), ("''.join(f'550-line {i}\\n' for i in range(30))", b"550", 20, 100),
    ("'550 ' + 3000000 * 'z'", b"550", 20, 9000),
], ids=["400 bytes", "600 bytes", "9000 bytes", "20000 bytes", "30 lines", "3 MB"])
def test_pitfall_10_an_over_long_refusal_is_folded_and_cut(table_courier: Courier, text: str, code: bytes, lines: int,
                                                           kept: int) -> None:
    name = f"long-{next(_numbers)}"
    reply = answer(table_courier, told(f"return {text}", name=name))
    assert reply[:3] == code and reply.count(b"\r\n") == lines and len(reply) > kept
    assert never_delivered(table_courier, name)


def test_the_rows_after_crashes_leave_no_trace(table_courier: Courier) -> None:
    """The session and the workers are what they were: twenty messages in one session, a crash before each tenth."""
    with table_courier.client(timeout=60) as client:
        for number in range(20):
            source = SEGFAULT if number % 10 == 5 else ""
            reply = raw_answer(client, told(source, name=f"trace-{number}"))
            assert reply.startswith(b"451 " if source else b"250 Ok."), reply


@pytest.mark.parametrize(("text", "sees"), [
    ("", "550 asked"), ("200 Ok", "550 asked"), ("000 Ok", "200 Ok"), ("550 no", "550 no"), ("451 no", "451 no"),
])
def test_courier_asks_the_next_filter_as_the_reply_says(courier: Courier, text: str, sees: str) -> None:
    courier.install_filter("zother", CHECKOUT / "tests" / "support" / "stub_filter.py")  # sorts behind ours
    courier.configure("zother.reply", "550 asked\n")
    install_server(courier)
    courier.start()
    assert str(send(courier, f"return {text!r}").last) == sees


BYPASS = """\
filters:
  - mark
  - {filter: told, for: [strict]}
  - strict
  - after
"""


@pytest.mark.parametrize(("text", "sees"), [("200 friend", "250"), ("", "550"), ("000 all", "200"), ("451 no", "451")])
def test_an_accept_with_for_bypasses_only_those_named(courier: Courier, text: str, sees: str) -> None:
    strict = "def do_filter(body, controls):\n    return '550 strict'\n"
    install_server(courier, {**FILTERS, "strict": strict}, BYPASS)
    courier.start()
    dialogue = send(courier, f"return {text!r}")
    assert str(dialogue.last).startswith(sees)
    if text == "200 friend":
        message = wait_named(courier, "message")
        assert is_marked(message) and b"\nX-After: " in message  # `strict` was bypassed, `after` was not
    elif not dialogue.accepted:
        assert never_delivered(courier, "message")


def test_mail_for_two_is_accepted_or_refused_as_one(table_courier: Courier) -> None:
    accepted = table_courier.send(EVE, [BOB, "alice@mail.test"], told(name="two"))
    assert accepted.accepted
    assert is_marked(wait_named(table_courier, "two")) and is_marked(wait_named(table_courier, "two", "alice"))
    refused = table_courier.send(EVE, [BOB, "alice@mail.test"], told("return '550 no'", name="none"))
    assert str(refused.last) == "550 no" and never_delivered(table_courier, "none")
