"""Waiting for an event with a deadline, for tests of every kind.

Used instead of time.sleep(): a test states what it waits for and how long that may take at most. Must never be used to
prove that something does not happen: wait for a later event that shows it instead.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.01


def wait_until(what: str, probe: Callable[[], T], timeout: float = 10.0) -> T:
    """Calls `probe` until what it returns is true.

    Args:
        what: The event, for the message when it does not come.
        probe: Looks once, without blocking.
        timeout: Seconds until the event is given up.

    Returns:
        The first true value of `probe`.

    Raises:
        TimeoutError: `probe` stayed false.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"after {timeout:g} s still waiting for {what}; last seen: {value!r}")
        time.sleep(POLL_SECONDS)
