"""limits.children, limits.threads and limits.cpu: what a filter starts is counted while its message runs, and ended.

The bombs (support/bombs.py) are bounded. Must never leave a process behind.
"""
from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from support import bombs
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.wait import wait_until

pytestmark = pytest.mark.alone  # bombs: a server took ten seconds to start beside them
DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"
CHILDREN = r"filter script: crash: more than 128 processes below its worker \(limits.children\) .*; policy defer; "
LEFT = r"worker default/\d ended: more than 128 processes below its worker \(limits.children\)"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"script": SCRIPT_FILTER}, config="pools: {default: {workers: 2, timeout: 30s}}\n") as running:
        yield running


def shape(server: Server) -> tuple[int, int]:
    return len(server.processes()), len(server.worker_pids())


BOMBS = {"fork": bombs.FORK, "daemons": bombs.DAEMONS, "fork in C": bombs.FORK_IN_C}


@pytest.mark.parametrize("name", BOMBS)
def test_a_fork_bomb_ends_with_its_worker(server: Server, name: str) -> None:
    assert server.ask(script("reply = '200 before'")) == b"200 before\n"
    before, after, began = shape(server), len(server.log_lines()), time.monotonic()
    assert server.ask(script(BOMBS[name] + "bomb()"), timeout=30) == DEFERRED
    took = time.monotonic() - began
    server.wait_for_log(CHILDREN, after=after)
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    wait_until("all of them to be gone", lambda: shape(server) == before, 30)
    print(f"{name}: {took:.2f} s")
    assert took < 20


@pytest.mark.parametrize("name", BOMBS)
def test_a_fork_bomb_that_is_left_behind_ends_too(server: Server, name: str) -> None:
    """The filter returns at once, and its message has its verdict."""
    before, after = shape(server), len(server.log_lines())
    text = BOMBS[name] + "if os.fork() == 0:\n    os.setsid()\n    child()\n    bomb()\nreply = '200 returned'"
    assert server.ask(script(text)) == b"200 returned\n"
    server.wait_for_log(LEFT, after=after, timeout=30)
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    wait_until("all of them to be gone", lambda: shape(server) == before, 30)


def test_a_worker_that_lies_about_what_is_left_is_looked_at_all_the_same(server: Server) -> None:
    before, after = shape(server), len(server.log_lines())
    lie = """
import ctypes
line = [line for line in open("/proc/self/maps") if "pythonfilter-scoreboard" in line][0]
mmap = ctypes.CDLL(None).mmap
mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
mmap(int(line.split("-")[0], 16), 4096, 3, 0x32, -1, 0)  # what the worker writes there, nobody reads
if os.fork() == 0:
    child()
    bomb()
reply = '200 returned'
"""
    assert server.ask(script(bombs.FORK + lie)) == b"200 returned\n"
    server.wait_for_log(LEFT, after=after, timeout=30)
    wait_until("all of them to be gone", lambda: shape(server) == before, 30)


def test_no_more_than_a_quarter_too_many_are_ever_made(server: Server) -> None:
    made = server.base / "made"
    made.touch(mode=0o666)
    made.chmod(0o666)
    text = f'''
made = os.open({str(made)!r}, os.O_WRONLY | os.O_APPEND)
while take():
    if os.fork() == 0:
        child()
    else:
        os.write(made, b"x")
rest()
'''
    assert server.ask(script(bombs.TAKE + text), timeout=30) == DEFERRED
    assert 100 < made.stat().st_size <= 128 + 128 // 4


def test_without_a_sandbox_looks_end_a_fork_bomb() -> None:
    config = "pools: {default: {workers: 1, timeout: 30s, sandbox: off}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as running:
        before = shape(running)
        assert running.ask(script(bombs.DAEMONS + "bomb()"), timeout=30) == DEFERRED
        running.wait_for_log(CHILDREN)
        wait_until("all of them to be gone", lambda: shape(running) == before, 30)


def test_many_processes_stand_back_and_their_worker_does_not(server: Server) -> None:
    assert server.ask(script('''\
        import os, subprocess, time
        children = [subprocess.Popen(['sleep', '1000']) for _ in range(20)]
        end = time.monotonic() + 10
        values = {0}
        while values != {19} and time.monotonic() < end:
            values = {os.getpriority(os.PRIO_PROCESS, child.pid) for child in children}
        for child in children: child.kill()
        for child in children: child.wait()
        reply = f'200 {values} {os.getpriority(os.PRIO_PROCESS, 0)}'
        ''')) == b"200 {19} 0\n"


def test_a_thread_bomb_ends_with_its_worker(server: Server) -> None:
    after = len(server.log_lines())
    assert server.ask(script(bombs.THREADS + "bomb()"), timeout=30) == DEFERRED
    server.wait_for_log(r"filter script: crash: more than 512 threads \(limits.threads\) .*; policy defer", after=after)
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"


def test_what_an_honest_filter_starts_is_not_in_the_way(server: Server) -> None:
    before = server.worker_pids()
    assert server.ask(script("""\
        import os, subprocess, time
        from concurrent.futures import ThreadPoolExecutor
        children = [subprocess.Popen(['sleep', '0.5']) for _ in range(64)]
        with ThreadPoolExecutor(64) as pool: list(pool.map(time.sleep, [0.3] * 64))
        reply = f'200 {sum(child.wait() for child in children)}'
        """)) == b"200 0\n"
    assert server.worker_pids() == before


def test_the_processes_of_init_filter_are_not_counted() -> None:
    source = SCRIPT_FILTER + """
    import subprocess
    def init_filter():
        global helpers
        helpers = [subprocess.Popen(['sleep', '1000']) for _ in range(4)]
    """
    config = "pools: {default: {workers: 1, limits: {children: 2}}}\n"
    with Server(filters={"script": source}, config=config) as running:
        before = running.worker_pids()
        start = "import subprocess\nfor _ in range({}): subprocess.Popen(['sleep', '1'])\nimport time\ntime.sleep(0.5)"
        assert running.ask(script(start.format(2))) == b"200 Ok\n"
        assert running.worker_pids() == before
        wait_until("them to end", lambda: len(running.processes()) == 3 + 1 + 4)
        assert running.ask(script(start.format(3))) == DEFERRED
        running.wait_for_log("crash: more than 2 processes below its worker")


def test_none_at_all() -> None:
    config = "pools: {default: {workers: 1, limits: {children: 0}}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as running:
        assert running.ask(script("import time\ntime.sleep(0.2)\nreply = '200 alone'")) == b"200 alone\n"
        assert running.ask(script("import os\nos.system('sleep 5')")) == DEFERRED


# --- CPU time ---------------------------------------------------------------------------------------------------------

BURNERS = {
    "the filter": "while True: pass",
    "a thread": "import threading\ndef burn():\n    while True: pass\n"
                "t = threading.Thread(target=burn)\nt.start()\nt.join()",
    "threads in C": "import hashlib, threading, time\ndef burn():\n"
                    "    while True: hashlib.pbkdf2_hmac('sha256', b'', b'', 10**5)\n"
                    "for _ in range(4): threading.Thread(target=burn, daemon=True).start()\ntime.sleep(60)",
    "a child": "import os\nos.system('while :; do :; done')",
    "a daemon": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
                "        while True: pass\n    os._exit(0)\nos.wait()\ntime.sleep(60)",
    "children that end": "import os\nwhile True: os.system('i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done')",
}


@pytest.fixture(scope="module")
def thrifty() -> Iterator[Server]:
    config = "pools: {default: {workers: 1, timeout: 30s, slow_after: 0s, limits: {cpu: 500ms}}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as running:
        yield running


@pytest.mark.parametrize("text", BURNERS.values(), ids=BURNERS)
def test_the_cpu_time_of_a_message_is_limited(thrifty: Server, text: str) -> None:
    after = len(thrifty.log_lines())
    assert thrifty.ask(script(text), timeout=25) == DEFERRED
    thrifty.wait_for_log(r"filter script: timeout: more than 500ms of CPU time \(limits.cpu\) .*; policy", after=after)
    assert thrifty.ask(script("reply = '200 next'")) == b"200 next\n"
    wait_until("nothing to be left", lambda: len(thrifty.processes()) == 4)


def test_the_log_shows_where_the_time_went(thrifty: Server) -> None:
    after = len(thrifty.log_lines())
    thrifty.ask(script("def burn():\n    while True: pass\nburn()"), timeout=25)
    thrifty.wait_for_log(r'WARN: \[default/\d [0-9A-F.]+\]   File "message", line 2 in burn', after=after)


def test_waiting_costs_no_cpu_time_and_each_message_has_its_own(thrifty: Server) -> None:
    before = thrifty.worker_pids()
    assert thrifty.ask(script("import time\ntime.sleep(1.5)\nreply = '200 waited'")) == b"200 waited\n"
    burn = "import time\nend = time.thread_time() + 0.3\nwhile time.thread_time() < end: pass\nreply = '200 burnt'"
    for _ in range(4):
        assert thrifty.ask(script(burn)) == b"200 burnt\n"
    assert thrifty.worker_pids() == before
