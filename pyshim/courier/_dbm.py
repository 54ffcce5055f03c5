"""Courier's .dat files: opens one, looks up, closes it again.

For courier.config only. A missing file is silent. A database that cannot be read is one line on stderr, once for each
file and reason; that python3-gdbm is missing is said once for all, as then every lookup would say "no", and hosted
domains and aliases would not be seen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_told: set[str] = set()


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """Opens a database read-only for a with block.

    Args:
        path: the file, under exactly this name.

    Returns:
        An object with get(bytes) -> bytes or None; None when there is no such file or it cannot be read.
    """
    database = _open(path) if os.path.exists(path) else None
    try:
        yield database
    finally:
        if database is not None:
            database.close()


def _open(path: str) -> Any:
    import dbm  # costs a millisecond, and many sites never look anything up

    try:
        return dbm.open(path, "r")
    except dbm.error as error:  # a tuple, with OSError in it
        if dbm.whichdb(path) == "dbm.gnu" and not _has_gdbm():
            _tell("python3-gdbm", f"cannot read {path}: Python cannot read GDBM files. Install the package "
                  "python3-gdbm; until then all lookups of hosted domains, aliases and smtpaccess say no")
        else:
            _tell(f"{path}: {error}", f"cannot read {path}: {error}")
    return None


def _has_gdbm() -> bool:
    try:
        import dbm.gnu  # noqa: F401
    except ImportError:
        return False
    return True


def _tell(subject: str, text: str) -> None:
    if subject not in _told:
        _told.add(subject)
        sys.stderr.write(f"WARN: courier.config: {text}\n")
