"""The same Python in the server: its worker registers the files of each message, and the API follows."""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.samples import sample
from support.server import Server
from support.spool import records

CHANGE = """
    import courier.control
    import courier.xfilter

    def do_filter(body_path, control_paths):
        for number in (1, 2):
            message = courier.xfilter.XFilter("change", body_path, control_paths)
            message.get_message()["X-Number"] = str(number)
            message.submit()
        courier.control.del_recipient(control_paths, "bob@example.net")
        courier.control.add_recipient(control_paths, "eve@example.net")
        return ""
"""
CHAIN = """
    filters:
      - debug
      - log_aliases
      - change
      - whitelist_auth
      - attachments
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"change": CHANGE}, config=CHAIN) as running:
        yield running


def test_every_filter_says_that_it_is_ready(server: Server) -> None:
    for name in ("debug", "log_aliases", "whitelist_auth", "attachments"):
        server.wait_for_log(f"Initialized filter {name}")


def test_message_and_envelope_are_changed(server: Server) -> None:
    message = server.spool.message()
    before = message.body
    assert server.ask_message(message) == b"200 Ok\n"
    assert message.body == before.replace(b"\n\n", b"\nX-Number: 1\nX-Number: 2\n\n", 1)
    assert message.controls[0].endswith(b"\nreve@example.net\nR\nN\n") and b"\nS0 " in message.controls[0]
    server.wait_for_log("debug: filtering a message")
    server.wait_for_log("original recipient <bob@example.net>")


def test_attachments_are_refused_and_users_are_not_asked(server: Server) -> None:
    exe = sample("exe-attachment")
    assert server.ask(exe).startswith(b"554 5.7.1 ")
    assert server.ask(exe, [records(auth_user="alice")]) == b"200 Ok\n"


def test_a_file_that_has_come_under_the_path_of_this_message_is_not_touched() -> None:
    source = """
        import os
        import shutil
        import courier.control

        def do_filter(body_path, control_paths):
            shutil.copy(control_paths[0], control_paths[0] + ".new")
            os.rename(control_paths[0] + ".new", control_paths[0])
            try:
                courier.control.add_recipient(control_paths, "eve@example.net")
            except OSError as error:
                return "250 " + str(error).split(": ")[-1]
    """
    with Server(filters={"stranger": source}) as running:
        message = running.spool.message()
        assert running.ask_message(message) == b"250 the file now belongs to another message, nothing was written\n"
        assert b"eve@" not in message.controls[0]
