"""Pools: which workers a pool has, when one is replaced, and what it may use.

Every message brings the Python text that the filter runs. Must never measure how long something takes.
"""
from __future__ import annotations

from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.spool import records

WHO = script("import os\nreply = f'550 {os.getpid()}'")


def test_a_worker_that_must_serve_no_further_message_is_replaced() -> None:
    text = "import os, builtins\nbuiltins.kept = []\n" \
           "try:\n    while True: builtins.kept.append(os.open('/dev/null', 0))\n" \
           "except OSError: pass\n"
    with Server(filters={"script": SCRIPT_FILTER}, config="pools: {default: {workers: 1}}\n") as server:
        first = server.ask(WHO)
        server.ask(script(text))
        many = [records(recipients=[f"r{number}@example.net"]) for number in range(8)]
        assert server.ask(WHO, many).startswith(b"451 ")  # its files cannot be opened: so the worker notices
        server.wait_for_log(r"worker default/1 is replaced: no free descriptors, a filter leaks them")
        second = server.ask(WHO)
        assert second.startswith(b"550 ") and second != first
