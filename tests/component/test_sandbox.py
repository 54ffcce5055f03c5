"""The sandbox: what the table of pythonfilter-sandbox(7) says is what the kernel does, for each preset and kernel.

The table is read from the manual page; each of its rows is a probe that a filter runs inside a worker. Older kernels
are played by capping the Landlock ABI. Must never depend on a newer kernel than the table names: what that
lacks is expected.
"""
from __future__ import annotations

import ctypes
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sandbox_probes import PROBES, probe_filter
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server, mail_user
from support.spool import records

ACCEPTED = b"200 Ok\n"
MANUAL = Path(__file__).resolve().parents[2] / "man" / "pythonfilter-sandbox.7"
COLUMNS = {
    "off": "off", "standard": "standard", "strict": "strict",
    "strict, network: unix": "{preset: strict, network: unix}",
}
LANDLOCK_CREATE_RULESET = 444
KERNEL_ABI = min(7, max(0, ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)))


def table() -> dict[str, dict[str, str]]:
    """The rows of the manual's table: what is tried -> column -> cell."""
    text = MANUAL.read_text()
    lines = [line for line in re.findall(r"^\.TS\n(.*?)^\.TE$", text, re.MULTILINE | re.DOTALL)[0].splitlines()
             if "|" in line and not line.startswith("tab")]
    columns = lines[0].split("|")[1:]
    return {line.split("|")[0]: dict(zip(columns, line.split("|")[1:], strict=True)) for line in lines[1:]}


def is_denied(cell: str, abi: int) -> bool:
    match = re.fullmatch(r"yes|no(?: (\d))?", cell)
    assert match, cell
    return cell == "no" or (match[1] is not None and abi >= int(match[1]))


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory that the mail user may use, with sockets that listen."""
    directory = Path(tempfile.mkdtemp(prefix="pythonfilter-outside-", dir="/tmp"))
    directory.chmod(0o777)
    for name in ("secret", "open"):
        (directory / name).write_text("x")
        shutil.chown(directory / name, mail_user()[0].pw_uid)
    with socket.socket(socket.AF_UNIX) as by_path, socket.socket(socket.AF_UNIX) as abstract:
        by_path.bind(str(directory / "socket"))
        (directory / "socket").chmod(0o777)
        abstract.bind("\0" + str(directory))
        for listener in (by_path, abstract):
            listener.listen()
        yield directory
    shutil.rmtree(directory)


def sandboxed(filters: dict[str, str], sandbox: str, abi: int = 7, workers: int = 2) -> Server:
    return Server(filters=filters, config=f"pools: {{default: {{workers: {workers}, sandbox: {sandbox}}}}}\n",
                  environment={"PYTHONFILTER_LANDLOCK_ABI": str(abi)})


def test_the_manual_has_a_row_for_each_probe_and_no_other() -> None:
    rows = table()
    assert list(rows) == list(PROBES) and len(rows) >= 30
    assert all(list(cells) == list(COLUMNS) for cells in rows.values())


@pytest.mark.parametrize("abi", [7, 5, 3, 2, 0])
@pytest.mark.parametrize("column", list(COLUMNS))
def test_each_row_of_the_table_is_what_the_kernel_does(outside: Path, column: str, abi: int) -> None:
    with sandboxed({"probe": probe_filter(str(outside))}, COLUMNS[column], abi) as server:
        results = dict(zip(PROBES, server.ask(timeout=60.0).decode().split()[1:], strict=True))
        allowed = {"yes", "allowed"}
        wrong = [f"{name}: {results[name]}, the table says {cells[column]}" for name, cells in table().items()
                 if is_denied(cells[column], min(abi, KERNEL_ABI)) != (results[name] not in allowed)
                 or results[name] not in {"allowed", "EPERM", "EACCES", "EXDEV", "ENOSYS"}]
        assert wrong == []
        lacking = [line for line in server.log_lines() if "sandbox: not complete" in line]
        assert len(lacking) == (0 if column == "off" or min(abi, KERNEL_ABI) >= 6 else 1)  # two workers, one line


@pytest.mark.parametrize("sandbox", ["standard", "strict"])
def test_a_message_can_be_rewritten_in_the_spool(sandbox: str) -> None:
    text = """\
        import os
        new = body_path + ".new"
        with open(new, "w") as stream:
            stream.write("Subject: changed\\n\\nchanged\\n")
        os.chmod(new, 0o660)
        os.replace(new, body_path)
        """
    with sandboxed({"script": SCRIPT_FILTER}, sandbox) as server:
        message = server.spool.message(script(text))
        assert server.ask_message(message) == ACCEPTED
        assert message.body_path.read_bytes() == b"Subject: changed\n\nchanged\n"


def test_listed_paths_can_be_used_and_no_others(outside: Path) -> None:
    text = f"""\
        def attempt(path, mode):
            try:
                open(path, mode).close()
                return 'yes'
            except PermissionError:
                return 'no'
        places = ['{outside}/in/x', '{outside}/out/x', '{outside}/open']
        reply = '550 ' + ' '.join(attempt(place, mode) for place in places for mode in ('r', 'a'))
        """
    for name in ("in", "out"):
        (outside / name).mkdir()
        (outside / name).chmod(0o777)
        (outside / name / "x").write_text("x")
        (outside / name / "x").chmod(0o666)
    for preset in ("standard", "strict"):
        with sandboxed({"script": SCRIPT_FILTER},
                       f"{{preset: {preset}, read: [{outside}/in], write: [{outside}/out]}}") as server:
            assert server.ask(script(text)) == b"550 yes no yes yes no no\n"


def test_init_filter_cannot_widen_the_limits_by_another_tmpdir(outside: Path) -> None:
    source = f"""\
        import os
        def init_filter():
            os.environ["TMPDIR"] = "{outside}"
        def do_filter(body_path, control_paths):
            try:
                open("{outside}/open", "a").close()
                return "550 written"
            except PermissionError:
                return "550 denied"
        """
    with sandboxed({"widening": source}, "strict") as server:
        assert server.ask() == b"550 denied\n"


def test_a_listed_path_that_is_not_there_is_told() -> None:
    with sandboxed({"script": SCRIPT_FILTER}, "{write: [/no/such/place]}") as server:
        server.wait_for_log(r"pool default: sandbox: not complete: .*/no/such/place: No such file or directory")


def test_where_it_is_required_and_the_kernel_lacks_a_part_no_filter_runs() -> None:
    with sandboxed({"script": SCRIPT_FILTER}, "{preset: standard, required: true}", abi=2) as server:
        server.wait_for_log("filter script is not available: its sandbox is required, but other workers can be sent "
                            r"signals \(needs Landlock ABI 6\)")
        assert server.ask(script("reply = '200 it ran'")).startswith(b"4")


def test_where_it_is_required_and_complete_the_filter_runs() -> None:
    with sandboxed({"script": SCRIPT_FILTER}, "{preset: 'off'}" if KERNEL_ABI < 6 else
                   "{preset: strict, required: true}") as server:
        assert server.ask(script("reply = '200 it ran'")) == b"200 it ran\n"


@pytest.mark.parametrize("abi", [7, 2])
def test_what_filters_use_works_under_standard(abi: int) -> None:
    text = """\
        import multiprocessing.pool, os, signal, sqlite3, subprocess, tempfile, threading, time
        def work(queue):
            queue.put(os.getpid())
        with tempfile.TemporaryDirectory() as place:
            database = sqlite3.connect(place + '/x.db')
            database.execute('pragma journal_mode=wal')
            database.execute('create table t (a)')
            os.mkdir(place + '/a')
            os.rename(place + '/x.db', place + '/a/y.db')  # to another directory
        context = multiprocessing.get_context('fork')
        queue = context.Queue()
        process = context.Process(target=work, args=(queue,))
        process.start()
        assert queue.get(timeout=10) == process.pid
        process.join()
        child = subprocess.Popen(['sleep', '1000'], start_new_session=True)
        child.terminate()
        assert child.wait() == -signal.SIGTERM
        assert subprocess.run('kill -0 $PPID', shell=True, stderr=subprocess.DEVNULL).returncode == 0
        rung = []
        signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while not rung:
            time.sleep(0.01)
        with multiprocessing.pool.ThreadPool(3) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]
        reply = '550 all of it'
        """
    with sandboxed({"script": SCRIPT_FILTER}, "standard", abi) as server:
        assert server.ask(script(text), timeout=30.0) == b"550 all of it\n"


def test_a_program_that_a_filter_starts_has_the_same_limits() -> None:
    text = """\
        import os, subprocess, sys
        code = "import os\\ntry: os.kill(%d, 0)\\nexcept PermissionError: print('denied')" % os.getppid()
        reply = '550 ' + subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout
        """
    with sandboxed({"script": SCRIPT_FILTER}, "standard") as server:
        assert server.ask(script(text)) == b"550 denied\n"


def test_the_traceback_of_a_stuck_filter_is_still_told() -> None:
    with Server(filters={"script": SCRIPT_FILTER},
                config="pools: {default: {workers: 1, timeout: 500ms, sandbox: strict}}\n") as server:
        assert server.ask(script("import time\ndef stuck():\n    time.sleep(60)\nstuck()")).startswith(b"4")
        server.wait_for_log(r"in stuck")


@pytest.mark.parametrize("name", ["attachments", "debug", "log_aliases", "whitelist_auth"])
def test_the_stock_filters_need_no_more_than_the_manual_says(name: str) -> None:
    need = re.search(rf"^{name}\|(\w+)$", MANUAL.read_text(), re.MULTILINE)
    assert need
    config = f"pools: {{default: {{workers: 1, sandbox: {need[1]}}}}}\nfilters: [{name}]\n"
    with Server(config=config) as server:
        assert server.ask(controls=[records("a@x.test", ["b@y.test"])]).startswith(b"2")
        server.wait_for_log("^message id=")
        assert [line for line in server.log_lines() if "Error" in line or "not available" in line] == []
