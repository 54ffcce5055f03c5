"""What filters hold from message to message: growth without end costs a worker, what is opened once and kept does not.

Descriptors and threads.
"""
from __future__ import annotations

import re

import pytest
from support.script_filter import script, script_filter
from support.server import Server

ACCEPTED = b"200 Ok\n"
ONE_WORKER = "pools: {default: {workers: 1}}\n"

LEAKS = {
    "open descriptors": "import os\nos.dup(0)",
    "threads": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
}


# Threads are counted by the full look, which a worker under load takes once in a hundred messages.
AT_MOST = {"open descriptors": 70, "threads": 64 + 100}


@pytest.mark.parametrize("what", LEAKS)
def test_a_leak_ends_the_worker_before_it_does_harm(what: str) -> None:
    filters = {name: script_filter(name) for name in ("tight", "leaky")}
    with Server(filters=filters, config=ONE_WORKER) as running:
        [first] = running.worker_pids()
        bodies = [script(LEAKS[what], only="leaky"), script("import os\nreply = '250 next'", only="tight")] * 150
        assert [running.ask(body) for body in bodies] == [ACCEPTED, b"250 next\n"] * 150
        line = running.wait_for_log(f"filters leave more and more {what}")
        grown = re.search(r"\((\d+) more than at the start\), most of them: filter leaky", line)
        assert grown and 64 <= int(grown[1]) <= AT_MOST[what]
        assert running.worker_pids() != [first]
        ends = [line for line in running.log_lines() if re.search("worker default/1 ended|filter leaky: ", line)]
        assert len(ends) == 1


def test_what_is_opened_once_and_kept_is_no_leak() -> None:
    source = """\
        import os, socket, concurrent.futures
        pool = None
        calls = 0
        def do_filter(body_path, control_paths):
            global pool, processes, kept, calls
            calls += 1
            if calls <= 60:
                return ''
            if pool is None:
                pool = concurrent.futures.ThreadPoolExecutor(32)
                processes = concurrent.futures.ProcessPoolExecutor(2)
                kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(100)]
            list(pool.map(abs, range(64)))
            return f'250 {sum(processes.map(abs, [-1, -2]))} {len(os.listdir("/proc/self/fd")) > 100}'
        """
    with Server(filters={"pools": source}, config=ONE_WORKER) as running:
        before = running.worker_pids()
        assert [running.ask() for _ in range(60)] == [ACCEPTED] * 60
        assert [running.ask() for _ in range(120)] == [b"250 3 True\n"] * 120
        assert running.worker_pids()[:1] == before[:1]
        assert not [line for line in running.log_lines() if re.search("put back|more and more|ended", line)]
