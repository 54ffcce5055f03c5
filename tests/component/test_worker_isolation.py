"""The clean slate a worker starts from, and what of a filter's output and of hostile mail reaches the log.

One server; each message brings the Python text that the filter runs. Must never depend on the settings of the machine.
"""
from __future__ import annotations

import re
import resource
from collections.abc import Iterator

import pytest
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.spool import records

ACCEPTED = b"200 Ok\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"script": SCRIPT_FILTER}, config="pools: {default: {workers: 1}}\n") as running:
        yield running


@pytest.mark.parametrize(("expression", "value"), [
    ("sys.executable", "/usr/bin/python3"),
    ("len(sys.argv) >= 1", "True"),
    ("sys.flags.utf8_mode", "1"),
    ("sys.getfilesystemencoding()", "utf-8"),
    ("sys.stdout.encoding", "utf-8"),
    ("__import__('locale').getpreferredencoding()", "utf-8"),
    ("__import__('signal').pthread_sigmask(0, [])", "set()"),
    ("[n for n in range(1, 65) if n not in OURS and __import__('signal').getsignal(n) != 0]", "[]"),
    ("sys.stdin.read()", ""),
    ("os.readlink('/proc/self/fd/0')", "/dev/null"),
    ("os.path.samefile('/proc/self/fd/1', '/proc/self/fd/2')", "True"),
    ("os.access(os.getcwd(), os.R_OK | os.X_OK)", "True"),
    ("__import__('threading').active_count()", "1"),
    ("os.getpgid(0) == os.getpid()", "True"),
    ("oct(os.stat('/proc/self').st_uid) == oct(os.getuid())", "True"),
    ("__import__('subprocess').check_output([sys.executable, '-c', 'print(1)'])", r"b'1\n'"),
    ("'HOME' in os.environ and 'PATH' in os.environ", "True"),
], ids=lambda value: value[:44])
def test_pitfall_8_the_clean_slate(server: Server, expression: str, value: str) -> None:
    ours = "OURS = 2, 13, 25, 32, 33, 41, 42\n"  # Python's, those of the C library, those that ask for a traceback
    reply = server.ask(script(f"import os, sys\n{ours}value = {expression}\nreply = f'550 <{{value}}>'"))
    assert reply == f"550 <{value}>\n".encode()


def test_the_limit_on_open_files_is_the_one_the_server_was_started_with(server: Server) -> None:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    text = "import resource\nreply = f'550 {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}'"
    assert server.ask(script(text)) == b"550 %d\n" % soft


def test_pitfall_9_a_broken_pipe_is_an_error_in_the_filter_and_the_default_in_its_children(server: Server) -> None:
    text = """\
        import os, subprocess
        read_end, write_end = os.pipe()
        os.close(read_end)
        try:
            os.write(write_end, b'x')
        except BrokenPipeError:
            reply = '550 raised '
        reply += str(subprocess.run(['sh', '-c', 'kill -PIPE $$']).returncode)
        """
    assert server.ask(script(text)) == b"550 raised -13\n"


def test_workers_do_not_share_their_random_numbers() -> None:
    source = """\
        import random, time
        def do_filter(b, c):
            time.sleep(0.3)
            return f'550 {random.random()}'
        """
    with Server(filters={"random_one": source}, config="pools: {default: {workers: 2}}\n") as running:
        messages = [running.spool.message() for _ in range(2)]
        clients = [running.send(message) for message in messages]
        assert len({client.read_reply() for client in clients}) == 2


def test_temporary_files_of_one_worker_are_not_in_anothers_way(server: Server) -> None:
    text = """\
        import os, stat, tempfile
        with tempfile.NamedTemporaryFile() as file:
            place = os.path.dirname(file.name)
            mode = stat.S_IMODE(os.stat(place).st_mode)
            reply = f'550 {place == os.environ["TMPDIR"]} {mode & 0o077:o} {os.getpid()} {place}'
        """
    first = server.ask(script(text)).split()
    assert first[1:3] == [b"True", b"0"]
    server.ask(script("import os; os._exit(1)"))
    second = server.ask(script(text)).split()
    assert second[1:3] == [b"True", b"0"] and second[3] != first[3]


# --- Output -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "told"), [
    ("print('hello')", "hello"),
    ("import sys\nprint('to stderr', file=sys.stderr)", "to stderr"),
    ("import os\nos.write(2, b'raw\\n')", "raw"),
    ("import os\nos.system('echo from a shell')", "from a shell"),
    ("import ctypes\nctypes.CDLL(None).puts(b'from C')", "from C"),
    ("print('caf\\xe9')", "caf\xe9"),
    ("print('half', end='')", "half"),
    ("print('\\udcff surrogate')", r"\\\\udcff surrogate"),
    ("import os\nos.write(1, b'\\x1b[31m \\x00 \\xff\\n')", r"\\x1b\[31m \\x00 \\xff"),
    ("import warnings\nwarnings.warn('beware')", "UserWarning: beware"),
    ("import logging\nlogging.error('logged')", "ERROR:root:logged"),
], ids=lambda value: value[-30:])
def test_what_a_filter_prints_is_logged_with_worker_and_message(server: Server, text: str, told: str) -> None:
    after = server.log_mark()
    assert server.ask(script(text)) == ACCEPTED
    if "half" in text:
        server.ask(script("print()"))
    server.wait_for_log(rf"^\[default/1 [0-9A-F]{{16}}\.[0-9A-F.]+\] .*{told}", after=after)


def test_a_long_line_is_logged_in_pieces(server: Server) -> None:
    after = server.log_mark()
    assert server.ask(script("import sys\nsys.stderr.write('y' * 200_000 + '\\nend\\n')")) == ACCEPTED
    server.wait_for_log(r"\] end$", after=after)
    pieces = [line for line in server.log_lines()[after:] if line.endswith("yyy")]
    assert sum(piece.count("y") for piece in pieces) == 200_000 and max(map(len, pieces)) <= 4096


def test_a_flood_does_not_block_the_server(server: Server) -> None:
    """What the log does not take in time is dropped, not waited for."""
    assert server.ask(script("import sys\nsys.stderr.write('y' * 20_000_000)"), timeout=20.0) == ACCEPTED
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    assert max(len(line) for line in server.log_lines()) <= 4096


# --- The lines of a message -------------------------------------------------------------------------------------------


def test_the_lines_of_a_refused_message(server: Server) -> None:
    after = server.log_mark()
    body = script("sum(range(300_000))\nimport time\ntime.sleep(0.02)\nreply = '550-one\\n550 two'")
    assert server.ask(body, [records("a@x.test", ["b@y.test", "c@y.test"])]) == b"550-one\n550 two\n"
    line = server.wait_for_log(r"^message id=.* from=<a@x\.test>", after=after)  # the reply goes before the line
    found = re.fullmatch(
        r"message id=([0-9A-F.]+) from=<a@x\.test> to=<b@y\.test>,<c@y\.test> size=(\d+) verdict=reject by=script"
        r" total=([\d.]+)ms wait=[\d.]+ms worker=default/1 filters=script:([\d.]+)ms/([\d.]+)ms", line)
    assert found and int(found[2]) == len(body)
    total, wall, cpu = (float(found[n]) for n in (3, 4, 5))
    assert total >= wall >= 20.0 and 0 < cpu <= wall - 15.0
    head = r"^pythonfilter script reject,from=<a@x\.test>,addr="
    for address in ("b@y.test", "c@y.test"):
        server.wait_for_log(rf"{head}<{re.escape(address)}>: 550-one / 550 two$", after=after)
    spent = f"{cpu / 1000:.6f}"
    accounting = rf"^CPU TIME ACCOUNTING: {found[1]} processed with {spent} seconds: \(script\({spent}\)\)$"
    server.wait_for_log(accounting, after=after)


def test_hostile_envelopes_cannot_forge_log_lines(server: Server) -> None:
    after = server.log_mark()
    sender = "x>\x1b[2J\x7f <forged@x.test"
    recipients = ["\u202ereversed@y.test", "a b@y.test", "y" * 5000]
    assert server.ask(script("reply = '550 no\\x1b[2J'"), [records(sender, recipients)]) == b"550 no?[2J\n"
    line = server.wait_for_log("^message id=.*forged", after=after)
    assert r"from=<x\x3e\x1b[2J\x7f\x20\x3cforged@x.test>" in line and " verdict=reject by=script " in line
    server.wait_for_log("^CPU TIME", after=after)
    assert all("\x1b" not in each and len(each) <= 4096 for each in server.log_lines()[after:])


def test_pitfall_22_more_messages_at_once_than_workers_all_get_their_own_answer(server: Server) -> None:
    messages = [server.spool.message(script(f"import time\ntime.sleep(0.002)\nreply = '550 {n}'")) for n in range(150)]
    clients = [server.send(message) for message in messages]
    assert [client.read_reply() for client in clients] == [b"550 %d\n" % n for n in range(150)]
