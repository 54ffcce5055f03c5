"""Splicing: whatever a message looks like, no byte is lost but those a filter took, and no header is smuggled in."""
from __future__ import annotations

import email
import re
from collections.abc import Callable
from email.header import Header
from email.message import EmailMessage, Message
from email.mime.application import MIMEApplication
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from splicing import insert, parse, rewritten, texts

from courier._splice import SpliceError

NEWLINES = b"\r\n"
TREE = b"""\
Subject: a tree
Content-Type: multipart/mixed; boundary=OUT

preamble \xff
--OUT  \t
Content-Type: multipart/alternative;
   boundary="IN"

--IN
Content-Type:   text/plain ; charset=utf-8
Content-Transfer-Encoding: 8bit

caf\xc3\xa9
--IN
--IN
X-Folded: a
\tb
Content-Type: text/html

<p>html</p>\r
--IN--
between
--OUT
Content-Type: message/rfc822

Subject:within
Content-Type: text/plain

forwarded
--OUT
Content-Type: message/delivery-status

Reporting-MTA: dns; a.example

Final-Recipient: rfc822; b@example.com
Action: failed

--OUT
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

AAEC/w==
--OUT--
epilogue
"""

# Messages of all kinds ------------------------------------------------------------------------------------------------

LINES = st.sampled_from([
    b"Subject: a", b"subject:b", b" folded", b"\t", b"", b"", b"", b"no header", b": nameless", b"From x", b"--XX",
    b"--XX", b"--XX--", b"--XX  ", b"--YY", b"--YY", b"--YY--", b"\xff: \xfe", b"X\0: b", b"X: a\rY: b", b"\r",
    b"Content-Type: multipart/mixed; boundary=XX", b"Content-Type: multipart/digest; boundary=YY",
    b"Content-Type: message/rfc822", b"Content-Type: message/delivery-status", b"\xc3\xa4", b"Content-Type: text/plain",
])
ENDS = st.sampled_from([b"\n", b"\n", b"\n", b"\n", b"\r\n", b"\r"])
STARTS = st.sampled_from([b"", b"Content-Type: multipart/mixed; boundary=XX\n\n", b"From mbox line\n"])
MIME = st.builds(lambda start, lines: start + b"".join(line + end for line, end in lines),
                 STARTS, st.lists(st.tuples(LINES, ENDS), max_size=25))
MESSAGES = st.one_of(MIME, MIME.map(lambda data: data[:-1]), st.binary(max_size=200))
many = settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@given(data=MESSAGES)
@many
def test_a_message_that_was_only_looked_at_is_what_it_was(data: bytes) -> None:
    def look(message: Message) -> None:
        str(message)
        for part in message.walk():
            part.get_payload(decode=True)
            part.get_filename(), part.get_content_charset(), part.items()
        for name in set(message.keys()):
            if len(message.get_all(name, [])) == 1:
                message.replace_header(name, message[name])

    assert rewritten(data, look) == data


def fields_of(message: Message) -> list[tuple[str, str]]:
    # A CR that ends the last line of a file is a blank until an LF follows it.
    return [(name, value.rstrip(" ")) for name, value in message.raw_items()]


@given(data=MESSAGES, value=st.text(max_size=30), name=st.sampled_from(["X-Added", "Subject", "to"]))
@many
def test_an_added_header_is_one_line_more_or_refused(data: bytes, value: str, name: str) -> None:
    try:
        after = rewritten(data, lambda message: message.__setitem__(name, value))
    except (SpliceError, UnicodeError, email.errors.MessageError):
        return
    assert fields_of(parse(after))[:-1] == fields_of(parse(data))
    assert parse(after).keys()[-1] == name
    # Nothing but the field has come in: take its lines out, and the message is what it was.
    start = len(after) - len(data)
    assert any(after[:at] + after[at + size:] in (data, data + b"\n")
               for size in (start, start - 1, start - 2) if size > 0
               for at in range(len(after) - size + 1) if after.startswith(name.encode() + b": ", at))


@given(data=MESSAGES)
@many
def test_a_header_goes_in_and_out_and_all_else_stays(data: bytes) -> None:
    data = data or b"\n"  # without a field and without a body it would not be written
    added = rewritten(data, lambda message: message.__setitem__("X-Added", "1"))
    without = added.replace(b"X-Added: 1\n", b"", 1)
    # A last line without its newline gets one.
    assert without in (data, data + b"\n", data + b"\n\n") or without.replace(b"\n", b"") == data.replace(b"\n", b"")
    removed = rewritten(added, lambda message: message.__delitem__("X-Added"))
    assert removed == without
    replaced = rewritten(added, lambda message: message.replace_header("X-Added", "2"))
    assert replaced == added.replace(b"X-Added: 1\n", b"X-Added: 2\n", 1)


def without_sent_back_line(data: bytes) -> bytes:
    """CRs in a line of the header that is the body's first are blanks to a filter."""
    return data.replace(b"\r", b" ") if re.search(rb"[\r\n]From ", data) else data


@given(data=MESSAGES, number=st.integers(0, 5))
@many
def test_a_changed_text_leaves_every_other_byte(data: bytes, number: int) -> None:
    """Only newlines may come in: between header and body, or at the end."""
    parts = texts(parse(data))
    if not parts:
        return
    which = number % len(parts)
    try:
        after = rewritten(data, lambda message: insert(texts(message)[which], "%CHANGED%"))
    except SpliceError:
        return
    assert after.count(b"%CHANGED%") == 1
    rest = without_sent_back_line(after.replace(b"%CHANGED%", b""))
    before = without_sent_back_line(data)
    assert sorted(rest.replace(b" ", b"").translate(None, NEWLINES)) == \
        sorted(before.replace(b" ", b"").translate(None, NEWLINES))
    if not re.search(rb"[\r\n]From ", data):
        assert rest.translate(None, NEWLINES) == before.translate(None, NEWLINES)


# A tree of parts ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("number", "old"), [(0, "caf\u00e9"), (1, "<p>html</p>"), (2, "forwarded")])
def test_one_changed_part_changes_nothing_else(number: int, old: str) -> None:
    def change(message: Message) -> None:
        part = texts(message)[number]
        part.set_payload(part.get_payload().replace(old, "changed"))

    assert rewritten(TREE, change) == TREE.replace(old.encode(), b"changed")


def test_a_footer_below_8_bit_text_leaves_the_text() -> None:
    """get_payload() shows bytes that are no UTF-8 as U+FFFD; they come back as they were."""
    for text in (b"caf\xc3\xa9", b"caf\xe9 \xc3\xa9", b"\xff\xfe"):
        data = TREE.replace(b"caf\xc3\xa9", text)

        def change(message: Message) -> None:
            part = texts(message)[0]
            part.set_payload(part.get_payload() + "\n\u2014 footer")

        assert rewritten(data, change) == data.replace(text, text + b"\n\xe2\x80\x94 footer")
        assert rewritten(data, lambda message: texts(message)[0].set_payload(texts(message)[0].get_payload())) == data


def test_a_header_of_a_part_changes_alone() -> None:
    def change(message: Message) -> None:
        texts(message)[1]["X-New"] = "1"
        del texts(message)[0]["Content-Transfer-Encoding"]

    assert rewritten(TREE, change) == TREE.replace(b"text/html\n", b"text/html\nX-New: 1\n").replace(
        b"Content-Transfer-Encoding: 8bit\n", b"")


def test_a_block_of_a_delivery_status_changes_alone() -> None:
    assert rewritten(TREE, lambda message: texts(message)[3].replace_header("Reporting-MTA", "dns; x")) == TREE.replace(
        b"dns; a.example", b"dns; x")


def test_a_part_may_go() -> None:
    after = rewritten(TREE, lambda message: message.set_payload(message.get_payload()[:1]))
    alternative = TREE[TREE.index(b"Content-Type: multipart/alt"):TREE.index(b"\n--OUT\n")]
    assert after.endswith(b"\n\npreamble \xff\n--OUT\n" + alternative + b"\n--OUT--\nepilogue\n")
    assert [part.get_content_type() for part in parse(after).walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html"]


def test_all_parts_may_go() -> None:
    after = rewritten(TREE, lambda message: message.set_payload([]))
    assert [part.get_payload() for part in parse(after).walk() if not part.is_multipart()] == [""]


def test_an_attachment_may_come() -> None:
    after = rewritten(TREE, lambda message: message.attach(MIMEApplication(b"\0\1", "zip")))
    assert after.startswith(TREE[:TREE.index(b"--OUT  ")])
    for kept in TREE[TREE.index(b"--OUT  \t\n") + 8:TREE.index(b"\n--OUT--")].split(b"\n--OUT\n"):
        assert kept in after
    assert parse(after).get_payload()[-1].get_payload(decode=True) == b"\0\1"


def test_another_boundary_is_used_throughout() -> None:
    after = rewritten(TREE, lambda message: message.set_boundary("NEW"))
    assert after.count(b"\n--NEW\n") == 4 and after.count(b"\n--NEW--\n") == 1 and b"--OUT" not in after
    assert [part.as_bytes() for part in parse(after).get_payload()] == [
        part.as_bytes() for part in parse(TREE).get_payload()]


def test_a_message_may_be_wrapped_in_another_one() -> None:
    def wrap(message: Message) -> Message:
        outer = MIMEMultipart()
        outer["Subject"] = "***SPAM***"
        outer.attach(MIMEText("look at it\n"))
        outer.attach(MIMEMessage(message))
        return outer

    after = rewritten(TREE, wrap)
    assert TREE.rstrip(b"\n") in after and parse(after)["Subject"] == "***SPAM***"


def test_a_text_may_take_the_place_of_parts() -> None:
    def change(message: Message) -> None:
        del message["Content-Type"]
        message.set_payload("removed\r\n", "us-ascii")

    after = rewritten(TREE, change)
    assert after.startswith(b"Subject: a tree\n") and after.endswith(b"\n\nremoved\n") and b"OUT" not in after


def test_a_copy_is_as_good_as_the_message() -> None:
    def copied(message: Message) -> Message:
        copy = email.message_from_bytes(message.as_bytes())
        copy["X-New"] = "1"
        return copy

    plain = TREE.replace(b"\r", b"").replace(b"--IN\n--IN\n", b"--IN\n").replace(b"  \t\n", b"\n")
    assert rewritten(plain, copied) == plain.replace(b"=OUT\n", b"=OUT\nX-New: 1\n", 1)


def test_a_message_made_with_another_policy_is_folded_by_it() -> None:
    def other(_: Message) -> Message:
        made = EmailMessage()
        made["To"] = "J\u00f6rg <j@example.com>"
        made.set_content("gr\u00fc\u00dfe\n")
        return made

    after = rewritten(TREE, other)
    assert b"\nTo: =?utf-8?q?J=C3=B6rg?= <j@example.com>\n" in b"\n" + after
    assert texts(parse(after))[0].get_payload(decode=True).decode() == "gr\u00fc\u00dfe\n"


# What cannot be written -----------------------------------------------------------------------------------------------

REFUSED: list[Callable[[Message], object]] = [
    lambda message: message.set_payload(5),
    lambda message: message.set_payload("\u00e9"),
    lambda message: texts(message)[1].set_payload("\u20ac"),
    lambda message: texts(message)[0].set_payload("\ud800"),
    lambda message: message.set_payload(["text"]),
    lambda message: message.set_payload([None]),
    lambda message: message.set_payload([message]),
    lambda message: message.set_type("text/plain"),
    lambda message: texts(message)[0].set_payload("smuggled\n--IN\nContent-Type: text/html\n\nx"),
    lambda message: texts(message)[0].set_payload("ended\n--OUT--"),
    lambda message: texts(message)[0].__setitem__("X", "1\nContent-Type: text/html"),
    lambda message: texts(message)[0].__setitem__("X", "1\n\nbody"),
    lambda message: texts(message)[0].__setitem__("X", "1\r"),
    lambda message: message.__setitem__("X", Header("a\nX-Evil: 1")),
    lambda message: message.__setitem__("X", Header("a\x0cX-Evil: 1")),
    lambda message: message.__setitem__("X", 1),
    lambda message: setattr(message, "preamble", "\n--OUT\n\nmore"),
    lambda message: setattr(message, "_payload", {}),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_would_be_read_as_something_else_is_refused(number: int) -> None:
    with pytest.raises((SpliceError, UnicodeError, RecursionError, email.errors.MessageError)):
        rewritten(TREE, lambda message: REFUSED[number](message) and None)


@pytest.mark.parametrize("value", ["a\x0cX-Evil: 1", "a\x85b", "a\u2028X-Evil: 1", "a\x0bX-Evil: 1", "\x1c"])
def test_other_line_ends_make_no_line(value: str) -> None:
    after = rewritten(b"Subject: a\n\nbody\n", lambda message: message.__setitem__("X-New", value))
    assert parse(after).keys() == ["Subject", "X-New"] and after.endswith(b"\n\nbody\n")


def test_a_long_value_is_folded_and_a_short_one_is_not() -> None:
    def header(value: str) -> bytes:
        return rewritten(b"A: 1\n\nb\n", lambda message: message.__setitem__("X", value))

    assert header("word " * 100) == b"A: 1\nX: " + b"word " * 100 + b"\n\nb\n"
    assert max(map(len, header("word " * 400).split(b"\n"))) <= 78


def test_a_header_with_8_bit_bytes_is_its_own_value() -> None:
    data = b"Subject: caf\xe9 \xff\nSubject: caf\xe8\n\nbody\n"

    def move(message: Message) -> None:
        first, second = message.get_all("Subject", [])
        del message["Subject"]
        message["Subject"], message["Subject"] = second, first

    assert rewritten(data, move) == b"Subject: caf\xe8\nSubject: caf\xe9 \xff\n\nbody\n"


def test_a_copied_value_loses_its_lines_of_blanks_alone() -> None:
    data = b"Subject: one\n \t\n\ttwo\n \nTo: a\n\nbody\n"
    assert rewritten(data, lambda message: message.__setitem__("X-Old", message["Subject"])) == data.replace(
        b"To: a\n", b"To: a\nX-Old: one\n\ttwo\n")
    assert rewritten(data, lambda message: message.replace_header("Subject", "[X] " + message["Subject"])) == \
        b"Subject: [X] one\n\ttwo\nTo: a\n\nbody\n"


def test_very_deep_messages_are_written_or_refused() -> None:
    level = b"Content-Type: multipart/mixed; boundary=B%d\n\n--B%d\n"
    deep = b"".join(level % (number, number) for number in range(150)) + b"\ntext\n"
    after = rewritten(deep, lambda message: insert(texts(message)[0], "%CHANGED%"))
    assert after.replace(b"%CHANGED%", b"").rstrip(b"\n") == deep.rstrip(b"\n")
