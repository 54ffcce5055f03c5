"""Filter: logs which original recipient became which address, for each alias. Never decides anything."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import courier.control


def init_filter() -> None:
    """Says that the filter is ready."""
    sys.stderr.write("Initialized filter log_aliases\n")


def do_filter(body_path: str, control_paths: Sequence[str]) -> str:
    """Writes a line for each open recipient that has an original recipient.

    Args:
        body_path: the message, not looked at.
        control_paths: its control files.

    Returns:
        ''.

    Raises:
        OSError: a control file cannot be read.
    """
    for address, original, _ in courier.control.get_recipients_data(control_paths):
        if original:
            original = original.removeprefix("rfc822;")
            sys.stderr.write(f"log_aliases: address <{address}>, original recipient <{original}>\n")
    return ""
