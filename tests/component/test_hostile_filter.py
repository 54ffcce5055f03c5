"""A filter that means harm, within the rights of its user: forged frames, a scribbled scoreboard, floods, signals.

The server must go on, keep its memory, answer other clients at once, and give no message the verdict of another.
"""
from __future__ import annotations

import os
import re
import signal
import textwrap
import threading
import time
from collections.abc import Iterator

import pytest
from support import processes
from support.hostile import FORGE
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.wait import wait_until

DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"


def hostile(text: str) -> bytes:
    return script(FORGE + text)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"script": SCRIPT_FILTER}, config="pools: {default: {workers: 2, timeout: 1s}}\n"
                                                        "log: {limit: {lines: 0}}\n") as running:
        yield running


class Watch:
    """Meanwhile asks, as a client that the master answers by itself, and notes the longest wait.

    Not counted is the time for which master or client could have gone on and the machine gave them no processor.
    """

    def __init__(self, server: Server) -> None:
        self.server, self.worst, self.ended = server, 0.0, threading.Event()
        self.thread = threading.Thread(target=self._ask)
        self.pid = server.master_pid()
        self.memory = processes.resident_kib(self.pid)

    def _clock(self) -> float:
        queued = processes.seconds_queued(self.pid) + processes.seconds_queued(threading.get_native_id())
        return time.monotonic() - queued

    def _ask(self) -> None:
        while not self.ended.wait(0.01):
            begin = self._clock()
            with self.server.connect() as client:
                client.send(b"\n")
                client.read_reply(60)
            self.worst = max(self.worst, self._clock() - begin)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()
        assert self.server.master_pid() == self.pid
        assert processes.resident_kib(self.pid) - self.memory < 32 * 1024
        assert self.worst < 0.5


@pytest.mark.parametrize("text", [
    "send(os.urandom(100_000))",
    "send(outcome(task())[:20])\ntime.sleep(60)",
    "send(struct.pack('=IHH', 500 * 1024, 4, 0) + bytes(400 * 1024))\ntime.sleep(60)",
    "send(struct.pack('=IHH', 2 ** 32 - 1, 4, 0))\ntime.sleep(60)",
    "send(outcome(task(), kind=2))\ntime.sleep(60)",
    "send(frame(2, bytes(4)))\ntime.sleep(60)",
    "send(outcome(task() + 2, 1, b'550 forged'))\ntime.sleep(60)",
    "send(outcome(task(), 2, incidents=[b'\\n' * 500_000]))\ntime.sleep(60)",
    "send(outcome(task(), 1, b'550 ' + b'x\\n' * 8000, recipients=[b''] * 80_000))\ntime.sleep(60)",
    "send(outcome(task(), removals=[[b'forged']] * 2))\ntime.sleep(60)",
    "send(outcome(task(), removals=[[b'forged'] * 501]))\ntime.sleep(60)",
    "while True: ctypes.memmove(board(), os.urandom(4096), 4096)",
    "while True: ctypes.memmove(board() + PAGE, os.urandom(2 * RING), 2 * RING)",
    "start = ctypes.c_uint64.from_address(board() + 16)\nwhile True: start.value = time.monotonic_ns() + 10 ** 9",
    "ctypes.memset(board() + TRACE, 10, TRACEBACK - TRACE)\n"
    "signal.signal(signal.SIGUSR2, signal.SIG_IGN)\ntime.sleep(60)",
    "os.kill(os.getpid(), signal.SIGSTOP)",
    "os.killpg(0, signal.SIGSTOP)",
], ids=lambda text: text[:40])
def test_what_a_filter_does_to_its_worker_costs_that_message(server: Server, text: str) -> None:
    with Watch(server):
        assert server.ask(hostile(text)) == DEFERRED
        for _ in range(3):
            assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    assert not [line for line in server.log_lines() if "forged" in line]


def test_verdicts_that_are_sent_ahead_reach_no_other_message() -> None:
    with Server(filters={"script": SCRIPT_FILTER}, config="pools: {default: {workers: 1}}\n") as server:
        text = """\
            first = task()
            ahead = [outcome(first + i, 1, b"550 forged") for i in range(1, 50)]
            send(outcome(first, 1, b"250 mine") + b"".join(ahead))
            time.sleep(60)
            """
        messages = [hostile(textwrap.dedent(text))] + [script("reply = '200 fine'")] * 8
        clients = [server.send(server.spool.message(body)) for body in messages]
        replies = [client.read_reply() for client in clients]
        for client in clients:
            client.close()
        assert replies == [b"250 mine\n"] + [b"200 fine\n"] * 8


def test_a_state_too_big_for_a_task_kills_no_worker_of_another_pool() -> None:
    config = "pools: {default: {workers: 1}, other: {workers: 2}}\nfilters: [script, {filter: quiet, pool: other}]\n"
    filters = {"script": SCRIPT_FILTER, "quiet": "def do_filter(body, controls): return ''"}
    with Server(filters=filters, config=config) as server:
        text = "send(outcome(task(), 0, b'250 ' + b'x' * (511 * 1024)))\ntime.sleep(60)"
        assert server.ask(hostile(text)) == DEFERRED
        assert not [line for line in server.log_lines() if re.search(r"worker other/\d ended", line)]


def test_small_frames_and_a_flood_together_do_not_hold_the_server(server: Server) -> None:
    with Watch(server):
        server.ask(hostile("""
fcntl.fcntl(2, 1031, 1 << 20)  # F_SETPIPE_SZ
end = time.monotonic() + 0.8
def flood():
    while time.monotonic() < end:
        os.write(2, b"\\n" * 65536)
for _ in range(2):
    threading.Thread(target=flood, daemon=True).start()
small = frame(3, struct.pack("=QI", task(), 0) + bytes(4 + 4 + 16 + 4 + 4 + 4)) * 1000
while time.monotonic() < end:
    send(small)
"""))


def test_a_full_pipe_at_the_death_of_a_worker_does_not_hold_the_server(server: Server) -> None:
    with Watch(server) as watch:
        for _ in range(4):
            text = "fcntl.fcntl(2, 1031, 1 << 20)\nos.write(2, b'\\n' * (1 << 20))\nos.kill(os.getpid(), 9)"
            assert server.ask(hostile(text)) == DEFERRED
    assert watch.worst < 0.2


def test_failures_of_init_filter_that_are_new_each_time_do_not_fill_the_memory() -> None:
    source = FORGE + '''
def init_filter():
    texts = [b"%x" % (os.getpid() * 100_000 + i) for i in range(30_000)]
    send(frame(2, struct.pack("=I", len(texts)) + b"".join(bytes(4) + s(text) for text in texts)))
    time.sleep(0.02)
    os.kill(os.getpid(), 9)

def do_filter(body, controls):
    return ""
'''
    with Server(filters={"evil": source}, config="pools: {default: {workers: 1}}\n") as server, Watch(server):
        time.sleep(2)


def test_a_stopped_zygote_does_not_stop_its_pool() -> None:
    config = "pools: {default: {workers: 1, start_timeout: 5s}}\n"  # within which a fork must be answered
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as server:
        assert server.ask(hostile("os.kill(os.getppid(), signal.SIGSTOP)\nos.kill(os.getpid(), 9)")) == DEFERRED
        wait_until("the pool to serve again", lambda: server.ask(script("reply = '200 again'")) == b"200 again\n", 30)


def test_a_stopped_zygote_does_not_keep_its_generation() -> None:
    with Server(filters={"script": SCRIPT_FILTER}, config="pools: {default: {workers: 1}}\n") as server:
        stopped = server.zygote_pids()
        server.ask(hostile("os.kill(os.getppid(), signal.SIGSTOP)"))
        server.signal(signal.SIGHUP)
        server.wait_for_log("generation 2 serves")
        wait_until("the old zygote to end", lambda: not set(stopped) & set(server.zygote_pids()), 12.0)
        assert server.ask(script("reply = '200 new'")) == b"200 new\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="our own descriptors are as open to us as the guardian's")
def test_a_filter_cannot_take_the_listening_socket(server: Server) -> None:
    after = server.log_mark()
    server.ask(hostile(f"""
libc = ctypes.CDLL(None)
for pid in ({server.pid}, {server.master_pid()}, os.getppid()):
    pidfd = os.pidfd_open(pid)
    print("taken", [fd for fd in range(64) if libc.syscall(438, pidfd, fd, 0) >= 0])  # pidfd_getfd
print("that was all")
"""))
    server.wait_for_log("that was all", after=after)
    taken = [line for line in server.log_lines()[after:] if "taken" in line]
    assert len(taken) == 3 and all(line.endswith("taken []") for line in taken)


@pytest.mark.parametrize("text", [
    "os.unlink(body_path)\nos.mkfifo(body_path)",
    "os.unlink(body_path)\nos.mkdir(body_path)",
    "os.unlink(body_path)\nos.symlink('/dev/zero', body_path)",
    "os.unlink(control_paths[0])\nos.mkfifo(control_paths[0])",
    "os.truncate(control_paths[0], 0)",
], ids=lambda text: text[-40:])
def test_files_that_became_something_else_hold_nobody(text: str, two_pools: Server) -> None:
    message = two_pools.spool.message(script(f"import os\n{text}"))
    assert two_pools.ask_message(message)[:3] in (b"451", b"200")
    assert two_pools.ask(script("pass")) == b"200 Ok\n"


@pytest.fixture(scope="module")
def two_pools() -> Iterator[Server]:
    config = "pools: {default: {workers: 1}, other: {workers: 1}}\nfilters: [script, {filter: quiet, pool: other}]\n"
    filters = {"script": SCRIPT_FILTER, "quiet": "def do_filter(body, controls): return ''"}
    with Server(filters=filters, config=config) as running:
        yield running
