"""Filters that return within half a microsecond: the worker asks the kernel less (look_policy.h), and nothing is lost.

On a machine that is too slow for that, the same holds by the other way.
"""
from __future__ import annotations

import re
import textwrap

from support.server import Server
from support.spool import records

ACCEPTED = b"200 Ok\n"
ONE_WORKER = "pools: {default: {workers: 1}}\n"


def replies(server: Server, count: int, controls: int = 1) -> list[bytes]:
    """Of so many messages that come at once, in order."""
    messages = [server.spool.message(controls=[records()] * controls) for _ in range(count)]
    return [client.read_reply() for client in [server.send(message) for message in messages]]


def turning(before: str, once: str, later: str) -> str:
    """A filter that does `once` with its 20th message and returns `later` for those that come then."""
    return (f"{before}\ncount = 0\ndef do_filter(body_path, control_paths):\n    global count\n    count += 1\n"
            f"    if count == 20:\n        {once}\n    return '' if count <= 20 else {later}\n")


def test_a_leak_in_no_time_ends_the_worker_before_it_does_harm() -> None:
    source = "from posix import dup\ndef do_filter(body_path, control_paths):\n    dup(0)\n    return ''\n"
    with Server(filters={"leaky": source}, config=ONE_WORKER) as running:
        [first] = running.worker_pids()
        assert replies(running, 400) == [ACCEPTED] * 400
        line = running.wait_for_log("filters leave more and more open descriptors")
        grown = re.search(r"\((\d+) more than at the start\), most of them: filter leaky", line)
        assert grown and 64 <= int(grown[1]) <= 64 + 200
        assert running.worker_pids() != [first]


# The control files are open at the lowest numbers while their message runs (task_files.h).
def test_a_filter_that_closes_what_it_has_not_opened_keeps_what_it_opens_there() -> None:
    source = """\
        import os
        from courier import control
        kept = None
        def do_filter(body_path, control_paths):
            global kept
            if kept is None:
                os.closerange(3, 100)
                kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(5)]
                control.del_recipient(control_paths, 'second@example.net')
            return f'250 {[os.readlink(f"/proc/self/fd/{fd}") for fd in kept]}'
        """
    with Server(filters={"closes": source}, config=ONE_WORKER) as running:
        before, kept = running.worker_pids(), f"250 {['/dev/null'] * 5}\n".encode()
        assert running.ask(controls=[records(recipients=["first@example.net", "second@example.net"])]) == kept
        running.wait_for_log("filter=closes removed recipient <second@example.net>")
        assert [running.ask() for _ in range(120)] == [kept] * 120
        assert running.worker_pids() == before
        assert not [line for line in running.log_lines() if re.search("put back|more and more|ended", line)]


def test_what_is_closed_in_no_time_is_open_for_the_next_message() -> None:
    source = turning("from posix import close, fstat", "close(0)", "fstat(0) and ''")
    with Server(filters={"closes": source}, config=ONE_WORKER) as running:
        assert replies(running, 40) == [ACCEPTED] * 40
        running.wait_for_log("filter closes changed the standard descriptors")


def test_control_files_never_take_the_place_of_a_standard_descriptor() -> None:
    source = turning("import os", "os.closerange(0, 256)",
                     "f'250 {[os.readlink(f\"/proc/self/fd/{fd}\").split(\":\")[0] for fd in range(3)]}'")
    with Server(filters={"closes": source}, config=ONE_WORKER) as running:
        assert replies(running, 20, controls=2) == [ACCEPTED] * 20
        expected = f"250 {['/dev/null', 'pipe', 'pipe']}\n".encode()
        assert replies(running, 5, controls=2) + replies(running, 5) == [expected] * 10
        told = [line for line in running.log_lines() if "where the standard descriptors lead" in line]
        assert len(told) <= 1


def test_what_is_printed_in_no_time_has_its_own_message_as_label() -> None:
    source = """\
        import sys
        write = sys.stdout.write
        def do_filter(body_path, control_paths):
            write(body_path)
            return ''
        """
    with Server(filters={"prints": textwrap.dedent(source)}, config=ONE_WORKER) as running:
        messages = [running.spool.message() for _ in range(100)]
        labels = {str(message.body_path): message.id for message in messages}
        assert [client.read_reply() for client in [running.send(message) for message in messages]] == [ACCEPTED] * 100
        running.wait_for_log(re.escape(str(messages[-1].body_path)) + "$")
        lines = [re.fullmatch(r"\[default/1 (\S+)\] (/\S+)", line) for line in running.log_lines()]
        assert {line[2]: line[1] for line in lines if line} == labels


def test_what_takes_the_place_of_a_control_file_in_no_time_stays_open() -> None:
    before = ("from posix import close, dup2, open, readlink\n"
              "kept, lowest = open('/dev/null', 0), open('/dev/null', 0)\nclose(lowest)")
    source = turning(before, "dup2(kept, lowest)", "'250 ' + readlink(f'/proc/self/fd/{lowest}')")
    with Server(filters={"takes": source}, config=ONE_WORKER) as running:
        assert replies(running, 20) == [ACCEPTED] * 20
        assert replies(running, 30) == [b"250 /dev/null\n"] * 30
