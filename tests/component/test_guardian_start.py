"""The guardian's start: descriptors, modes, and a configuration or a socket directory that cannot be used.

Shown with the installed program, a private spool, and courierfilter's part played by the harness. A name with a
pitfall number is the check for that row of the list of pitfalls. Must never depend on how fast the machine is.
"""
from __future__ import annotations

import os
import signal
import stat

import pytest
from support import processes
from support.server import Server
from support.wait import wait_until

ACCEPT = {"accept": "def do_filter(body, controls):\n    return ''\n"}
UNUSABLE = "filters: [accept]\nserver:\n  on_stpo: defer\n"
ACCEPTED = b"200 Ok\n"


def pipe_name(fd: int) -> str:
    """The name under which /proc shows both ends of a pipe."""
    return f"pipe:[{os.fstat(fd).st_ino}]"


def holders(server: Server, name: str) -> set[int]:
    """The processes that hold the file."""
    return {process.pid for process in server.processes() if name in processes.descriptors(process.pid).values()}


def filtering(server: Server) -> bool:
    return server.ask() == ACCEPTED


# --- Start and descriptors


def test_ready_is_said_when_mail_can_be_filtered() -> None:
    with Server(filters=ACCEPT) as server:
        assert server.master_pid() != 0
        assert server.ask() == ACCEPTED


@pytest.mark.parametrize("leak", [False, True], ids=["at start", "by SIGHUP"])
def test_pitfall_4_nobody_keeps_a_copy_of_the_ready_pipe(leak: bool) -> None:
    with Server(filters=ACCEPT).start(wait=False, leak_fd4=leak) as server:
        ready = pipe_name(server.ready_fd)
        server.wait_ready()
        assert holders(server, ready) == set()
        assert server.ask() == ACCEPTED


def test_stdin_is_held_by_guardian_and_master_only() -> None:
    with Server(filters=ACCEPT) as server:
        assert holders(server, pipe_name(server.stdin_fd)) == {server.pid, server.master_pid()}


def test_pitfall_6_and_7_the_socket_is_made_as_courier_needs_it() -> None:
    with Server(filters=ACCEPT) as server:
        info = server.socket_path.stat()
        assert stat.S_ISSOCK(info.st_mode) and stat.S_IMODE(info.st_mode) == 0o660
        assert (info.st_uid, info.st_gid) == (server.account.pw_uid, server.group.gr_gid)
        assert [path.name for path in server.spool.path.glob("*filters/[!.]*")] == [server.name]


@pytest.mark.parametrize("closed", [[0], [1, 2], [3], [0, 1, 2, 3]], ids=str)
def test_descriptors_closed_at_start_are_no_obstacle(closed: list[int]) -> None:
    with Server(filters=ACCEPT).start(wait=False, closed=closed) as server:
        wait_until("the socket", server.socket_path.exists)
        assert server.ask() == ACCEPTED
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0


def test_pitfall_4_a_descriptor_3_that_is_not_courierfilters_means_foreground() -> None:
    with Server(filters=ACCEPT).start(wait=False, closed=[3]) as server:
        wait_until("the socket", server.socket_path.exists)
        assert not [p for p in server.processes() if "--master-of-guardian" in p.arguments]


def test_supervisor_none_serves_in_this_process_whatever_the_descriptors() -> None:
    with Server(filters=ACCEPT, config="server: {supervisor: none}\n") as server:
        wait_until("the socket", server.socket_path.exists)
        assert not [p for p in server.processes() if "--master-of-guardian" in p.arguments]
        server.close_stdin()
        assert server.ask() == ACCEPTED
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0


def test_supervisor_courierfilter_is_served_without_its_descriptors_too() -> None:
    server = Server(filters=ACCEPT, config="server: {supervisor: courierfilter}\n")
    with server.start(wait=False, closed=[0, 3]):
        wait_until("the socket", server.socket_path.exists)
        assert server.ask() == ACCEPTED
        assert server.master_pid() != 0
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0


def test_sighup_during_the_start_is_not_lost_and_does_no_harm() -> None:
    with Server(filters={"accept": "import time\ntime.sleep(0.5)\n" + ACCEPT["accept"]}).start(wait=False) as server:
        wait_until("the first master", server.master_pid)
        server.signal(signal.SIGHUP)
        server.wait_ready()
        server.wait_for_log("generation 2 serves")
        assert server.ask() == ACCEPTED
        assert not [line for line in server.log_lines() if "ended unasked" in line]


# --- What cannot be used


def test_pitfall_3_an_unusable_configuration_defers_all_mail_until_it_is_mended() -> None:
    server = Server(filters=ACCEPT)
    server.write_raw_config(UNUSABLE)
    with server.start() as server:  # returns, so fd 3 was closed
        assert server.ask().startswith(b"451 4.3.0 ")
        server.wait_for_log(rf"ERR: .*{server.config_path}:3:3: .*on_stpo.*on_stop")
        server.wait_for_log(rf"send SIGHUP to process {server.pid}\b")
        assert server.master_pid() == 0
        server.write_config(chain=["accept"])
        server.signal(signal.SIGHUP)
        wait_until("mail to be filtered", lambda: filtering(server))
        assert server.stop() == 0


def test_without_any_configuration_mail_is_deferred() -> None:
    server = Server(filters=ACCEPT)
    server.config_path.unlink()
    with server.start() as server:
        assert server.ask().startswith(b"451 4.3.0 ")
        server.wait_for_log("no configuration file found; looked for")


def test_sighup_tells_again_what_is_wrong() -> None:
    server = Server(filters=ACCEPT)
    server.write_raw_config(UNUSABLE)
    with server.start() as server:
        server.wait_for_log("send SIGHUP")
        seen = len(server.log_lines())
        server.signal(signal.SIGHUP)
        server.wait_for_log(":3:3: ", after=seen)
        assert server.ask().startswith(b"451 4.3.0 ")


def test_pitfall_6_a_mended_configuration_may_move_the_socket() -> None:
    server = Server(filters=ACCEPT)
    server.write_raw_config(UNUSABLE)
    with server.start() as server:
        everybody, selective = server.socket_path, server.spool.path / "filters" / server.name
        wait_until("a socket in allfilters", everybody.exists)
        server.write_config("server: {socket: selective}\n", ["accept"])
        server.signal(signal.SIGHUP)
        server.socket_path = selective
        wait_until("a socket in filters", selective.exists)
        wait_until("mail to be filtered", lambda: filtering(server))
        assert not everybody.exists()


def test_a_configuration_that_broke_unnoticed_defers_mail_when_the_master_dies() -> None:
    with Server(filters=ACCEPT) as server:
        server.write_raw_config(UNUSABLE)
        os.kill(server.master_pid(), signal.SIGKILL)
        assert server.ask().startswith(b"451 4.3.0 ")
        server.wait_for_log("guardian: .*configuration cannot be used")
        server.write_config(chain=["accept"])
        server.signal(signal.SIGHUP)
        wait_until("mail to be filtered", lambda: filtering(server))


def test_sighup_with_an_unusable_configuration_leaves_the_running_one_in_force() -> None:
    with Server(filters=ACCEPT) as server:
        master = server.master_pid()
        server.write_raw_config(UNUSABLE)
        server.signal(signal.SIGHUP)
        server.wait_for_log(":3:3: ")
        assert server.ask() == ACCEPTED
        assert server.master_pid() == master


def test_a_silent_client_is_answered_when_nobody_can_filter() -> None:
    server = Server(filters=ACCEPT)
    server.write_raw_config(UNUSABLE)
    with server.start() as server, server.connect() as silent:
        assert server.ask().startswith(b"451 4.3.0 ")  # the silent one delays nobody
        assert silent.read_reply().startswith(b"451 4.3.0 ")


def test_a_missing_socket_directory_is_told_once_and_tried_again() -> None:
    server = Server(filters=ACCEPT)
    everybody = server.spool.path / "allfilters"
    everybody.rmdir()
    with server.start() as server:  # returns, so fd 3 was closed
        server.wait_for_log(rf"has no socket, so mail may pass unfiltered .*create {everybody} ")
        everybody.mkdir()
        os.chown(everybody, server.account.pw_uid, server.account.pw_gid)
        wait_until("the socket, without a signal", server.socket_path.exists, 20.0)
        wait_until("mail to be filtered", lambda: filtering(server))
        assert len([line for line in server.log_lines() if "has no socket" in line]) == 1
