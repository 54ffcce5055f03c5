"""A guardian whose program was replaced on disk: told to reload, it becomes the new program and brings a new master.

Shown with a copy of the installed tree in which the test replaces the program, as dpkg does it. Nobody is refused, and
whatever is wrong with the new program or the configuration, mail is filtered on.
"""
from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.asking import Load
from support.gate import GATE, Gate
from support.server import Server
from support.tree import installed_tree
from support.wait import wait_until

UNUSABLE = "filters: [gate]\nserver:\n  on_stpo: defer\n"
ACCEPTED = b"200 Ok\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with_copy = Server(filters={"gate": GATE})
    tree = with_copy.base / "tree"
    shutil.copytree(installed_tree() / "usr", tree / "usr", symlinks=True)
    with_copy.program = tree / "usr/sbin/pythonfilter"
    with with_copy:
        yield with_copy


def replace(server: Server, content: Path | None = None) -> None:
    """As dpkg does it: another file, renamed over the program."""
    new = server.program.with_suffix(".dpkg-new")
    shutil.copy2(content or server.program, new)
    new.replace(server.program)


def runs_the_new_program(server: Server, pid: int) -> bool:
    try:
        return pid != 0 and os.stat(f"/proc/{pid}/exe").st_ino == server.program.stat().st_ino
    except OSError:
        return False


def wait_until_renewed(server: Server) -> None:
    wait_until("the new guardian", lambda: runs_the_new_program(server, server.pid))
    wait_until("the new master", lambda: runs_the_new_program(server, server.master_pid()))
    assert server.ask() == ACCEPTED


def test_it_reaches_guardian_and_master_and_nobody_is_refused(server: Server) -> None:
    gate, socket = Gate(server), server.socket_path.stat().st_ino
    held = server.send(gate.message())
    gate.wait_for_held(1)
    with Load(server, 4) as load:
        load.wait_for(ACCEPTED)
        for _ in range(2):
            replace(server)
            server.signal(signal.SIGHUP)
            server.wait_for_log("making way: another program")
            gate.open()
            wait_until_renewed(server)
    assert held.read_reply() == ACCEPTED
    assert set(load.finish()) == {ACCEPTED}
    assert server.socket_path.stat().st_ino == socket
    assert server.stop() == 0
    assert server.processes() == []


def test_with_a_configuration_that_it_cannot_use_the_old_master_goes_on(server: Server) -> None:
    master = server.master_pid()
    good = server.config_path.read_text()
    server.write_raw_config(UNUSABLE)
    replace(server)
    server.signal(signal.SIGHUP)
    server.wait_for_log("the new program cannot use the configuration")
    assert server.ask() == ACCEPTED and server.master_pid() == master
    server.write_raw_config(good)
    server.signal(signal.SIGHUP)
    wait_until_renewed(server)
    assert server.master_pid() != master


def test_a_program_that_cannot_be_run_changes_nothing(server: Server) -> None:
    no_program = server.base / "no_program"
    no_program.write_bytes(b"\0")
    no_program.chmod(0o755)
    replace(server, no_program)
    server.signal(signal.SIGHUP)
    server.wait_for_log("the old one goes on")
    server.wait_for_log("generation 2 serves")
    assert server.ask() == ACCEPTED


def test_after_a_program_that_ends_at_once_the_master_goes_on(server: Server) -> None:
    replace(server, Path("/usr/bin/false"))
    server.signal(signal.SIGHUP)
    assert server.wait_exit() == 1
    assert server.ask() == ACCEPTED


def test_a_stop_in_the_middle_is_a_stop(server: Server) -> None:
    gate = Gate(server)
    held = server.send(gate.message())
    gate.wait_for_held(1)
    replace(server)
    server.signal(signal.SIGHUP)
    server.wait_for_log("making way: another program")
    server.ask_to_stop()
    server.wait_for_log("guardian: stopping")
    gate.open()
    assert held.read_reply() == ACCEPTED
    assert server.wait_exit() == 0
    assert server.processes() == []


def test_the_options_between_its_processes_are_refused_to_others(server: Server) -> None:
    assert os.spawnl(os.P_WAIT, server.program, "pythonfilter", "--successor-of-guardian", "1:1:1") == 64
