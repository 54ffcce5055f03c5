"""Asks the installed Courier about itself: courier-config for its directories, courier --version for its version.

For courier.config only. Both commands get a time limit; one that is missing or slow leaves the built-in values.
"""

from __future__ import annotations

import subprocess

TIME_LIMIT_SECONDS = 5.0

_NAMES = frozenset((
    "prefix", "exec_prefix", "bindir", "sbindir", "libexecdir", "sysconfdir", "datadir", "localstatedir",
    "mailuser", "mailgroup", "mailuid", "mailgid",
))


def _output_of(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIME_LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "surrogateescape")


def directories() -> dict[str, str]:
    """Returns what courier-config says: the names of courier.config that it knows, with their values."""
    found = {}
    for line in _output_of(["courier-config"]).splitlines():
        name, equals, value = line.partition("=")
        if equals and name in _NAMES:
            found[name] = value.strip()
    return found


def courier_version(sbindir: str) -> str:
    """Returns the version of the installed Courier, such as "1.0.16", or "unknown"."""
    words = _output_of([f"{sbindir}/courier", "--version"]).partition("\n")[0].split(" ")
    return words[1].strip() if len(words) > 1 and words[0] == "Courier" else "unknown"
