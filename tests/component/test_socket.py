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
    """What is in the two directories, "directory/name", with and without dots."""
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
        assert entries(server) == mine


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
        assert entries(server) == []
        server.start()
        assert entries(server) == ["allfilters/pythonfilter"]
        assert server.ask() == REJECTED
