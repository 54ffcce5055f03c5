"""Reload: a new configuration is proved, takes over without the loss of a message, or is given up and told.

Shown with the installed program. Filters tell which configuration they belong to by the verdict they give.
"""
from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from support.asking import Load
from support.gate import GATE, Gate
from support.reloads import Reloads, server_with_generations
from support.server import Server
from support.wait import wait_until

# The verdict names the version of the module that gave it, which a generation keeps as it was when it began.
VERSION = "VERSION = {number}\ndef do_filter(body, controls):\n    return f'550 version {{VERSION}}'\n"
LIMIT = 30.0


def version(number: int) -> str:
    return VERSION.format(number=number)


def reply_of(number: int) -> bytes:
    return b"550 version %d\n" % number


def reload(server: Server) -> int:
    """Asks for it. Returns from which log line on its outcome is told."""
    seen = len(server.log_lines())
    server.signal(signal.SIGHUP)
    return seen


def test_a_reload_under_load_loses_no_message() -> None:
    reloads = 3
    with Server(filters={"which": version(0)}) as server:
        wait_until("the first verdict", lambda: server.ask() == reply_of(0))
        with Load(server, 4) as load:
            for number in range(1, reloads + 1):
                server.write_filter("which", version(number))
                seen = reload(server)
                server.wait_for_log(rf"generation {number + 1} serves: ", after=seen, timeout=LIMIT)
                load.wait_for(reply_of(number))
            replies = load.finish()
        assert set(replies) <= {reply_of(number) for number in range(reloads + 1)}
        wait_until("the old generations to be gone", lambda: len(server.zygote_pids()) == 1, LIMIT)


def test_many_reloads_under_load_refuse_lose_and_leave_nothing(request: pytest.FixtureRequest) -> None:
    """No message sees two generations either. A thousand: dev/soak --reloads 1000."""
    with server_with_generations() as server:
        assert Reloads(server).run(40 if request.config.getoption("--full") else 5) == []


def test_a_message_in_work_gets_the_verdict_of_the_generation_it_began_in() -> None:
    with Server(filters={"gate": GATE}) as server:
        gate = Gate(server)
        with server.send(gate.message("550 the old one")) as client:
            gate.wait_for_held(1)
            server.write_filter("gate", GATE.replace("return verdict", "return '550 the new one'"))
            server.wait_for_log("generation 2 serves", after=reload(server), timeout=LIMIT)
            assert server.ask() == b"550 the new one\n"
            gate.open()
            assert client.read_reply() == b"550 the old one\n"
        wait_until("the old generation to be gone", lambda: len(server.zygote_pids()) == 1, LIMIT)


def bad_yaml(server: Server) -> str:
    server.write_raw_config("filters: [which\n")
    return rf"ERR: reload: .*{server.config_path}:\d+:\d+: "


def unknown_key(server: Server) -> str:
    server.write_config("sever: {on_stop: defer}\n", ["which"])
    return rf"ERR: reload: .*{server.config_path}:3:1: .*sever.*server"


def no_module(server: Server) -> str:
    server.write_config("", ["which", "absent"])
    return r"ERR: reload: pool default: filter absent is not available: .*absent"


def no_python(server: Server) -> str:
    server.write_filter("which", "def do_filter(body, controls)\n    return ''\n")
    return r"ERR: reload: pool default: filter which is not available: .*SyntaxError: expected ':'"


def no_init(server: Server) -> str:
    server.write_filter("which", "def init_filter():\n    raise OSError('no scanner')\n" + version(2))
    return r"ERR: reload: pool default: filter which is not available: .*OSError: no scanner"


def dead_init(server: Server) -> str:
    server.write_filter("which", "import os\ndef init_filter():\n    os._exit(3)\n" + version(2))
    return r"ERR: reload: pool default: worker default/\d+ ended before it was ready.*3"


def hung_init(server: Server) -> str:
    server.write_config("pools: {default: {start_timeout: 1s}}\n", ["which"])
    server.write_filter("which", "import time\ndef init_filter():\n    time.sleep(1000)\n" + version(2))
    return r"ERR: reload: pool default: worker default/\d+ ended before it was ready.*start_timeout"


@pytest.mark.parametrize("spoil", [bad_yaml, unknown_key, no_module, no_python, no_init, dead_init, hung_init])
def test_a_bad_configuration_leaves_the_old_one_in_force_and_says_why(spoil) -> None:  # type: ignore[no-untyped-def]
    with Server(filters={"which": version(1)}) as server:
        assert server.ask() == reply_of(1)
        with Load(server, 2) as load:
            seen = reload(server) if (complaint := spoil(server)) else 0
            server.wait_for_log(complaint, after=seen, timeout=LIMIT)
            server.wait_for_log("generation 1 stays in force", after=seen, timeout=LIMIT)
        assert set(load.finish()) == {reply_of(1)}
        server.write_filter("which", version(3))
        server.write_config("", ["which"])
        seen = reload(server)
        server.wait_for_log(r"generation \d serves: ", after=seen, timeout=LIMIT)
        assert server.ask() == reply_of(3)


def test_two_reloads_at_once_are_two_at_most_and_the_last_file_wins() -> None:
    slow = "import time\ndef init_filter():\n    time.sleep(0.3)\n"
    with Server(filters={"which": slow + version(1)}) as server:
        for number in range(2, 7):  # all while the first of them is being proved
            server.write_filter("which", slow + version(number))
            server.signal(signal.SIGHUP)
        wait_until("the last version", lambda: server.ask() == reply_of(6), LIMIT)
        assert len([line for line in server.log_lines() if "is being proved" in line]) <= 3
        assert server.master_pid() != 0 and server.running()


def test_what_init_filter_prints_is_told_once_for_each_generation() -> None:
    init = "import sys\ndef init_filter():\n    print('Initialized', file=sys.stderr)\n"
    with Server(filters={"which": init + version(1)}, config="pools: {default: {workers: 4}}\n") as server:
        assert server.ask() == reply_of(1)
        server.wait_for_log("generation 2 serves", after=reload(server), timeout=LIMIT)
        assert server.ask() == reply_of(1)
        assert len([line for line in server.log_lines() if "Initialized" in line]) == 2


@pytest.mark.parametrize("where", ["atexit", "a thread"])
def test_a_worker_that_does_not_end_by_itself_delays_no_later_reload(where: str) -> None:
    hang = {
        "atexit": "import atexit, time\natexit.register(time.sleep, 1000)\n",
        "a thread": "import threading, time\n"
                    "def init_filter():\n    threading.Thread(target=time.sleep, args=(1000,)).start()\n",
    }[where]
    with Server(filters={"which": hang + version(1)}) as server:
        for number in range(2, 4):
            server.write_filter("which", version(number))
            seen = reload(server)
            server.wait_for_log(rf"generation {number} serves: ", after=seen, timeout=LIMIT)
        assert server.ask() == reply_of(3)
        wait_until("the old generations to be gone", lambda: len(server.zygote_pids()) == 1, LIMIT)


def test_a_reload_changes_the_limits_of_the_server() -> None:
    with Server(filters={"gate": GATE}, config="pools: {default: {workers: 1}}\n") as server:
        server.write_config("pools: {default: {workers: 1}}\nserver: {request_timeout: 500ms}\n", ["gate"])
        server.wait_for_log("generation 2 serves", after=reload(server), timeout=LIMIT)
        with server.connect() as silent:
            begin = time.monotonic()
            assert silent.read_reply().startswith(b"451 4.3.0 ")
            assert time.monotonic() - begin < 8.0, "ten seconds are the default"


def test_the_socket_is_the_same_file_after_a_reload() -> None:
    with Server(filters={"which": version(1)}) as server:
        before = Path(server.socket_path).stat().st_ino
        server.wait_for_log("generation 2 serves", after=reload(server), timeout=LIMIT)
        assert Path(server.socket_path).stat().st_ino == before


def test_a_key_that_needs_a_restart_is_named_when_it_changed() -> None:
    with Server(filters={"which": version(1)}, config="server: {socket: all}\n") as server:
        server.write_config("server: {socket: selective, on_stop: pass}\n", ["which"])
        reload(server)
        server.wait_for_log(r"reload: server\.socket has changed; that needs a restart, the old value stays")
        server.wait_for_log("generation 2 serves")
        assert not any("on_stop has changed" in line for line in server.log_lines())
