"""Real messages through a chain of the sample filters: no exception, no reply lost, and every verdict is that of the
same functions in plain Python. Every 20th message of the corpus, all 6,046 with --full."""
from __future__ import annotations

import json
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import corpus
from support.server import Server
from support.spool import Message, records
from support.tree import installed_tree

CHAIN = ["debug", "log_aliases", "whitelist_auth", "attachments", "rules"]
# The corpus has nothing that the sample filters refuse: this one has an opinion on most messages.
RULES = """
    import email
    import email.policy
    import zlib

    import courier.control

    def do_filter(body, controls):
        with open(body, 'rb') as stream:
            message = email.message_from_binary_file(stream)
        parts = [part.get_payload(decode=True) or b'' for part in message.walk() if not part.is_multipart()]
        digest = zlib.crc32(b''.join(parts)) % 5
        sender = courier.control.get_sender(controls)
        if digest == 0:
            return ''
        if digest == 1:
            return '200 Seen %d parts' % len(parts)
        if digest == 2:
            return '450 4.7.1 Come back later, %s' % sender
        return '550-%d parts from %s\\n550 5.7.1 No' % (len(parts), sender)
"""
WRAPPER = b'Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="x"\n\n--x\n\n'
EXE = b'\n--x\nContent-Type: application/octet-stream; name="run.exe"\n\nMZ\n--x--\n'


def variant(number: int, data: bytes) -> tuple[bytes, bytes]:
    """Message and control file: most as they are, some authenticated, some with a program attached."""
    sender = f"sender{number}@example.com"
    if number % 7 == 3:
        return data, records(sender=sender, auth_user="alice")
    if number % 11 == 5:
        return WRAPPER + data + EXE, records(sender=sender)
    return data, records(sender=sender, recipients=[f"user{number}@example.net", "info@example.net"])


def plain_verdicts(server: Server, messages: list[Message]) -> list[str]:
    """What the functions say without a server."""
    paths = [[str(message.body_path), *map(str, message.control_paths)] for message in messages]
    program = Path(__file__).parents[1] / "support" / "plain_chain.py"
    environment = {
        "PATH": f"{server.bin}:/usr/bin:/bin",
        "PYTHONPATH": str(installed_tree() / "usr/lib/pythonfilter/python"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        ["/usr/bin/python3", program, str(server.filter_directory), *CHAIN], env=environment,
        input="".join(json.dumps(each) + "\n" for each in paths), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def composed(reply: str) -> bytes:
    """What Courier gets for a filter's reply; an accept is one line."""
    return (reply or "200 Ok").encode() + b"\n"


def test_every_verdict_is_that_of_plain_python(request: pytest.FixtureRequest) -> None:
    every = 1 if request.config.getoption("--full") else 20
    config = f"pools: {{default: {{workers: 4}}}}\nfilters: [{', '.join(CHAIN)}]\n"
    with Server(filters={"rules": RULES}, config=config) as server:
        messages = [
            server.spool.message(body, [control])
            for body, control in (variant(number, data) for number, (_, data) in enumerate(corpus.messages(every)))
        ]
        with ThreadPoolExecutor(8) as clients:
            replies = list(clients.map(lambda message: server.ask_message(message, 60), messages))
        expected = [composed(reply) for reply in plain_verdicts(server, messages)]
        wrong = [(reply, wanted) for reply, wanted in zip(replies, expected) if reply != wanted]
        assert not wrong, f"{len(wrong)} of {len(replies)} differ, first {wrong[0]}"
        assert len(expected) == len(replies) == len(range(0, corpus.SIZE, every))
        print(f"{len(replies)} messages:", Counter(reply[:3].decode() for reply in replies))
        assert {reply[:3] for reply in replies} == {b"200", b"450", b"550", b"554"}, "each kind of verdict occurs"
        assert server.stop() == 0
        server.wait_for_log("^stopped: ")
        assert not [line for line in server.log_lines() if "; policy " in line or "Traceback" in line]
