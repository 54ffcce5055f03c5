"""Processes, threads, signals and descriptors of a filter: they work as in any script, or cost only their message.

One server, one filter; each message brings the Python text that the filter runs. Must never leave a zombie or let a
child answer in the worker's place.
"""
from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from support import processes
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.wait import wait_until

DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"
ACCEPTED = b"200 Ok\n"
ONE_WORKER = "pools: {default: {workers: 1}}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"script": SCRIPT_FILTER}, config=ONE_WORKER) as running:
        yield running


def sleepers(server: Server) -> list[int]:
    return [process.pid for process in processes.descendants(server.pid) if process.arguments == ("sleep", "1000")]


def tree(server: Server) -> set[int]:
    """All processes of the server, zombies too."""
    return {process.pid for process in processes.descendants(server.pid)}


@pytest.mark.parametrize(("text", "reply"), [
    ("import os\nreply = f'550 {os.system(\"exit 3\") >> 8}'", b"550 3\n"),
    ("import os\nreply = '550 ' + os.popen('echo popen').read()", b"550 popen\n"),
    ("import os\npid = os.spawnlp(os.P_NOWAIT, 'sh', 'sh', '-c', 'exit 5')\n"
     "reply = f'550 {os.wait() == (pid, 5 << 8)}'", b"550 True\n"),
    ("import subprocess\nreply = '550 ' + subprocess.run('cat', input='piped', capture_output=True, text=True).stdout",
     b"550 piped\n"),
    ("import subprocess\np = subprocess.Popen(['false'])\nreply = f'550 {p.wait()}'", b"550 1\n"),
    ("import os\npid = os.fork()\nif pid == 0: os._exit(9)\nreply = f'550 {os.waitpid(pid, 0)[1] >> 8}'", b"550 9\n"),
    ("import threading\nfound = []\nt = threading.Thread(target=found.append, args=(1,))\nt.start()\nt.join()\n"
     "reply = f'550 {found}'",
     b"550 [1]\n"),
    ("from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n"
     "    reply = f'550 {sum(pool.map(int, \"1234\"))}'",
     b"550 10\n"),
    ("import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n"
     "    reply = f'550 {pool.map(abs, [-1, -2])}'",
     b"550 [1, 2]\n"),
    ("import signal\ndef on(*_): raise TimeoutError\nsignal.signal(signal.SIGALRM, on)\n"
     "signal.setitimer(signal.ITIMER_REAL, 0.05)\ntry:\n    signal.pause()\nexcept TimeoutError:\n"
     "    reply = '550 alarm'\nsignal.signal(signal.SIGALRM, signal.SIG_DFL)", b"550 alarm\n"),
    ("import asyncio\nasync def f():\n    p = await asyncio.create_subprocess_exec('true')\n    return await p.wait()\n"
     "reply = f'550 {asyncio.run(f())}'", b"550 0\n"),
], ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_as_in_any_script(server: Server, text: str, reply: bytes) -> None:
    before = server.worker_pids()
    assert server.ask(script(text)) == reply
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    assert server.worker_pids() == before


@pytest.mark.parametrize("text", [
    "import os\nif os.fork() == 0:\n    reply = '550 child'\nelse:\n    os.wait()\n    reply = '200 parent'",
    "import os, sys\nif os.fork() == 0: sys.exit(3)\nreply = f'200 parent' if os.wait()[1] == 3 << 8 else '550'",
    "import os\nif os.fork() == 0: raise ValueError('in the child')\nos.wait()\nreply = '200 parent'",
    "import os, ctypes\nif ctypes.CDLL(None).fork() == 0:\n    reply = '550 child'\nelse:\n"
    "    os.wait()\n    reply = '200 parent'",
], ids=["returns", "sys.exit", "raises", "fork in C"])
def test_a_child_that_comes_back_does_not_answer(server: Server, text: str) -> None:
    before = server.worker_pids()
    assert server.ask(script(text)) == b"200 parent\n"
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    assert server.worker_pids() == before


def test_what_a_child_that_comes_back_printed_reaches_the_log(server: Server) -> None:
    after = server.log_mark()
    server.ask(script("""\
        import os
        if os.fork() == 0:
            print('half and ', end='')
        else:
            os.wait()
            print('half')
        """))
    server.wait_for_log(r"\[default/1 .*\] half and half$", after=after)


@pytest.mark.parametrize("text", [
    "import os\nos.closerange(3, 256)",
    "import os\nfor fd in range(3, 1024):\n    try: os.close(fd)\n    except OSError: pass",
])
def test_careless_closing_misses_the_workers_own_descriptors(server: Server, text: str) -> None:
    before = server.worker_pids()
    assert server.ask(script(text + "\nreply = '200 closed'")) == b"200 closed\n"
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    assert server.worker_pids() == before


def test_closing_all_descriptors_costs_that_message_and_the_filter_runs_once(server: Server) -> None:
    runs = server.spool.path / "tmp" / "runs"
    after = server.log_mark()
    assert server.ask(script(f"""\
        import os
        os.write(os.open({str(runs)!r}, os.O_CREAT | os.O_APPEND | os.O_WRONLY), b'x')
        os.closerange(3, 1 << 20)
        """)) == DEFERRED
    server.wait_for_log("filter script: crash: ", after=after)
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    assert runs.read_text() == "x"


def test_a_file_that_took_the_pipes_number_is_not_written_to(server: Server) -> None:
    text = """\
        import os
        os.closerange(3, 1 << 20)
        file = os.open('/dev/null', os.O_WRONLY)
        for fd in range(100, 20000):
            try: os.dup2(file, fd)
            except OSError: break
        """
    assert server.ask(script(text)) == DEFERRED
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"


def test_closed_standard_descriptors_are_there_again_for_the_next_message(server: Server) -> None:
    before = server.worker_pids()
    assert server.ask(script("import os\nfor fd in (0, 1, 2): os.close(fd)")) == ACCEPTED
    after = server.log_mark()
    assert server.ask(script("""\
        import os
        print('heard')
        reply = '550 ' + ' '.join(os.readlink(f'/proc/self/fd/{n}')[:5] for n in (0, 1, 2))
        """)) == b"550 /dev/ pipe: pipe:\n"
    server.wait_for_log("heard", after=after)
    assert server.worker_pids() == before


@pytest.mark.parametrize(("set_up", "look"), [
    ("import signal\nsignal.alarm(1)", "import signal\nreply = f'550 {signal.alarm(0)}'"),
    ("import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])",
     "import signal\nreply = f'550 {len(signal.pthread_sigmask(0, []))}'"),
    ("import os\nos.umask(0o777)", "import os\nreply = f'550 {int(os.umask(0o22) == 0o777)}'"),
    ("import os\nos.chdir('/proc')", "import os\nreply = f'550 {int(os.getcwd() == \"/proc\")}'"),
], ids=["alarm", "signal mask", "umask", "directory"])
def test_one_message_does_not_leave_it_to_the_next(server: Server, set_up: str, look: str) -> None:
    before = server.worker_pids()
    assert server.ask(script(set_up)) == ACCEPTED
    assert server.ask(script(look)) == b"550 0\n"
    assert server.worker_pids() == before


# --- What is left behind ----------------------------------------------------------------------------------------------


def test_children_nobody_waits_for_leave_no_zombie(server: Server) -> None:
    before = tree(server)
    for _ in range(20):
        assert server.ask(script("import os\nfor _ in range(5): os.spawnlp(os.P_NOWAIT, 'true', 'true')")) == ACCEPTED
    wait_until("the children to be reaped", lambda: tree(server) == before)


def test_a_child_left_running_goes_on_and_is_reaped_when_it_ends(server: Server) -> None:
    before = tree(server)
    after = server.log_mark()
    text = "import os\nos.spawnlp(os.P_NOWAIT, 'sh', 'sh', '-c', 'sleep 0.3; echo late')"
    assert server.ask(script(text)) == ACCEPTED
    server.wait_for_log("late", after=after)
    wait_until("the child to be reaped", lambda: tree(server) == before)


def test_a_daemonised_grandchild_that_keeps_the_pipes_dies_with_its_worker(server: Server) -> None:
    text = """\
        import os
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: os.execlp('sleep', 'sleep', '1000')
            os._exit(0)
        os.wait()
        """
    assert server.ask(script(text)) == ACCEPTED
    [worker] = server.worker_pids()
    wait_until("the grandchild", lambda: sleepers(server))
    assert server.ask(script("import os; os._exit(1)")) == DEFERRED
    wait_until("its end", lambda: not sleepers(server) and worker not in tree(server))
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"


def test_a_filter_that_piles_up_processes_loses_its_worker_not_a_message(server: Server) -> None:
    [worker] = server.worker_pids()
    after = server.log_mark()
    text = "import subprocess\nfor _ in range(30): subprocess.Popen(['sleep', '1000'])"
    assert [server.ask(script(text)) for _ in range(4)] == [ACCEPTED] * 4
    server.wait_for_log("filters leave more and more processes running", after=after)
    wait_until("their end", lambda: not sleepers(server))
    assert server.ask(script("reply = '200 next'")) == b"200 next\n"
    assert worker not in server.worker_pids()


def test_children_of_init_filter_are_the_filters_own() -> None:
    source = """\
        import os, subprocess
        def init_filter():
            global helper, ended
            helper = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            ended = subprocess.Popen(['sh', '-c', 'exit 7'])
        def do_filter(body_path, control_paths):
            if 'status' in open(body_path).read():
                return f'550 {ended.wait()}'
            helper.stdin.write(b'from the helper\\n')
            helper.stdin.flush()
            return '550 ' + helper.stdout.readline().decode()
        """
    with Server(filters={"helped": source}, config=ONE_WORKER) as running:
        assert [running.ask() for _ in range(3)] == [b"550 from the helper\n"] * 3
        assert running.ask(b"Subject: status\n\n") == b"550 7\n"


def test_no_descriptor_and_no_process_is_left_after_a_hundred_crashes(server: Server) -> None:
    server.ask(script(""))
    count = server.descriptor_count()
    size = len(server.processes())
    for _ in range(100):
        server.ask(script("import os; os._exit(1)"))
    wait_until("the count of before", lambda: (len(server.processes()), len(tree(server))) == (size, size))
    wait_until("the descriptors of before", lambda: server.descriptor_count() <= count)
    assert os.path.exists(server.socket_path)
