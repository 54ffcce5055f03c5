"""Filter: tells on stderr which process was asked about which files. Never decides anything.

For finding out why a filter cannot read a message: user, groups and the files' owners and modes are all there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def init_filter() -> None:
    """Says that the filter is ready."""
    sys.stderr.write("Initialized filter debug\n")


def do_filter(body_path: str, control_paths: Sequence[str]) -> str:
    """Writes what it sees.

    Args:
        body_path: the message.
        control_paths: its control files.

    Returns:
        ''.

    Raises:
        OSError: one of the files is not there.
    """
    lines = [
        "debug: filtering a message",
        f"PID: {os.getpid()}",
        f"CWD: {os.getcwd()}",
        f"EUID: {os.geteuid()}",
        f"EGID: {os.getegid()}",
        f"UID: {os.getuid()}",
        f"GID: {os.getgid()}",
        f"Additional groups: {os.getgroups()}",
        _described("Body", body_path),
        *(_described("Control", path) for path in control_paths),
    ]
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return ""


def _described(kind: str, path: str) -> str:
    return f"{kind} path: {path}, stat: {os.stat(path)}"
