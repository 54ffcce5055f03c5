"""The socket in Courier's directories: one name, one directory, no moment in which mail could pass.

Every entry of filters/ and allfilters/ that does not begin with a dot is asked about mail by Courier, and is deleted by
courierfilter unless it is named like a filter that it started. A name with a pitfall number is the check for that row
of the list of pitfalls.
"""
from __future__ import annotations

import os
import signal
import socket
import threading

import pytest
from support.server import Server
from support.wait import wait_until

REJECT = {"reject": "def do_filter(body, controls):\n    return '550 seen'\n"}
REJECTED = b"550 seen\n"


def entries(server: Server) -> list[str]:
    """What Courier sees in the two directories, "directory/name": it overlooks names that begin with a dot."""
    return [entry for entry in all_entries(server) if "/." not in entry]


def all_entries(server: Server) -> list[str]:
    return sorted(f"{path.parent.name}/{path.name}" for path in server.spool.path.glob("*filters/*"))


@pytest.mark.parametrize("name", ["pythonfilter", "another-name"])
def test_pitfall_05_there_is_one_socket_whatever_happens(name: str) -> None:
    with Server(name=name, filters=REJECT) as server:
        mine = [f"allfilters/{name}"]
        assert entries(server) == mine
        assert server.ask() == REJECTED
        server.signal(signal.SIGHUP)
        server.wait_for_log("generation 2 serves")
        assert entries(server) == mine
        dead = server.master_pid()
        os.kill(dead, signal.SIGKILL)
        wait_until("another master", lambda: server.master_pid() not in (0, dead))
        assert server.ask() == REJECTED
        assert entries(server) == mine
        assert server.stop() == 0
        assert all_entries(server) == mine


@pytest.mark.parametrize(("where", "stale"), [("all", "filters"), ("selective", "allfilters")])
def test_pitfall_06_the_same_name_in_the_other_directory_goes(where: str, stale: str) -> None:
    server = Server(filters=REJECT, config=f"server: {{socket: {where}}}\n")
    left = server.spool.path / stale / server.name
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left))
    server.socket_path = server.spool.path / ("allfilters" if where == "all" else "filters") / server.name
    with server:
        assert not left.exists()
        assert server.ask() == REJECTED


def test_pitfall_07_a_start_over_a_dead_socket_never_leaves_a_moment_without_one() -> None:
    with Server(filters=REJECT) as server:
        assert server.stop() == 0
        seen: set[str] = set()
        end = threading.Event()

        def look() -> None:
            while not end.is_set():
                try:
                    with socket.socket(socket.AF_UNIX) as probe:
                        probe.connect(str(server.socket_path))
                    seen.add("connected")
                except OSError as error:
                    seen.add("refused after it was connected" if "connected" in seen else type(error).__name__)

        looker = threading.Thread(target=look)
        looker.start()
        try:
            server.start()
            wait_until("a connection", lambda: "connected" in seen)
        finally:
            end.set()
            looker.join()
        assert seen == {"ConnectionRefusedError", "connected"}


def test_a_stop_that_shall_let_mail_pass_takes_the_socket_along_and_a_start_brings_it_back() -> None:
    with Server(filters=REJECT, config="server: {on_stop: pass}\n") as server:
        assert server.stop() == 0
        assert all_entries(server) == []
        server.start()
        assert entries(server) == ["allfilters/pythonfilter"]
        assert server.ask() == REJECTED


# --- Somebody removes the socket. Without it Courier asks nobody, and mail passes unfiltered.

MODES = ["courierfilter", "foreground"]


@pytest.mark.parametrize("mode", MODES)
def test_a_removed_socket_is_put_back_and_leads_to_the_same_server(mode: str) -> None:
    with Server(mode=mode, filters=REJECT) as server:
        master = server.master_pid()
        for _ in range(3):
            server.socket_path.unlink()
            wait_until("the socket is back", server.socket_path.is_socket)
            assert server.ask() == REJECTED
        assert server.master_pid() == master
        server.wait_for_log("somebody removed the socket .*; it is back")
        assert entries(server) == [f"allfilters/{server.name}"]


@pytest.mark.parametrize("mode", MODES)
def test_a_socket_that_was_renamed_away_is_put_back(mode: str) -> None:
    with Server(mode=mode, filters=REJECT) as server:
        server.socket_path.rename(server.socket_path.with_name("elsewhere"))
        wait_until("the socket is back", server.socket_path.is_socket)
        assert server.ask() == REJECTED


@pytest.mark.parametrize("mode", MODES)
def test_when_the_whole_directory_is_emptied_a_new_socket_is_made(mode: str) -> None:
    with Server(mode=mode, filters=REJECT) as server:
        # The spare link first: else the name would be put back from it at once.
        for name in (f".{server.name}", server.name):
            (server.socket_path.parent / name).unlink()
        server.wait_for_log("was removed and cannot be put back .*: there is a new one")
        wait_until("the socket is back", server.socket_path.is_socket)
        assert server.ask() == REJECTED


@pytest.mark.parametrize("mode", MODES)
def test_a_directory_that_goes_and_comes_again_gets_a_socket(mode: str) -> None:
    with Server(mode=mode, filters=REJECT) as server:
        directory = server.socket_path.parent
        directory.rename(directory.with_name("gone"))
        server.wait_for_log("was removed and cannot be put back .*: .*create ")
        directory.mkdir(mode=0o750)
        os.chown(directory, *(getattr(directory.with_name("gone").stat(), part) for part in ("st_uid", "st_gid")))
        wait_until("a socket", server.socket_path.is_socket)
        assert server.ask() == REJECTED


@pytest.mark.parametrize("mode", MODES)
def test_the_socket_of_another_server_is_left_alone(mode: str) -> None:
    with Server(mode=mode, filters=REJECT) as server, socket.socket(socket.AF_UNIX) as other:
        beside = server.socket_path.with_name("other")
        other.bind(str(beside))
        other.listen()
        number = beside.stat().st_ino
        beside.rename(server.socket_path)
        other.settimeout(10)
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(server.socket_path))
            other.accept()[0].close()
        assert server.socket_path.stat().st_ino == number
