"""The canary: a message that a reload sends through the new chain before it is put in force."""
from __future__ import annotations

import os
import signal
import time

import pytest
from support.ctl import FAILED, Ctl
from support.server import Server

CANARY = b"From: canary@example.com\nSubject: canary\n\nnothing\n"
ACCEPTED = b"200 Ok\n"
SAYS = "def do_filter(body, controls): return {reply!r}\n"
# Answers as the subject of a message asks, and changes its file.
CHANGES = """
import courier.control
import courier.xfilter
def do_filter(body, controls):
    data = courier.control.get_control_data(controls)
    assert data['s'] == '' and data['r'] == [['postmaster', '', '']], data
    message = courier.xfilter.XFilter('change', body, controls)
    message.get_message()['X-Seen'] = 'yes'
    return message.submit()
"""


def canary_server(source: str, *, canary: bool = True, more: str = "", pool: str = "") -> Server:
    server = Server(filters={"one": SAYS.format(reply="")})
    (server.etc / "canary.eml").write_bytes(CANARY)
    server.start()
    configure(server, source, canary=canary, more=more, pool=pool)
    return server


def configure(server: Server, source: str, *, canary: bool = True, more: str = "", pool: str = "") -> None:
    server.write_filter("two", source)
    keys = f"server: {{canary: {{message: {server.etc}/canary.eml{more}}}}}\n" if canary else ""
    server.write_config(f"{keys}filters: [{{filter: two{pool}}}]\n")


def reload(server: Server) -> str:
    """What the log says of the end."""
    mark = server.log_mark()
    server.signal(signal.SIGHUP)
    return server.wait_for_log(r"generation \d+ (serves|is given up)|configuration cannot be used", after=mark)


def left_in_spool(server: Server) -> list[str]:
    return [name for name in os.listdir(server.spool.path / "tmp") if "canary" in name]


@pytest.mark.parametrize("pool", ["", ", pool: {exclusive: true, workers: 1}"])
def test_a_chain_that_refuses_it_is_not_put_in_force(pool: str) -> None:
    with canary_server(SAYS.format(reply="550 everything"), pool=pool) as server:
        assert "given up" in reload(server)
        server.wait_for_log("was expected to end with accept, and got: 550 everything")
        assert server.ask() == ACCEPTED
        configure(server, SAYS.format(reply=""), pool=pool)
        assert "serves" in reload(server)
        assert left_in_spool(server) == []


def test_who_asked_for_the_reload_hears_the_reason() -> None:
    with canary_server(SAYS.format(reply="451 broken")) as server:
        done = Ctl(server).run("reload")
        assert done.returncode == FAILED and "and got: 451 broken" in done.stdout + done.stderr


def test_it_may_be_one_that_must_be_refused() -> None:
    with canary_server(SAYS.format(reply="550 virus"), more=", expect: reject") as server:
        assert "serves" in reload(server)
        assert server.ask() == b"550 virus\n"


def test_it_is_a_message_like_any_other() -> None:
    with canary_server(CHANGES) as server:
        assert "serves" in reload(server)
        assert left_in_spool(server) == []
        assert (server.etc / "canary.eml").read_bytes() == CANARY


def test_without_its_file_there_is_no_reload() -> None:
    with canary_server(SAYS.format(reply="")) as server:
        (server.etc / "canary.eml").unlink()
        assert "given up" in reload(server)
        server.wait_for_log("no canary: .*canary.eml: No such file")
        assert server.ask() == ACCEPTED


def test_a_stop_does_not_wait_for_it() -> None:
    with canary_server("import time\ndef do_filter(body, controls): time.sleep(50)\n") as server:
        server.signal(signal.SIGHUP)
        server.wait_for_log("generation 2 is being proved")
        begin = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begin < 14
