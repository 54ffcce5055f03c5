"""What the first messages make the email package prepare, prepared once in the zygote for all of its workers.

CPython rewrites the byte code of a function that has run some times and notes in classes what it has looked up, and the
email package imports some of its modules late. A worker that does so itself has all of it for itself alone. The zygote
calls run() after the imports, when one of them has imported email. It must never run a filter's function, open a file
or start anything.
"""
from __future__ import annotations

import email
import io
import sys
from email.message import Message

_TIMES = 9  # byte code is rewritten after some eight runs
_MESSAGE = b"""\
From: =?utf-8?q?J=C3=BCrgen?= <a@example.com>
Subject: a
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 8bit

a
--b
Content-Disposition: attachment; filename="a"
Content-Transfer-Encoding: base64

AAAA
--b--
"""


def run() -> None:
    """Reads a message as filters do, with the modern policy as well where somebody has imported what that needs."""
    policies = sys.modules.get("email.policy")
    for _ in range(_TIMES):
        _read(email.message_from_binary_file(io.BytesIO(_MESSAGE)))
        if policies is not None:
            _read(email.message_from_binary_file(io.BytesIO(_MESSAGE), policy=policies.default))


def _read(message: Message) -> None:
    for part in message.walk():
        part.get_filename()
        part.get_payload(decode=True)
    message.get("Subject")
    message.as_bytes()
