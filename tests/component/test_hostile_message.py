"""A message that means harm: envelopes no Courier writes.

It is answered, and nothing of it reaches log or client raw.
"""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import processes
from support.server import Server
from support.spool import records

# Reads the envelope as filters do, and hands a part of it to the client.
READER = '''
    import courier.control

    def do_filter(body_path, control_paths):
        sender = courier.control.get_sender(control_paths) or ""
        count = len(courier.control.get_recipients(control_paths))
        return f"550 {sender}\\n250 forged {count}"
    '''
TEXTS = {
    "a forged line": b"x\nERR: forged\nr",
    "CR and an escape sequence": b"a\r\x1b[2J\x9b@example.com",
    "bytes that are no text": bytes(range(128, 256)),
    "a C1 control in UTF-8": b"a\xc2\x9b31m@example.com",
    "NUL": b"a\0b@example.com",
    "a mebibyte": b"x" * (1 << 20),
    "the fields of a log line": b"a> to=<b> verdict=accept by=\"",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"reader": READER}, config="pools: {default: {workers: 2}}\n") as running:
        yield running


def check(server: Server, control: bytes) -> None:
    """One hostile envelope: a sound refusal (or deferral), sound lines, and the next message is served."""
    after, pid = server.log_mark(), server.master_pid()
    memory = processes.resident_kib(pid)
    reply = server.ask(controls=[control])
    assert reply.endswith(b"\n") and reply.isascii()
    assert all(line[:3] in (b"550", b"451") and line.decode().isprintable() for line in reply.splitlines())
    assert server.ask() == b"550-alice@example.com\n550 forged 1\n"
    assert server.master_pid() == pid and processes.resident_kib(pid) - memory < 32 * 1024
    for line in server.log_lines()[after:]:
        assert line.isprintable() and len(line) < 4000
        assert not line.startswith("ERR: forged")


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("letter", [b"s", b"r", b"M"])
def test_any_text_in_an_envelope(server: Server, letter: bytes, kind: str) -> None:
    lines = [line for line in records().split(b"\n") if not line.startswith(letter)]
    check(server, b"\n".join([letter + TEXTS[kind], *lines]))


@pytest.mark.parametrize("control", [
    b"",
    b"\n" * 100_000,
    b"\0" * 100_000,
    b"s\nr\nR\nN\nM\n" * 1000,
    b"S99999999999999999999 1\nS-1 1\nS4294967296 1\nF0 \nSx\n" + records(),
    bytes(range(256)) * 4000,
    records(recipients=[f"r{i}@example.net" for i in range(100_000)]),
], ids=["empty", "empty lines", "NUL", "many of each", "odd numbers", "noise", "100,000 recipients"])
def test_any_envelope(server: Server, control: bytes) -> None:
    check(server, control)
