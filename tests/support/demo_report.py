"""What dev/run prints: a paragraph for each message, the log, the end. Made from reply and message line of the server.

Used by tests/support/demo.py only. The message line's form is that of src/master/message_log.cpp.
"""
from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from pathlib import Path

MESSAGE = r"(^|\s)message id="  # the line that the server logs for every message
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
_UNINTERESTING = re.compile(r"CPU TIME ACCOUNTING:")
_SHOWN = 40  # log lines


@dataclass(frozen=True)
class Result:
    """One message and what became of it."""

    name: str
    expected: str  # verdict, or empty when any will do
    reply: bytes
    seconds: float  # as the client saw it
    line: str  # the server's message line; empty: no filter was asked

    @property
    def fields(self) -> dict[str, str]:
        """The message line's fields: verdict, by, reason, total, filters..."""
        return {key: value.strip('"') for key, value in _FIELD.findall(self.line)}

    @property
    def verdict(self) -> str:
        """What the client was told: accept, defer, reject; or "no reply", "broken reply"."""
        if not self.reply:
            return "no reply"
        lines = self.reply.split(b"\n")
        code = self.reply[:3]
        whole = lines.pop() == b"" and all(line[:4] == code + b"-" for line in lines[:-1])
        if not whole or not re.fullmatch(rb"[245]\d\d( .*)?", lines[-1]) or lines[-1][:3] != code:
            return "broken reply"
        return {b"2": "accept", b"4": "defer", b"5": "reject"}[code[:1]]

    @property
    def problem(self) -> str:
        """Why this is not what should have happened; empty if it is."""
        if self.verdict in ("no reply", "broken reply"):
            return self.verdict
        if self.expected and self.verdict != self.expected:
            return f"expected: {self.expected}"
        if self.line and self.fields.get("verdict") != self.verdict:
            return f"the server's log says {self.fields.get('verdict')}"
        return ""


def show(result: Result) -> None:
    """The paragraph of one message."""
    print(f"\n{result.name}")
    print(f"    verdict   {result.verdict}{by_whom(result)}")
    for number, line in enumerate(result.reply.decode(errors="backslashreplace").splitlines()):
        print(f"    {'reply' if number == 0 else '':10}{line}")
    print(f"    time      {result.seconds * 1000:.1f} ms{filter_times(result)}")
    if result.problem:
        print(f"    WRONG     {result.problem}", flush=True)


def by_whom(result: Result) -> str:
    if not result.line:
        return ", by Courier itself"
    fields = result.fields
    by = f", by {fields['by']}" if "by" in fields else ""
    return by + (f" ({fields['reason']})" if "reason" in fields else "")


def filter_times(result: Result) -> str:
    """Wall time of the filters that came to their end: `; of which attachments 1.2 ms`."""
    runs = [run for run in result.fields.get("filters", "").split(",") if ":" in run]
    times = [re.fullmatch(r"(.+):([\d.]+)ms/[\d.]+ms", run) for run in runs]
    parts = [f"{match[1]} {float(match[2]):.1f} ms" for match in times if match]
    return f"; of which {', '.join(parts)}" if parts else ""


def show_maildir(user: str, messages: list[bytes]) -> None:
    print(f"\nIn the Maildir of {user}: {len(messages)}")
    for content in messages:
        message = email.message_from_bytes(content, policy=email.policy.default)
        print(f"    {message['Subject']} (from {message['From']}, {len(content)} bytes)", flush=True)


def show_log(lines: list[str], whole: Path) -> None:
    """The lines of interest; all of them go to a file."""
    whole.write_text("".join(f"{line}\n" for line in lines), errors="backslashreplace")
    picked = [line for line in lines if not _UNINTERESTING.search(line)]
    print(f"\nWhat the server logged (all of it: {whole})")
    for line in picked[:_SHOWN]:
        print(f"    {line}")
    if len(picked) > _SHOWN:
        print(f"    ... {len(picked) - _SHOWN} more")


def conclude(results: list[Result]) -> int:
    """The last line, and the exit status."""
    wrong = [result.name for result in results if result.problem]
    print(f"\ndev/run: {len(results)} messages, "
          + (f"WRONG: {', '.join(wrong)}" if wrong else "each with exactly one reply, as expected"), flush=True)
    return 1 if wrong or not results else 0
