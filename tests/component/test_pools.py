"""Pools: which workers a pool has, when one is replaced, and what it may use.

Every message brings the Python text that the filter runs. Must never measure how long something takes.
"""
from __future__ import annotations

import re
from pathlib import Path

from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.wait import wait_until

WHO = script("import os\nreply = f'550 {os.getpid()}'")


def test_a_worker_that_must_serve_no_further_message_is_replaced() -> None:
    text = """\
        import resource, threading, time
        def later():  # between two messages: what a filter changes in its message is put back
            time.sleep(0.2)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        threading.Thread(target=later).start()
        """
    with Server(filters={"script": SCRIPT_FILTER}, config="pools: {default: {workers: 1}}\n") as server:
        first = server.ask(WHO)
        server.ask(script(text))
        limits = Path(f"/proc/{int(first.split()[1])}/limits")
        wait_until("the limit", lambda: re.search(r"Max open files +3 ", limits.read_text()))
        assert server.ask(WHO).startswith(b"451 ")  # its files cannot be opened: so the worker notices
        server.wait_for_log(r"worker default/1 is replaced: no free descriptors, a filter leaks them")
        second = server.ask(WHO)
        assert second.startswith(b"550 ") and second != first
