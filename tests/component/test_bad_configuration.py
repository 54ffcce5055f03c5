"""A configuration or a filter that cannot be used: the start is not blocked, no mail passes, the log says what to mend.

Each kind is shown from the start of the server to the first message that is filtered after the mending. A name with a
pitfall number is the check for that row of the list of pitfalls.
"""
from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest
from support.server import Server
from support.wait import wait_until

START_TIMEOUT = 1.0  # seconds, of the pools below
SLOW_MACHINE = 8.0   # seconds that other programs may cost
POOLS = f"pools: {{default: {{workers: 2, start_timeout: {START_TIMEOUT:.0f}s}}}}\n"
ACCEPT = "def do_filter(body, controls):\n    return ''\n"
ACCEPTED = b"200 Ok\n"

# What a filter does, and the log line that tells of it.
BROKEN_FILTERS = {
    "a name that is not there": (
        "import no_such_module\n" + ACCEPT,
        r"ERR: filter victim is not available: ModuleNotFoundError: No module named 'no_such_module'"),
    "a syntax error": (
        "def do_filter(body, controls)\n    return ''\n",
        r'ERR: filter victim is not available: +File ".*/victim.py", line 1$'),
    "no do_filter": (
        "def filter(body, controls):\n    return ''\n",
        r"ERR: filter victim is not available: .*do_filter"),
    "init_filter raises": (
        "def init_filter():\n    raise ValueError('no database')\n" + ACCEPT,
        r"ERR: filter victim is not available: .*ValueError: no database"),
    "init_filter asks to exit": (
        "import sys\ndef init_filter():\n    sys.exit('not today')\n" + ACCEPT,
        r"ERR: filter victim is not available: .*SystemExit: not today"),
    "init_filter ends the process": (
        "import os\ndef init_filter():\n    os._exit(3)\n" + ACCEPT,
        r"ERR: worker default/\d+ ended.*: .*3"),
    "init_filter kills the process": (
        "import os\ndef init_filter():\n    os.kill(os.getpid(), 9)\n" + ACCEPT,
        r"ERR: worker default/\d+ ended.*: .*SIGKILL"),
    "init_filter hangs": (
        "import time\ndef init_filter():\n    time.sleep(1000)\n" + ACCEPT,
        r"ERR: worker default/\d+ ended.*: was not ready in time: start_timeout is over"),
    "the import ends the process": (
        "import os\nos._exit(3)\n",
        r"ERR: pool default: zygote ended.*: .*3"),
    "the import hangs": (
        "import time\ntime.sleep(1000)\n",
        r"ERR: pool default: zygote ended.*: imports took longer than start_timeout"),
    "the fork hangs": (
        "import os, time\nos.register_at_fork(before=lambda: time.sleep(1000))\n" + ACCEPT,
        r"ERR: pool default: zygote ended.*: a fork took longer than start_timeout"),
}


def filtering(server: Server) -> bool:
    return server.ask(timeout=20.0) == ACCEPTED


def mend(server: Server) -> None:
    """What the administrator does; from then on mail flows."""
    server.signal(signal.SIGHUP)
    wait_until("mail to be filtered", lambda: filtering(server), 20.0)


def start_without_delay(server: Server) -> None:
    """Returns when fd 3 is closed, as a boot needs it."""
    begin = time.monotonic()
    server.start()
    assert time.monotonic() - begin < START_TIMEOUT + SLOW_MACHINE


@pytest.mark.parametrize("kind", BROKEN_FILTERS)
def test_pitfall_03_a_broken_filter_blocks_no_boot_and_passes_no_mail(kind: str) -> None:
    source, complaint = BROKEN_FILTERS[kind]
    server = Server(filters={"victim": source}, config=POOLS)
    try:
        start_without_delay(server)
        server.wait_for_log(complaint)
        server.wait_for_log("ERR: generation 1 serves with problems")
        for _ in range(3):
            assert server.ask().startswith(b"451 4.3.0 ")
        server.write_filter("victim", ACCEPT)
        mend(server)
        assert server.stop() == 0
        assert server.processes() == []
    finally:
        server.close()


def test_a_broken_filter_is_told_once_and_not_by_every_worker() -> None:
    source, complaint = BROKEN_FILTERS["init_filter raises"]
    with Server(filters={"victim": source}, config="pools: {default: {workers: 4}}\n") as server:
        server.wait_for_log("serves with problems")
        assert server.ask().startswith(b"451 4.3.0 ")
        told = [line for line in server.log_lines() if line.endswith("ValueError: no database")]
        assert len(told) == 1, told


def test_a_broken_filter_among_good_ones_stops_its_own_pool_only() -> None:
    """The messages that need only the good pool are those that a filter before the broken one decides."""
    decide = "def do_filter(body, controls):\n    return open(body).readline().strip()\n"
    config = """
        pools: {default: {workers: 1}, other: {workers: 1, start_timeout: 1s}}
        filters: [{filter: decide}, {filter: victim, pool: other}]
        """
    crash = "import os\nos._exit(3)\n"
    with Server(filters={"decide": decide, "victim": crash}, config=config) as server:
        assert server.ask(b"550 decided\n\n") == b"550 decided\n"
        assert server.ask(b"\n\n").startswith(b"451 4.3.0 ")


def test_the_policy_for_a_filter_that_is_not_available_is_used() -> None:
    config = "filters: [{filter: victim, failure: {on_unavailable: skip}}, accept]\n"
    source, complaint = BROKEN_FILTERS["init_filter raises"]
    with Server(filters={"victim": source, "accept": ACCEPT}, config=config) as server:
        server.wait_for_log(complaint)
        assert server.ask() == ACCEPTED
        server.wait_for_log("WARN: filter victim: unavailable: .*; policy skip")


# --- Files of the configuration


def a_yaml_error(server: Server) -> str:
    server.write_raw_config("filters: [accept\nserver: {on_stop: defer}\n")
    return rf"ERR: .*{server.config_path}:\d+:\d+: "


def an_unknown_key(server: Server) -> str:
    server.write_config("server:\n  message_timout: 1min\n", ["accept"])
    return rf"ERR: .*{server.config_path}:4:3: .*message_timout.*message_timeout"


def a_value_out_of_bounds(server: Server) -> str:
    server.write_config("server:\n  message_timeout: 2h\n", ["accept"])
    return rf"ERR: .*{server.config_path}:4:20: .*9min"


def a_file_that_cannot_be_read(server: Server) -> str:
    server.config_path.chmod(0)
    if os.geteuid() == 0:
        os.chown(server.config_path, 0, 0)
    return rf"ERR: .*{server.config_path}: .*[Pp]ermission denied"


def a_directory_in_its_place(server: Server) -> str:
    server.config_path.unlink()
    server.config_path.mkdir()
    return rf"ERR: .*{server.config_path}: expected a regular file"


def a_file_that_is_not_text(server: Server) -> str:
    server.config_path.write_bytes(b"filters: [\xff\xfe\0]\n")
    return rf"ERR: .*{server.config_path}:1:\d+: "


@pytest.mark.parametrize("spoil", [
    a_yaml_error, an_unknown_key, a_value_out_of_bounds, a_file_that_cannot_be_read, a_directory_in_its_place,
    a_file_that_is_not_text])
def test_pitfall_03_an_unusable_file_blocks_no_boot_and_passes_no_mail(spoil: Callable[[Server], str]) -> None:
    server = Server(filters={"accept": ACCEPT}, config=POOLS)
    complaint = spoil(server)
    try:
        start_without_delay(server)
        server.wait_for_log(complaint)
        assert server.ask().startswith(b"451 4.3.0 ")
        if server.config_path.is_dir():
            server.config_path.rmdir()
        server.write_config(POOLS, ["accept"])
        mend(server)
    finally:
        server.close()


@pytest.mark.parametrize("spoil", [an_unknown_key, a_file_that_cannot_be_read])
def test_in_the_foreground_an_unusable_file_is_exit_status_78(spoil: Callable[[Server], str]) -> None:
    server = Server(mode="foreground", filters={"accept": ACCEPT})
    complaint = spoil(server)
    try:
        server.start(wait=False)
        assert server.wait_exit() == 78
        server.wait_for_log(complaint.removeprefix("ERR: "))
    finally:
        server.close()


# --- Healing without a hand


def test_a_filter_that_recovers_is_used_without_a_reload() -> None:
    """A scanner that was down at boot: the generation is tried again after five seconds."""
    source = """
        import os
        def init_filter():
            if not os.path.exists({marker!r}):
                raise OSError('the scanner is down')
        def do_filter(body, controls):
            return ''
        """
    server = Server()
    marker = server.etc / "scanner-is-up"
    server.write_filter("scanner", source.format(marker=str(marker)))
    server.write_config(POOLS, ["scanner"])
    with server:
        server.wait_for_log("ERR: filter scanner is not available: .*OSError: the scanner is down")
        assert server.ask().startswith(b"451 4.3.0 ")
        marker.touch()
        wait_until("mail to be filtered", lambda: filtering(server), 5.0 + SLOW_MACHINE)
        server.wait_for_log("generation 2 serves")
