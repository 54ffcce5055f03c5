"""What a filter returns and what Courier gets: the promise to filter authors, case by case.

One server, one filter; each message brings the Python text that the filter runs. Must never accept a broken reply.
"""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server

DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"
ACCEPTED = b"200 Ok\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"script": SCRIPT_FILTER}, config="pools: {default: {workers: 2}}\n") as running:
        yield running


@pytest.mark.parametrize(("value", "reply"), [
    ("''", b"200 Ok\n"),
    ("'200'", b"200 Ok\n"),
    ("'200 text'", b"200 text\n"),
    ("'250 accepted here'", b"250 accepted here\n"),
    ("'200 one line\\nand another'", b"200 one line\n"),
    ("'000 done'", b"000 done\n"),
    ("'050 done'", b"050 done\n"),
    ("'451 4.7.1 later'", b"451 4.7.1 later\n"),
    ("'550 no'", b"550 no\n"),
    ("'550'", b"550 Refused by a mail filter\n"),
    ("'550-one\\n550 two'", b"550-one\n550 two\n"),
    ("'550-one\\n550-two\\n550 three\\n'", b"550-one\n550-two\n550 three\n"),
], ids=repr)
def test_replies_that_are_promised(server: Server, value: str, reply: bytes) -> None:
    assert server.ask(script(f"reply = {value}")) == reply


@pytest.mark.parametrize(("value", "reply"), [
    ("'550 no\\r\\n'", b"550 no\n"),
    ("'550 a\\n551 b'", b"550-a\n550 b\n"),
    ("'550-a\\nplain'", b"550-a\n550 plain\n"),
    ("'550 a\\0b\\x1bc'", b"550 a?b?c\n"),
    ("'550 caf\\xe9'", b"550 caf?\n"),
    ("'550 half \\udcff of one'", b"550 half ? of one\n"),
    ("'5 no'", b"550 no\n"),
    ("'4'", b"450 Refused by a mail filter\n"),
    ("'55x no'", b"550 x no\n"),
    ("'5.7.1 no'", b"550 5.7.1 no\n"),
], ids=repr)
def test_pitfall_10_a_refusal_is_repaired_never_lost(server: Server, value: str, reply: bytes) -> None:
    assert server.ask(script(f"reply = {value}")) == reply


@pytest.mark.parametrize("length", [600, 9_000, 100_000])
def test_pitfall_10_a_long_refusal_is_folded_and_bounded(server: Server, length: int) -> None:
    reply = server.ask(script(f"reply = '550 ' + 'word ' * ({length} // 5)"))
    lines = reply.split(b"\n")
    assert lines.pop() == b"" and 1 < len(lines) <= 20
    assert all(line.startswith(b"550-") and len(line) < 500 for line in lines[:-1]) and lines[-1].startswith(b"550 ")


def test_pitfall_10_of_many_lines_twenty_stay(server: Server) -> None:
    lines = server.ask(script("reply = ''.join(f'550-line {n}\\n' for n in range(50))")).splitlines()
    assert lines == [b"550-line %d" % n for n in range(19)] + [b"550 line 19"]


@pytest.mark.parametrize("value", [
    "'hello'", "' '", "'\\n'", "' 200 Ok'", "'-200 Ok'", "'0'", "'2'", "'2x'", "'20 Ok'", "'200Ok'",
    "'100 continue'", "'354 go on'", "'999 what'", "'\\0'", "'\\xe9'", "'200 \\udcff'", "'200 ' + 'x' * 20000",
], ids=repr)
def test_pitfall_10_what_is_no_reply_gets_the_policy(server: Server, value: str) -> None:
    after = server.log_mark()
    assert server.ask(script(f"reply = {value}")) == DEFERRED
    line = server.wait_for_log("filter script: bad reply: ", after=after)
    assert "; policy defer; message 0" in line and " worker default/" in line


@pytest.mark.parametrize(("value", "kind"), [
    ("None", "NoneType"), ("550", "int"), ("b'550 no'", "bytes"), ("True", "bool"), ("['550 no']", "list"),
    ("object()", "object"), ("bytearray(b'200')", "bytearray"),
])
def test_a_result_that_is_no_str_gets_the_policy_and_names_its_type(server: Server, value: str, kind: str) -> None:
    after = server.log_mark()
    assert server.ask(script(f"reply = {value}")) == DEFERRED
    told = f"filter script: result is not a string: .* of type {kind}, not a str; policy defer"
    server.wait_for_log(told, after=after)


@pytest.mark.parametrize(("text", "reply"), [
    ("'550 no'", b"550 no\n"), ("''", ACCEPTED), ("'200 yes'", b"200 yes\n"),
])
def test_a_subclass_of_str_is_a_str(server: Server, text: str, reply: bytes) -> None:
    assert server.ask(script(f"""\
        class Reply(str):
            def __str__(self): raise ValueError
            def __len__(self): return 0
            def encode(self, *_): return b'200 lie'
        reply = Reply({text})
        """)) == reply
