"""The envelope of a message: who sent it, from where, and to whom.

Filters call these functions with the control paths that do_filter() was given. Nothing is remembered: every call reads
the files again, so it sees what the filters before it changed. Files are only ever appended to; values that would end a
record early are refused. Letters in the texts below are Courier's record letters. The work is done in courier._native.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from os import PathLike
from typing import Any, Union

from courier import _native

ControlPaths = Sequence[Union[str, bytes, "PathLike[str]", "PathLike[bytes]"]]

_TEXT_IF_PRESENT = "eMitEpWvXu"
_TEXT = "sfU"
_FLAGS = "w8mVT"


def try_decode(value: bytes) -> str:
    """Decodes the bytes of a record for people and for comparing.

    Args:
        value: the bytes; ASCII white space at both ends is cut off.

    Returns:
        The text. Bytes that are not UTF-8 come percent-encoded after "(malformed utf8):".
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
    """
    return _native.get_lines(control_paths, key.encode("ascii"), max_lines)


def _first_line(control_paths: ControlPaths, key: str) -> str | None:
    lines = get_lines(control_paths, key, 1)
    return lines[0] if lines else None


def get_senders_mta(control_paths: ControlPaths) -> str | None:
    """Returns which server handed the message over (f), such as "dns; helo (name [address])".

    Returns:
        The text, or None without such a record.

    Raises:
        OSError: a file cannot be read.
    """
    return _first_line(control_paths, "f")


def get_senders_ip(control_paths: ControlPaths) -> str | None:
    """Returns the address of the SMTP client (O, TCPREMOTEIP).

    Returns:
        An IPv4 address with dots, also for a mapped one; an IPv6 address in its short form; None without such a record.

    Raises:
        OSError: a file cannot be read.
        ValueError: the record holds no address.
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
        The address, '' for the null sender, None without such a record.

    Raises:
        OSError: a file cannot be read.
    """
    return _first_line(control_paths, "s")


def get_auth_user(
    control_paths: ControlPaths, body_path: object = None, *, body_file: object = None
) -> str | None:
    """Returns the name under which the client logged in (i).

    Args:
        control_paths: the control files.
        body_path: accepted for old filters, not used.
        body_file: the same under its other name.

    Returns:
        The name, '' when the record is empty, None without such a record.

    Raises:
        OSError: a file cannot be read.
    """
    return _first_line(control_paths, "i")


def get_recipients(control_paths: ControlPaths) -> list[str]:
    """Returns the addresses (r) of all recipients that are not done.

    Raises:
        OSError: a file cannot be read.
    """
    return _native.get_recipients(control_paths)


def get_recipients_data(control_paths: ControlPaths) -> list[list[str]]:
    """Returns all recipients that are not done.

    Returns:
        For each a list of address (r), original recipient (R) and DSN flags (N).

    Raises:
        OSError: a file cannot be read.
    """
    return _native.get_recipients_data(control_paths)


def get_control_data(control_paths: ControlPaths) -> dict[str, Any]:
    """Returns what is known about the envelope, by record letter.

    Returns:
        s, f, U: text, '' when absent. e, M, i, t, E, p, W, v, X, u: text, None when absent. w, 8, m, V, T: bool. They
        come from the first file, the last record of a kind wins. r: as get_recipients_data(), from all files.

    Raises:
        IndexError: there are no control paths.
        OSError: a file cannot be read.
    """
    found = _native.get_scalars(control_paths[0], _TEXT + _TEXT_IF_PRESENT + _FLAGS)
    data: dict[str, Any] = {letter: found.get(letter, "") for letter in _TEXT}
    data.update((letter, found.get(letter)) for letter in _TEXT_IF_PRESENT)
    data.update((letter, letter in found) for letter in _FLAGS)
    data["r"] = get_recipients_data(control_paths)
    return data


def add_recipient(control_paths: ControlPaths, recipient: str) -> None:
    """Adds a recipient (r), without original recipient and DSN flags.

    Raises:
        OSError: the last file cannot be appended to.
        ValueError: the address is empty or holds LF, CR or NUL.
    """
    add_recipient_data(control_paths, [recipient, "", ""])


def add_recipient_data(control_paths: ControlPaths, recipient_data: Sequence[str]) -> None:
    """Adds a recipient to the last control file.

    Args:
        control_paths: the control files.
        recipient_data: address (r), original recipient (R), DSN flags (N). A text that try_decode() marked as malformed
            is written as the bytes that it stands for.

    Raises:
        IndexError: there are no control paths.
        OSError: the last file cannot be appended to.
        ValueError: not three values, an empty address, or LF, CR or NUL in a value.
    """
    if len(recipient_data) != 3:
        raise ValueError("recipient_data must be three values: address, original recipient, DSN flags")
    address, original, dsn = recipient_data
    _native.append_recipient(control_paths[-1], address, original, dsn)


def del_recipient(control_paths: ControlPaths, recipient: str) -> None:
    """Marks the first open recipient with this address (r) done: nothing is delivered, nobody is told.

    An address that is not there is no error. Callers should log what they remove.

    Raises:
        OSError: a file cannot be read or appended to.
    """
    for path in control_paths:
        for index, data in _native.open_recipients(path):
            if data[0] == recipient:
                _mark_complete(path, index)
                return


def del_recipient_data(control_paths: ControlPaths, recipient_data: list[str]) -> None:
    """Marks the first open recipient done that is equal in address (r), original recipient (R) and DSN flags (N).

    Raises:
        OSError: a file cannot be read or appended to.
        ValueError: not three values.
    """
    if len(recipient_data) != 3:
        raise ValueError("recipient_data must be three values: address, original recipient, DSN flags")
    for path in control_paths:
        for index, data in _native.open_recipients(path):
            if data == recipient_data:
                _mark_complete(path, index)
                return


def _get_recipients_from_file(path: str) -> list[tuple[int, list[str]]]:
    """Returns the open recipients of one file, each with its number: what _mark_complete() takes."""
    return _native.open_recipients(path)


def _mark_complete(path: str | bytes | PathLike[str] | PathLike[bytes], index: int) -> None:
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
