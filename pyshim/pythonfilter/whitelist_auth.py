"""Filter: accepts mail from clients that logged in, so that the filters after it are not asked.

It believes Courier's record of the login and looks at nothing else. Filters that are meant for users' mail belong
before it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import courier.control


def init_filter() -> None:
    """Says that the filter is ready."""
    sys.stderr.write("Initialized filter whitelist_auth\n")


def do_filter(body_path: str, control_paths: Sequence[str]) -> str:
    """Decides by the login.

    Args:
        body_path: the message, not looked at.
        control_paths: its control files.

    Returns:
        "200 Ok" when the client logged in, else ''.

    Raises:
        OSError: a control file cannot be read.
    """
    return "200 Ok" if courier.control.get_auth_user(control_paths) else ""
