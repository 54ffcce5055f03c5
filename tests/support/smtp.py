"""An SMTP client for tests: the whole dialogue of one message as values.

Used by tests/support/mta.py and by tests that speak SMTP themselves. Must never raise for what the server answers: a
refusal is a result.
"""
from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_BARE_LF = re.compile(rb"(?<!\r)\n")  # smtplib sends bytes as they are

Connect = Callable[[], socket.socket]


@dataclass(frozen=True)
class Reply:
    """One answer; the lines of a long one are joined with LF."""

    code: int
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


@dataclass
class Dialogue:
    """The answers to one message, in the order of the commands; `data` is missing when it was not reached."""

    mail: Reply
    rcpts: list[Reply] = field(default_factory=list)
    data: Reply | None = None

    @property
    def accepted(self) -> bool:
        return self.data is not None and self.data.ok

    @property
    def last(self) -> Reply:
        """The answer that decided."""
        return self.data or (self.rcpts[-1] if self.rcpts else self.mail)


class Client(smtplib.SMTP):
    """smtplib's client on a socket that somebody else connects; usable as a context manager."""

    def __init__(self, connect: Connect, timeout: float, helo: str = "client.test") -> None:
        self._connect = connect
        super().__init__("mail.test", 25, local_hostname=helo, timeout=timeout)
        self.ehlo_or_helo_if_needed()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # smtplib's own hook for this
        connection = self._connect()
        connection.settimeout(timeout)
        return connection

    def deliver(self, sender: str, rcpts: Sequence[str], message: bytes) -> Dialogue:
        """One message in this session; goes on to DATA when at least one recipient was taken."""
        dialogue = Dialogue(_reply(self.docmd(f"MAIL FROM:<{sender}>")))
        if not dialogue.mail.ok:
            return dialogue
        dialogue.rcpts = [_reply(self.docmd(f"RCPT TO:<{rcpt}>")) for rcpt in rcpts]
        if not any(reply.ok for reply in dialogue.rcpts):
            self.docmd("RSET")
            return dialogue
        try:
            dialogue.data = _reply(self.data(_BARE_LF.sub(b"\r\n", message)))
        except smtplib.SMTPDataError as error:  # DATA itself was refused
            dialogue.data = _reply((error.smtp_code, error.smtp_error))
        return dialogue


def _reply(answer: tuple[int, bytes | str]) -> Reply:
    code, text = answer
    return Reply(code, text if isinstance(text, str) else text.decode("utf-8", "backslashreplace"))
