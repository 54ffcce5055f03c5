"""Exclusive pools: a filter that may live only once never lives twice, whatever becomes of its worker, and no message
is lost or refused for it.

Shown with a filter that takes a lock and binds a port in init_filter, and writes down when it could not.
"""
from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
from support.asking import Load
from support.gate import GATE, Gate, wait_until_read
from support.server import Server
from support.wait import wait_until

LIMIT = 60.0
# Both are let go by the end of the process alone. PLACE and PORT are written by the test.
ONCE = """
    import fcntl, os, socket
    {extra}

    def init_filter():
        global lock, listener
        try:
            lock = open("{place}/lock", "w")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            listener = socket.socket()
            listener.bind(("127.0.0.1", {port}))
            listener.listen()
        except OSError:
            open("{place}/twice", "a").write("{version}\\n")
            raise
        {init}
        with open("{place}/starts", "a") as starts:
            starts.write("{version}\\n")
        if os.path.exists("{place}/spoil {version}"):
            raise OSError("spoilt")

    def do_filter(body, controls):
        return "550 version {version}"
    """
CONFIG = "filters: [{filter: once, pool: {exclusive: true%s}}]\n"
WITH_GATE = "filters: [gate, {filter: once, pool: {exclusive: true}}]\n"


def reply_of(version: int) -> bytes:
    return b"550 version %d\n" % version


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Once:
    """The filter in a server, with its versions, and what it wrote down."""

    def __init__(self, server: Server) -> None:
        self.server, self.port = server, free_port()
        self.place = server.spool.path / "tmp"
        self.write(1)

    def write(self, version: int, extra: str = "", init: str = "") -> None:
        extra, init = extra.replace("\n", "\n    "), init.replace("\n", "\n        ")
        values = {"place": self.place, "port": self.port, "version": version, "extra": extra, "init": init}
        self.server.write_filter("once", ONCE.format(**values))

    def spoil(self, version: int) -> None:
        """Its init_filter fails from now on."""
        (self.place / f"spoil {version}").touch()

    def heal(self, version: int) -> None:
        (self.place / f"spoil {version}").unlink()

    def lived_twice(self) -> bool:
        return (self.place / "twice").exists()

    def starts(self) -> list[int]:
        return [int(line) for line in (self.place / "starts").read_text().split()]

    def reload(self) -> int:
        seen = len(self.server.log_lines())
        self.server.signal(signal.SIGHUP)
        return seen

    def holder(self) -> int:
        """The pid of the process that has the lock; 0 when none has."""
        inode = (self.place / "lock").stat().st_ino
        locks = Path("/proc/locks").read_text().splitlines()
        return next((int(line.split()[4]) for line in locks if line.split()[5].endswith(f":{inode}")), 0)


def prepared(config: str = CONFIG % "", **filters: str) -> tuple[Server, Once]:
    server = Server(filters={"once": "", **filters}, config=config)
    return server, Once(server)


def test_reloads_under_load_lose_and_refuse_no_message(request: pytest.FixtureRequest) -> None:
    reloads = 20 if request.config.getoption("--full") else 5
    server, once = prepared()
    with server, Load(server, 16) as load:
        for version in range(2, reloads + 2):
            once.write(version)
            server.wait_for_log(rf"generation {version} serves: ", after=once.reload(), timeout=LIMIT)
            wait_until("its verdict", lambda: reply_of(version) in load.replies[-20:], LIMIT)
        replies = load.finish()
        assert set(replies) == {reply_of(version) for version in range(1, reloads + 2)}
        assert once.starts() == list(range(1, reloads + 2)) and not once.lived_twice()
        wait_until("the old generations to be gone", lambda: len(server.zygote_pids()) == 1, LIMIT)


@pytest.mark.parametrize("how", ["init", "import", "zygote", "worker"])
def test_when_the_new_one_fails_the_old_one_comes_back_and_no_message_is_lost(how: str) -> None:
    server, once = prepared()
    with server, Load(server, 16) as load:
        wait_until("a verdict", lambda: reply_of(1) in load.replies, LIMIT)
        die = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
        once.write(2, {"init": "", "import": "import absent", "zygote": die,
                       "worker": "import os, threading\nos.register_at_fork(after_in_child=lambda: os._exit(3))"}[how])
        if how == "init":
            once.spoil(2)
        seen = once.reload()
        server.wait_for_log(r"generation 2 is given up; generation 1 stays in force", after=seen, timeout=LIMIT)
        once.write(1)
        server.wait_for_log(r"pool once: ready again", after=seen, timeout=LIMIT)
        before = len(load.replies)
        wait_until("more verdicts", lambda: len(load.replies) > before + 20, LIMIT)
        assert set(load.finish()) == {reply_of(1)}
        assert not once.lived_twice()
        once.write(3)
        server.wait_for_log(r"generation 3 serves: ", after=once.reload(), timeout=LIMIT)
        assert server.ask() == reply_of(3)


def test_new_messages_wait_for_the_old_ones_and_begin_in_the_new_generation() -> None:
    server, once = prepared(WITH_GATE, gate=GATE)
    with server:
        gate = Gate(server)
        with server.send(gate.message()) as old:
            gate.wait_for_held(1)
            once.write(2)
            server.wait_for_log(r"new messages wait while generation 1 finishes 1 messages", after=once.reload())
            with server.send(server.spool.message()) as new:
                wait_until_read(server)
                gate.open()
                assert old.read_reply() == reply_of(1)
                assert new.read_reply() == reply_of(2)
        assert once.starts() == [1, 2] and not once.lived_twice()


def test_a_message_at_the_entrance_has_its_own_time_and_gives_way_when_its_client_hangs_up() -> None:
    server, once = prepared("server: {message_timeout: 2s}\n" + CONFIG % "")
    with server:
        assert server.ask() == reply_of(1)
        once.write(2, init="import time\ntime.sleep(8)")
        seen = once.reload()
        server.wait_for_log(r"new messages wait", after=seen)
        with server.send(server.spool.message()):
            wait_until_read(server)
        server.wait_for_log(r"the client hung up while the message waited", after=seen)
        assert server.ask() == b"451 4.3.0 Mail filters took too long, please try again later\n"
        server.wait_for_log(r"generation 2 serves", after=seen, timeout=LIMIT)
        assert server.ask() == reply_of(2)


def test_a_stop_in_the_middle_answers_who_waits() -> None:
    server, once = prepared(WITH_GATE, gate=GATE)
    with server:
        gate = Gate(server)
        with server.send(gate.message()) as old:
            gate.wait_for_held(1)
            server.wait_for_log(r"new messages wait", after=once.reload())
            with server.send(server.spool.message()) as new:
                wait_until_read(server)
                server.ask_to_stop()
                assert new.read_reply().startswith(b"451 4.3.2 ")
                gate.open()
                assert old.read_reply() == reply_of(1)
        assert server.wait_exit() == 0


def test_reloads_that_come_during_one_become_one() -> None:
    server, once = prepared(WITH_GATE, gate=GATE)
    with server:
        gate = Gate(server)
        with server.send(gate.message()) as old:
            gate.wait_for_held(1)
            once.write(2)
            seen = once.reload()
            server.wait_for_log(r"new messages wait", after=seen)
            once.write(3)
            once.reload()
            server.wait_for_log(r"reload: will begin when", after=seen)
            gate.open()
            assert old.read_reply() == reply_of(1)
        wait_until("the last version", lambda: server.ask(timeout=LIMIT) == reply_of(3), LIMIT)
        assert not once.lived_twice()


@pytest.mark.parametrize("extra", ["import atexit, time\natexit.register(time.sleep, 1000)",
                                   "import threading, time\n"
                                   "threading.Thread(target=time.sleep, args=(1000,)).start()"])
def test_an_old_worker_that_does_not_end_is_killed_before_the_new_one_starts(extra: str) -> None:
    server, once = prepared()
    once.write(1, extra)
    with server:
        assert server.ask() == reply_of(1)
        once.write(2)
        server.wait_for_log(r"generation 2 serves", after=once.reload(), timeout=LIMIT)
        assert server.ask() == reply_of(2)
        assert once.starts() == [1, 2] and not once.lived_twice()


def test_a_child_of_the_old_worker_that_holds_the_lock_is_gone_before_the_new_one_starts() -> None:
    server, once = prepared()
    with server:
        assert server.ask() == reply_of(1)
        once.write(2, init="import subprocess\nsubprocess.Popen(['sleep', '1000'], pass_fds=[lock.fileno()],"
                           " start_new_session=True)")
        server.wait_for_log(r"generation 2 serves", after=once.reload(), timeout=LIMIT)
        assert server.ask() == reply_of(2)
        once.write(3)
        server.wait_for_log(r"generation 3 serves", after=once.reload(), timeout=LIMIT)
        assert server.ask() == reply_of(3)
        assert not once.lived_twice()


def test_a_killed_worker_is_replaced_and_never_lives_twice(request: pytest.FixtureRequest) -> None:
    config = "filters: [{filter: once, pool: {exclusive: true}, failure: {on_crash: defer}}]\n"
    server, once = prepared("server: {poison: {kills: 0}}  # all messages are the same one\n" + config)
    with server, Load(server, 16) as load:
        for count in range(1, (30 if request.config.getoption("--full") else 6)):
            pid, seen = wait_until("a worker that serves", once.holder, LIMIT), len(load.replies)
            wait_until("verdicts", lambda: load.replies[seen:].count(reply_of(1)) > 20, LIMIT)
            os.kill(pid, signal.SIGKILL)
            wait_until("another one", lambda: len(once.starts()) > count, LIMIT)
        replies = load.finish()
        assert all(reply == reply_of(1) or str(reply).startswith("b'451 4.3.0") for reply in replies)
        assert not once.lived_twice()


def test_a_killed_zygote_is_replaced_and_its_worker_never_lives_twice() -> None:
    server, once = prepared()
    with server:
        for count in range(1, 4):
            assert server.ask(timeout=LIMIT) == reply_of(1)
            os.kill(server.zygote_pids()[0], signal.SIGKILL)
            wait_until("another worker", lambda: len(once.starts()) > count, LIMIT)
        assert server.ask(timeout=LIMIT) == reply_of(1)
        assert not once.lived_twice()


def test_recycling_lets_the_old_worker_go_first_and_the_queue_holds() -> None:
    server, once = prepared(CONFIG % ", recycle: {messages: 25}")
    with server, Load(server, 16) as load:
        wait_until("six workers", lambda: (once.place / "starts").exists() and len(once.starts()) >= 6, LIMIT)
        assert set(load.finish()) == {reply_of(1)}
        assert not once.lived_twice()


def test_a_filter_may_move_into_an_exclusive_pool_and_out_again() -> None:
    plain = "pools: {default: {workers: 1}}\nfilters: [once]\n"
    server, once = prepared(plain)
    with server, Load(server, 16) as load:
        for version, config in ((2, CONFIG % ""), (3, plain), (4, "pools: {x: {exclusive: true}}\n"
                                                               "filters: [{filter: once, pool: x}]\n")):
            once.write(version)
            server.write_config(config)
            server.wait_for_log(rf"generation {version} serves: ", after=once.reload(), timeout=LIMIT)
            assert server.ask(timeout=LIMIT) == reply_of(version)
        assert set(load.finish()) == {reply_of(version) for version in range(1, 5)}
        assert not once.lived_twice()


def test_a_retry_renews_only_what_failed() -> None:
    other = """
        import os

        def init_filter():
            if os.path.exists("{place}/down"):
                raise OSError("no scanner")

        def do_filter(body, controls):
            return ""
        """
    config = "filters: [{filter: other, pool: {%s}}, {filter: once, pool: {exclusive: true}}]\n" \
             "failure: {on_unavailable: skip}\n"
    for kind in ("exclusive: true", "workers: 1"):
        server, once = prepared(config % kind, other="")
        server.write_filter("other", other.replace("{place}", str(once.place)))
        (once.place / "down").touch()
        with server:
            assert server.ask() == reply_of(1)
            server.wait_for_log(r"serves with problems")
            seen = len(server.log_lines())
            server.wait_for_log(r"filter other is not available", after=seen, timeout=LIMIT)
            (once.place / "down").unlink()
            server.wait_for_log(r"pool other: ready again", after=seen, timeout=LIMIT)
            assert server.ask() == reply_of(1)
            assert once.starts() == [1] and not once.lived_twice()
            wait_until("what was renewed to be gone", lambda: len(server.zygote_pids()) == 2, LIMIT)
