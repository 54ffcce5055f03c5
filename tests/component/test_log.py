"""The log: never in the way of mail, one line for one thing, nothing in it that a terminal or a logger could act on.

Shown at the pipe that the server got as stdout and stderr, where courierfilter's logger reads.
"""
from __future__ import annotations

import os
import re
import signal
import time

from support.server import Server
from support.spool import records
from support.wait import wait_until

ACCEPTED = b"200 Ok\n"
MAX_LINE = 4000   # bytes with LF: one write into a shared pipe that is not torn apart
MANY = 400        # messages
LOG_PAUSE = 0.01  # seconds in which the lines of messages are gathered
QUICK = 5.0       # seconds: "not blocked", on a machine that has other work
CHATTY = """
    import sys
    def do_filter(body, controls):
        for number in range(200):
            print(number, 'x' * 1500, file=sys.stderr)
        return ''
    """
# Everything a filter or a sender may put into a line to look like another one.
HOSTILE = r"""
import os
def init_filter():
    os.write(2, b'init \x1b[2J\r\0 \xff\n')
def do_filter(body, controls):
    os.write(2, b'escape \x1b[31m bell \x07 return \rERR: forged null \0 delete \x7f ')
    os.write(2, b'c1 \x9b \xc2\x9b not utf-8 \xff\xc0\xaf\n')
    os.write(2, b'long ' + b'\x01' * 10000 + b'\n')
    os.write(2, 'valid: \u00e4\u20ac\n'.encode())
    os.write(1, b'no newline at the end')
    raise ValueError('first\nERR: second \x1b[0m\r\nthird ' + 'y' * 10000)
"""


def assert_harmless(lines: list[str]) -> None:
    """What LogReader decodes with U+FFFD was not UTF-8."""
    for line in lines:
        assert len(line.encode()) < MAX_LINE, line
        assert not re.search("[\x00-\x1f\x7f-\x9f\ufffd]", line), ascii(line)


def test_a_log_that_nobody_reads_blocks_no_mail_and_the_loss_is_told() -> None:
    with Server(filters={"chatty": CHATTY}) as server:
        assert server.ask() == ACCEPTED
        server.pause_log()
        for _ in range(10):  # 3 MB: more than the pipe and the buffer take
            begin = time.monotonic()
            assert server.ask(timeout=QUICK) == ACCEPTED
            assert time.monotonic() - begin < QUICK
        server.resume_log()
        told_of_loss = re.compile(r"WARN: [1-9]\d* log lines dropped: the log did not take them")
        wait_until("a word about the loss", lambda: server.ask() == ACCEPTED and any(
            told_of_loss.fullmatch(line) for line in server.log_lines()))
        lines = server.log_lines()
        dropped = sum(int(line.split()[1]) for line in lines if "log lines dropped" in line)
        told = sum("xxxx" in line for line in lines)
        asked = sum(" verdict=" in line for line in lines)
        assert dropped > 0 and told > 0 and asked > 0
        assert all(len(line) > 1500 for line in lines if "xxxx" in line), "no line is torn apart"


def test_lines_of_messages_that_come_close_together_are_written_together() -> None:
    server = Server(filters={"quick": "def do_filter(body, controls):\n    return ''\n"})
    try:
        server.start(log_in_pieces=True)
        message, before, begin = server.spool.message(), server.log_pieces(), time.monotonic()
        for _ in range(MANY):
            assert server.ask_message(message) == ACCEPTED
        wait_until("the lines of all", lambda: sum(" verdict=accept" in line for line in server.log_lines()) == MANY)
        full = sum(len(line) + 1 for line in server.log_lines()) / (MAX_LINE / 2)
        pauses = (time.monotonic() - begin) / LOG_PAUSE
        assert server.log_pieces() - before <= full + pauses + 1
    finally:
        server.close()


def test_the_server_stops_although_nobody_reads_its_log() -> None:
    with Server(filters={"chatty": CHATTY}) as server:
        server.pause_log()
        for _ in range(10):
            assert server.ask() == ACCEPTED
        begin = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begin < 2 * QUICK
        server.resume_log()


def test_a_log_whose_reader_is_gone_blocks_no_mail() -> None:
    """What is left of courierlogger when it was killed: a pipe without a reader."""
    with Server(filters={"chatty": CHATTY}) as server:
        assert server.ask() == ACCEPTED
        server.break_log()
        for _ in range(3):
            assert server.ask(timeout=QUICK) == ACCEPTED
        assert server.stop() == 0


def test_what_a_filter_prints_is_printable_and_one_line_each() -> None:
    with Server(filters={"hostile": HOSTILE}) as server:
        assert server.ask().startswith(b"451 4.3.0 ")
        server.wait_for_log(r"init \\x1b\[2J\\x0d\\x00 \\xff$")
        server.wait_for_log(r"^\[default/\d \S+\] escape \\x1b\[31m bell \\x07 return \\x0dERR: forged null \\x00 "
                            r"delete \\x7f c1 \\x9b \\xc2\\x9b not utf-8 \\xff\\xc0\\xaf$")
        server.wait_for_log("valid: ä€$")
        server.wait_for_log("no newline at the end$")
        server.wait_for_log(
            r"^WARN: filter hostile: exception: .*ValueError.*; policy defer; message \S+ worker default/\d$")
        server.wait_for_log("message .* verdict=defer")
        assert_harmless(server.log_lines())
        assert not [line for line in server.log_lines() if line.startswith("ERR:")]


def test_what_a_sender_says_is_printable_and_cannot_forge_a_line() -> None:
    source = "def do_filter(body, controls):\n    return '550 no \\x1b[31m \\u20ac\\nWARN: forged'\n"
    forged = b"evil\x1b[2J\r\x07\xff verdict=accept\"<>@example.com"
    control = records().replace(b"salice@example.com", b"s" + forged)
    control = control.replace(b"rbob@example.net", b"r" + b"\x9b\xff" * 5000 + b"@example.net")
    with Server(filters={"refuses": source}) as server:
        assert server.ask(controls=[control]).startswith(b"550")
        line = server.wait_for_log(r"^message id=\S+ from=<evil\\x1b\[2J")
        assert re.search(r"> size=\d+ verdict=reject by=refuses total=", line), line
        server.wait_for_log(r"^pythonfilter refuses reject,from=<evil\\x1b\[2J")
        assert_harmless(server.log_lines())


def test_paths_that_reach_no_worker_are_printable() -> None:
    with Server(filters={"chatty": CHATTY}) as server:
        with server.connect() as client:
            client.send(b"/tmp/\x1b[2J\rERR: forged \xff" + b"/x" * 3000 + b"\n/tmp/control\n\n")
            assert client.read_reply().startswith(b"451 4.3.0 ")
        server.wait_for_log("^message id=/tmp/")
        assert_harmless(server.log_lines())


def test_levels_are_what_couriers_logger_reads() -> None:
    with Server(filters={"chatty": "def do_filter(body, controls):\n    raise OSError('no')\n"}) as server:
        assert server.ask().startswith(b"451 4.3.0 ")
        server.wait_for_log("^WARN: filter chatty: exception: ")
        server.wait_for_log("^message id=")
        server.write_raw_config("filters: [\n")
        server.signal(signal.SIGHUP)
        server.wait_for_log("^ERR: reload: ")
        assert server.stop() == 0
        server.wait_for_log("^stopped: 0 messages accepted, 1 deferred, 0 rejected, 0 without a client$")


def test_the_flags_of_the_shared_pipe_are_left_alone() -> None:
    """Courier's other filters write into the same pipe and expect to be blocked."""
    with Server(filters={"chatty": CHATTY}) as server:
        assert server.ask() == ACCEPTED
        for fd in (1, 2):
            flags = open(f"/proc/{server.pid}/fdinfo/{fd}").read()
            assert not int(re.search(r"flags:\s+(\d+)", flags).group(1), 8) & os.O_NONBLOCK  # type: ignore[union-attr]
