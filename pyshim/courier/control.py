"""The envelope of a message: who sent it, from where, and to whom.

Filters call these functions with the control paths that do_filter() was given. Every call tells what the files hold
at that moment, so it sees what the filters before it changed. Files are only ever appended to; values that would end a
record early are refused. Letters in the texts below are Courier's record letters. The work is done in courier._native.

In every function, control_paths is a list or tuple of paths: str, bytes, or os.PathLike. A file is read as Courier
reads it: LF ends a record, CR is a blank, a NUL hides what follows; no content is an error. Any thread may call, and a
child of fork(). In the examples the message is from alice@example.com to bob@example.net.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from os import PathLike
from typing import Any, Union

from courier import _native, _received

__all__ = [
    "addRecipient",
    "addRecipientData",
    "add_recipient",
    "add_recipient_data",
    "delRecipient",
    "delRecipientData",
    "del_recipient",
    "del_recipient_data",
    "getAuthUser",
    "getControlData",
    "getLines",
    "getRecipients",
    "getRecipientsData",
    "getSender",
    "getSendersIP",
    "getSendersMta",
    "get_auth_user",
    "get_control_data",
    "get_lines",
    "get_recipients",
    "get_recipients_data",
    "get_sender",
    "get_senders_ip",
    "get_senders_mta",
    "try_decode",
]

Path = Union[str, bytes, "PathLike[str]", "PathLike[bytes]"]
ControlPaths = Sequence[Path]


def try_decode(value: bytes) -> str:
    """Decodes the bytes of a record for people and for comparing.

    Args:
        value: the bytes; ASCII white space at both ends is cut off.

    Returns:
        The text. Bytes that are not UTF-8 come percent-encoded after "(malformed utf8):"; add_recipient() turns them
        back.

    >>> try_decode(b" bob@example.net\\n")
    'bob@example.net'
    >>> try_decode(b"t\\xebst@example.net")
    '(malformed utf8):t%EBst@example.net'
    """
    return _native.try_decode(value)


def get_lines(control_paths: ControlPaths, key: str, max_lines: int = 0) -> list[str]:
    """Returns the values of all records of one kind.

    Args:
        control_paths: the control files, read in this order.
        key: the record's letter.
        max_lines: how many values are wanted, over all files; 0 for all.

    Returns:
        The values as text, in the order in which they stand.

    Raises:
        OSError: a file cannot be read.
        UnicodeEncodeError: the key is not ASCII.

    >>> get_lines(control_paths, "r")
    ['bob@example.net']
    """
    return _native.get_lines(control_paths, key.encode("ascii"), max_lines)


def _first_line(control_paths: ControlPaths, key: str) -> str | None:
    lines = get_lines(control_paths, key, 1)
    return lines[0] if lines else None


def get_senders_mta(control_paths: ControlPaths) -> str | None:
    """Returns which server handed the message over (f), such as "dns; helo (name [address])".

    Returns:
        The text of the first record, or None without such a record.

    Raises:
        OSError: a file cannot be read.

    >>> get_senders_mta(control_paths)
    'dns; client.example.com (client.example.com [192.0.2.1])'
    """
    return _first_line(control_paths, "f")


def get_senders_ip(control_paths: ControlPaths) -> str | None:
    """Returns the address of the SMTP client (O, TCPREMOTEIP).

    Returns:
        An IPv4 address with dots, also for a mapped one; an IPv6 address in its short form; None without such a record.

    Raises:
        OSError: a file cannot be read.
        ValueError: the record holds no address.

    >>> get_senders_ip(control_paths)
    '192.0.2.1'
    """
    name = "TCPREMOTEIP="
    for setting in get_lines(control_paths, "O"):
        if setting.startswith(name):
            address = ipaddress.ip_address(setting[len(name):])
            mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
            return str(mapped or address)
    return None


def get_sender(control_paths: ControlPaths) -> str | None:
    """Returns the envelope sender (s).

    Returns:
        The address, '' for the null sender, None without such a record. It is what the client said, and proves nothing.

    Raises:
        OSError: a file cannot be read.

    >>> get_sender(control_paths)
    'alice@example.com'
    """
    return _first_line(control_paths, "s")


def get_auth_user(
    control_paths: ControlPaths, body_path: Path | None = None, *, body_file: Path | None = None
) -> str | None:
    """Returns the name under which the client logged in by SMTP AUTH (i).

    The record can be trusted: Courier writes it, and only after a login. So can the header, within limits: only the
    topmost Received header is looked at, and only when its id is this message's (M), it has Courier's form, and it says
    that the client had logged in. A header that the sender wrote stands below and does not count. But a filter that
    removes Courier's own header lets the sender's next one rise, protected by no more than the id.

    Args:
        control_paths: the control files.
        body_path: the message. When there is no record, its topmost Received header (AUTH) is asked.
        body_file: the same, under its older name.

    Returns:
        The name, '' when the record is empty, None when the client did not log in or nothing certain says so.

    Raises:
        OSError: a file cannot be read.

    >>> get_auth_user(control_paths) is None
    True
    """
    user = _first_line(control_paths, "i")
    message_path = body_file if body_path is None else body_path
    if user is not None or message_path is None:
        return user
    ids = {text.encode() for text in get_lines(control_paths, "M") if text}
    with open(message_path, "rb") as message:
        found = _received.auth_user(message, ids)
    return None if found is None else try_decode(found)


def get_recipients(control_paths: ControlPaths) -> list[str]:
    """Returns the addresses (r) of all recipients that are not done (S, F).

    Returns:
        A new list, all files in order. Members of an alias are in it, the alias itself is not.

    Raises:
        OSError: a file cannot be read.

    >>> get_recipients(control_paths)
    ['bob@example.net']
    """
    return _native.get_recipients(control_paths)


def get_recipients_data(control_paths: ControlPaths) -> list[list[str]]:
    """Returns all recipients that are not done (S, F).

    Returns:
        For each a new list of address (r), original recipient (R) and DSN flags (N: letters of NSFD).

    Raises:
        OSError: a file cannot be read.

    >>> get_recipients_data(control_paths)
    [['bob@example.net', 'Bob@example.net', 'FD']]
    """
    return _native.get_recipients_data(control_paths)


def get_control_data(control_paths: ControlPaths) -> dict[str, Any]:
    """Returns what is known about the envelope, by record letter.

    Returns:
        A new dict with all of these keys. All but r come from the first file, where the last record of a kind wins.

        - s sender, f sending server, U security: text, '' when absent
        - e envelope id, M message id, i login name, t what a DSN returns, v virtual host, X reason of a cancellation,
          u source: text, None when absent
        - E expiry, p expiry of a fax, W warning: unix time as digits, None when absent
        - w warned, 8 8-bit body, m 8-bit header, V VERP, T no backscatter: bool
        - r: as get_recipients_data(), from all files

    Raises:
        IndexError: there are no control paths.
        OSError: a file cannot be read.

    >>> data = get_control_data(control_paths)
    >>> data["s"], data["e"], data["v"], data["T"]
    ('alice@example.com', '', None, True)
    """
    return _native.get_control_data(control_paths)


def add_recipient(control_paths: ControlPaths, recipient: str) -> None:
    """Adds a recipient (r) to the last control file, with empty original recipient (R) and DSN flags (N).

    Args:
        control_paths: the control files.
        recipient: the address. Courier delivers to it as it is: aliases are not looked up any more.

    Raises:
        IndexError: there are no control paths.
        OSError: the last file cannot be appended to.
        ValueError: the address is empty or holds LF, CR or NUL.

    >>> add_recipient(control_paths, "carol@example.net")
    >>> get_recipients(control_paths)
    ['bob@example.net', 'carol@example.net']
    """
    add_recipient_data(control_paths, [recipient, "", ""])


def add_recipient_data(control_paths: ControlPaths, recipient_data: Sequence[str]) -> None:
    """Adds a recipient to the last control file, in one write of whole records.

    Args:
        control_paths: the control files.
        recipient_data: address (r), original recipient (R), DSN flags (N), a list or tuple. A text that try_decode()
            marked as malformed is written as the bytes that it stands for.

    Raises:
        IndexError: there are no control paths.
        OSError: the last file cannot be appended to.
        TypeError: a value is not a str.
        ValueError: not three values, an empty address, or LF, CR or NUL in a value.

    >>> add_recipient_data(control_paths, ["carol@example.net", "", "N"])
    >>> get_recipients_data(control_paths)[1:]
    [['carol@example.net', '', 'N']]
    """
    if len(recipient_data) != 3:
        raise ValueError("recipient_data must be three values: address, original recipient, DSN flags")
    address, original, dsn = recipient_data
    _native.append_recipient(control_paths[-1], address, original, dsn)


def del_recipient(control_paths: ControlPaths, recipient: str) -> None:
    """Marks the first open recipient with this address (r) done (I, S): nothing is delivered, nobody is told.

    At most one recipient is removed, and an address that is not there is no error. A message whose recipients are all
    removed is accepted, and gone.

    Args:
        control_paths: the control files.
        recipient: the address; upper and lower case differ.

    Raises:
        OSError: a file cannot be read or appended to.

    >>> del_recipient(control_paths, "bob@example.net")
    >>> get_recipients(control_paths)
    []
    """
    for path in control_paths:
        for index, data in _native.open_recipients(path):
            if data[0] == recipient:
                _mark_complete(path, index)
                return


def del_recipient_data(control_paths: ControlPaths, recipient_data: list[str]) -> None:
    """Marks the first open recipient done (I, S) that has this address (r), original recipient (R) and DSN flags (N).

    Args:
        control_paths: the control files.
        recipient_data: one of the lists of get_recipients_data(). A tuple is equal to none of them.

    Raises:
        OSError: a file cannot be read or appended to.
        ValueError: not three values.

    >>> del_recipient_data(control_paths, ["bob@example.net", "", ""])
    >>> get_recipients(control_paths)
    ['bob@example.net']
    """
    if len(recipient_data) != 3:
        raise ValueError("recipient_data must be three values: address, original recipient, DSN flags")
    for path in control_paths:
        for index, data in _native.open_recipients(path):
            if data == recipient_data:
                _mark_complete(path, index)
                return


def _get_recipients_from_file(path: Path) -> list[tuple[int, list[str]]]:
    """Returns the open recipients of one file, each with its number: what _mark_complete() takes."""
    return _native.open_recipients(path)


def _mark_complete(path: Path, index: int) -> None:
    """Appends the records (I, S) that make recipient `index` of one file done."""
    _native.mark_done(path, index, int(time.time()))


# Names of older filters.
getLines = get_lines
getSendersMta = get_senders_mta
getSendersIP = get_senders_ip
getSender = get_sender
getRecipients = get_recipients
getRecipientsData = get_recipients_data
getControlData = get_control_data
addRecipient = add_recipient
addRecipientData = add_recipient_data
delRecipient = del_recipient
delRecipientData = del_recipient_data
getAuthUser = get_auth_user
