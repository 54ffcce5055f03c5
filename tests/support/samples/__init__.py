"""Sample messages for tests of every kind: small, written for this project, line ends LF.

`clean` passes every filter; `exe-attachment` carries what a filter for attachments refuses; `crash-please` has the
header `X-Crash: please`, at which the filter crash_on_request crashes. Must hold no mail of real people.
"""
from __future__ import annotations

from pathlib import Path


def sample(name: str) -> bytes:
    """The message `name`, without its ".eml"."""
    return Path(__file__).with_name(f"{name}.eml").read_bytes()
