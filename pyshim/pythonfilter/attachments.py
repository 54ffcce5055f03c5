"""Filter: refuses messages with attachments of kinds that the site does not want, by their names.

Names are looked for in every MIME part, forwarded messages included, and inside attached archives (see _archives). A
part that is broken is judged by what can still be made out of it: nothing in a message may raise, which would let the
rest pass unseen.

Settings, in section attachments.py: blocked_pattern, a regular expression that is matched at the start of a name, in
any case.
"""

from __future__ import annotations

import email
import re
import sys
from collections.abc import Iterator, Sequence
from email.message import Message

import courier.config
from pythonfilter import _archives, _names

DEFAULT_PATTERN = r"^.*\.(scr|exe|com|bat|pif|lnk|sys|mid|vb|js|ws|shs|ceo|cmd|cpl|hta|vbs)$"

REFUSAL = "554 5.7.1 The message has an attachment of a kind that is not accepted here"
TOO_MUCH = "554 5.7.1 The message has an attached archive that is too large to be looked into"

blocked_pattern = re.compile(DEFAULT_PATTERN, re.IGNORECASE)


def init_filter() -> None:
    """Reads the setting.

    Raises:
        SettingError, re.error, TypeError: blocked_pattern is no regular expression.
    """
    global blocked_pattern
    settings = courier.config.get_module_config("attachments.py")
    blocked_pattern = re.compile(settings.get("blocked_pattern", DEFAULT_PATTERN), re.IGNORECASE)
    sys.stderr.write("Initialized filter attachments\n")


def do_filter(body_path: str, control_paths: Sequence[str]) -> str:
    """Decides by the names of the attachments.

    Args:
        body_path: the message.
        control_paths: its control files, not looked at.

    Returns:
        A 554 reply when a name is blocked, an archive is too large, or the message is nested too deeply to be parsed; a
        451 reply when it cannot be read; else ''.
    """
    try:
        with open(body_path, "rb") as file:
            message = email.message_from_binary_file(file)
    except OSError as error:
        return f"451 4.3.0 The message cannot be read: {error.strerror}"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return f"554 5.6.0 The message cannot be parsed: {type(error).__name__}"
    budget = _archives.Budget()
    try:
        names = (name for part in _leaves(message) for name in _names_in(part, budget))
        return REFUSAL if any(map(_is_blocked, names)) else ""
    except _archives.TooMuch:
        return TOO_MUCH


def _leaves(message: Message) -> Iterator[Message]:
    """All parts, in order, but multipart containers. Unlike Message.walk() it does not recurse."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        payload = part.get_payload() if part.is_multipart() else None
        if isinstance(payload, list):
            waiting += reversed(payload)
        if payload is None or part.get_content_maintype() != "multipart":
            yield part


def _names_in(part: Message, budget: _archives.Budget) -> Iterator[str]:
    yield from _names.of(part)
    if not part.is_multipart():
        yield from _archives.entries(_content(part), budget)


def _content(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError):  # broken uuencode, for one
        return b""
    return content if isinstance(content, bytes) else b""


def _is_blocked(name: str) -> bool:
    # Windows drops dots and blanks at the end of a name; line breaks come from folded headers.
    name = " ".join(name.split())
    return any(blocked_pattern.match(spelling) for spelling in (name, name.rstrip(". ")))
