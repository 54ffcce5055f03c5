"""What a filter changes for others in its worker is put back before the next one runs, and the log names the filter.

One server with two filters in one worker; each message brings the Python text, and names the filter that runs it. What
filters open once and keep must go on working.
"""
from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from support.hostile import SANITIZED
from support.script_filter import SCRIPT_FILTER, script, script_filter
from support.server import Server
from support.tree import CHECKOUT
from support.wait import wait_until

ACCEPTED = b"200 Ok\n"
ONE_WORKER = "pools: {default: {workers: 1}}\n"
SLOW = "\nimport time\ntime.sleep(0.012)\n"  # long enough for the full look to be due


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    filters = {name: script_filter(name) for name in ("first", "second")}
    with Server(filters=filters, config=ONE_WORKER, environment={"KEPT": "yes"}) as running:
        yield running


# What a filter does; an expression that is False when the next finds it undone; what the log says was changed (empty
# where an earlier case has led to the same line).
CHANGES = {
    "alarm": ("import signal\nsignal.alarm(60)", "__import__('signal').alarm(0)", "an alarm timer"),
    "profiling timer": ("import signal\nsignal.setitimer(signal.ITIMER_PROF, 60)",
                        "any(__import__('signal').getitimer(2))", "a timer of CPU time"),
    "signal mask": ("import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])",
                    "__import__('signal').pthread_sigmask(0, [])", r"the signal mask \(SIGTERM\)"),
    "umask": ("import os\nos.umask(0o777)", "os.umask(0o22) == 0o777", r"the umask \(\d+ -> 777\)"),
    "directory": ("import os\nos.chdir('/proc')", "os.getcwd() == '/proc'", r"the working directory \(.* -> /proc\)"),
    "deleted directory": ("import os, tempfile\nplace = tempfile.mkdtemp()\nos.chdir(place)\nos.rmdir(place)",
                          "not os.path.isdir(os.getcwd())", r"the working directory \(.* -> deleted\)"),
    "handler": ("import signal\nsignal.signal(signal.SIGTERM, lambda *_: None)",
                "__import__('signal').getsignal(15) != 0", r"signal handlers \(SIGTERM\)"),
    "ignored signal": ("import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)",
                       "__import__('subprocess').call(['sh', '-c', 'exit 3']) != 3", r"signal handlers \(SIGCHLD\)"),
    "handler for another": ("import signal\nsignal.signal(signal.SIGINT, lambda *_: None)",
                            "signal.getsignal(2) is not signal.default_int_handler", r"signal handlers \(SIGINT\)"),
    "unusual handler": ("import signal\nsignal.signal(signal.SIGURG, signal.SIG_IGN)" + SLOW,
                        "signal.getsignal(signal.SIGURG) == signal.SIG_IGN", r"signal handlers \(SIGURG\)"),
    "unusual handler in Python": ("import signal\nsignal.signal(signal.SIGWINCH, lambda *_: None)" + SLOW,
                                  "signal.getsignal(signal.SIGWINCH)", r"signal handlers \(SIGWINCH\)"),
    "handler in C": ("import ctypes\nctypes.CDLL(None).signal(12, 1)",
                     "not int(open('/proc/self/status').read().split('SigIgn:')[1].split()[0], 16) & 1 << 11 == 0",
                     r"signal handlers \(SIGUSR2\)"),
    "environment": ("import os\nos.environ['ADDED'] = 'x'\nos.environ['PATH'] = '/evil'\ndel os.environ['KEPT']",
                    "'ADDED' in os.environ or 'evil' in os.environ['PATH'] or os.environ.get('KEPT') != 'yes'",
                    r"the environment \(KEPT, PATH, ADDED\)"),
    "environment of C": ("import ctypes\nctypes.CDLL(None).setenv(b'IN_C', b'x', 1)",
                         "'IN_C' in __import__('subprocess').check_output('env', text=True)",
                         r"the environment \(IN_C\)"),
    "time zone": ("import os, time\nos.environ['TZ'] = 'Asia/Tokyo'\ntime.tzset()",
                  "__import__('time').localtime(0).tm_hour == 9", r"the environment \(TZ\)"),
    "sys.path": ("import sys\nsys.path.insert(0, '/evil')", "'/evil' in sys.path", "sys.path"),
    "sys.path replaced": ("import sys\nsys.path = ['/evil']", "'/evil' in sys.path", ""),
    "locale": ("import locale\nlocale.setlocale(locale.LC_ALL, 'POSIX')\nlocale.setlocale(locale.LC_TIME, 'C.UTF-8')",
               "__import__('locale').setlocale(6) == 'LC_CTYPE=C;LC_NUMERIC=C;LC_TIME=C.UTF-8;LC_COLLATE=C;"
               "LC_MONETARY=C;LC_MESSAGES=C;LC_PAPER=C;LC_NAME=C;LC_ADDRESS=C;LC_TELEPHONE=C;LC_MEASUREMENT=C;"
               "LC_IDENTIFICATION=C'", "the locale"),
    "stdout": ("import io, sys\nsys.stdout = io.StringIO()", "type(sys.stdout).__name__ == 'StringIO'", "sys.stdout"),
    "standard descriptors": ("import os\nfor fd in (0, 1, 2): os.close(fd)" + SLOW,
                             "[os.readlink(f'/proc/self/fd/{n}')[:5] for n in range(3)] "
                             "!= ['/dev/', 'pipe:', 'pipe:']", "the standard descriptors"),
    "output led away": ("import os\nos.dup2(os.open('/dev/null', os.O_WRONLY), 1)" + SLOW,
                        "os.readlink('/proc/self/fd/1') == '/dev/null'", ""),
    "recursion limit": ("import sys\nsys.setrecursionlimit(99)", "sys.getrecursionlimit() == 99",
                        r"the recursion limit \(1000 -> 99\)"),
    "garbage collector": ("import gc\ngc.disable()", "not __import__('gc').isenabled()", "the garbage collector"),
    "tempdir": ("import tempfile\ntempfile.tempdir = '/proc'" + SLOW,
                "__import__('tempfile').gettempdir() == '/proc'", "tempfile.tempdir"),
    "socket timeout": ("import socket\nsocket.setdefaulttimeout(0.1)" + SLOW,
                       "__import__('socket').getdefaulttimeout()", "the default timeout of sockets"),
    "soft limit": ("import resource\nhard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
                   "resource.setrlimit(resource.RLIMIT_NOFILE, (99, hard))" + SLOW,
                   "__import__('resource').getrlimit(7)[0] == 99", r"resource limits \(open files\)"),
    "trace function": ("import sys\nsys.settrace(lambda *_: None)", "sys.gettrace()",
                       "the trace or profile function"),
    "profile function": ("import sys\nsys.setprofile(lambda *_: None)", "sys.getprofile()", ""),
    "courier function": ("import courier.control\ncourier.control.get_sender = lambda _: 'evil'",
                         "__import__('courier.control').control.get_sender(control_paths) == 'evil'",
                         "names in courier or builtins .courier.control.get_sender"),
    "courier module": ("import sys, types\nimport courier.control\n"
                       "sys.modules['courier.control'] = types.ModuleType('evil')",
                       "sys.modules['courier.control'].__name__ == 'evil'", "names in courier or builtins"),
    "built-in": ("import builtins\nbuiltins.len = lambda _: 7", "len('') == 7",
                 "names in courier or builtins .builtins.len"),
    # The worker's descriptors for looking are gone from here on.
    "unusual handler, and closes all": (
        "import os, signal\nos.closerange(3, 1024)\nsignal.signal(signal.SIGPROF, signal.SIG_IGN)" + SLOW,
        "signal.getsignal(signal.SIGPROF)", r"signal handlers \(SIGPROF\)"),
}


def leave_idle() -> None:
    """No message for so long that the worker looks after each filter of the next one (kPause in look_policy.h)."""
    time.sleep(0.01)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_put_back_and_told_once(server: Server, change: str) -> None:
    text, wrong, told = CHANGES[change]
    before, after = server.worker_pids(), server.log_mark()
    line = rf"^WARN: \[default/1 [0-9A-F.]+\] filter first changed {told}.*, which was put back$"
    look = script(f"import os, signal, sys\nwrong = bool({wrong})\nreply = f'250 {{wrong}}'", only="second")
    for _ in range(2):
        leave_idle()
        assert server.ask(look) == b"250 False\n"
    leave_idle()
    assert server.ask(script(text, only="first")) == ACCEPTED
    assert server.ask(look) == b"250 False\n"
    if told:
        server.wait_for_log(line, after=after)
    assert server.ask(script(text, only="first")) == ACCEPTED
    assert server.ask(look) == b"250 False\n"
    assert sum(bool(re.search(line, each)) for each in server.log_lines()[after:]) <= 1
    assert server.worker_pids() == before


def test_the_next_filter_of_the_same_message_finds_it_put_back() -> None:
    filters = {"careless": "import os\ndef do_filter(b, c):\n    os.chdir('/proc')\n    os.environ['X'] = 'y'\n",
               "careful": "import os\ndef do_filter(b, c):\n    return f'250 {os.getcwd()} {os.environ.get(\"X\")}'\n"}
    filters["careless"] += "    return ''\n"
    with Server(filters=filters, config=ONE_WORKER) as running:
        running.ask()
        leave_idle()
        assert running.ask() == b"250 /usr None\n"


def test_what_init_filter_has_set_up_stays() -> None:
    source = """\
        import os, signal, sys
        def init_filter():
            os.environ["MINE"] = "yes"
            os.umask(0o27)
            os.chdir("/tmp")
            sys.path.append("/mine")
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        def do_filter(body_path, control_paths):
            kept = os.environ["MINE"] == "yes" and "/mine" in sys.path and os.getcwd() == "/tmp"
            return f"250 {kept and signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN}"
        """
    with Server(filters={"settled": source}, config=ONE_WORKER) as running:
        assert [running.ask() for _ in range(3)] == [b"250 True\n"] * 3
        assert not [line for line in running.log_lines() if "put back" in line]


def test_under_load_what_is_seldom_changed_is_found_within_a_hundred_messages() -> None:
    source = """\
        import socket
        seen = 0
        def do_filter(body_path, control_paths):
            global seen
            if 'timeout' in open(body_path).read():
                socket.setdefaulttimeout(1)
                return '250 changed'
            seen = 0 if socket.getdefaulttimeout() is None else seen + 1
            return f'250 {seen}'
        """
    with Server(filters={"busy": source}, config=ONE_WORKER) as running:
        messages = [running.spool.message(b"Subject: timeout\n\n")] + [running.spool.message() for _ in range(150)]
        clients = [running.send(message) for message in messages]
        seen = [int(client.read_reply().split()[1]) for client in clients[1:]]
        assert seen[-1] == 0 and max(seen) <= 100
        running.wait_for_log("filter busy changed the default timeout of sockets")


# What a function of the C library has changed is found before the next message even then. As in CHANGES.
CALLS = {
    **{name: CHANGES[name][:2] for name in ("alarm", "profiling timer", "signal mask", "umask", "directory", "handler",
                                            "handler in C", "time zone", "locale")},
    "directory by descriptor": ("import os\nos.fchdir(os.open('/etc', os.O_RDONLY))", "os.getcwd() == '/etc'"),
    "environment": ("import os\nos.environ['PATH'] = '/evil'", "os.environ['PATH'] == '/evil'"),
    "environment in C": ("import ctypes\nctypes.CDLL(None).clearenv()",
                         "__import__('ctypes').CDLL(None).getenv(b'PATH') == 0"),
    "standard output": ("import os\nos.dup2(os.open('/dev/null', os.O_WRONLY), 1)",
                        "os.readlink('/proc/self/fd/1') == '/dev/null'"),
    "soft limit": ("import resource\nresource.setrlimit(7, (99, resource.getrlimit(7)[1]))",
                   "__import__('resource').getrlimit(7)[0] == 99"),
    "soft limit by prlimit": ("import resource\nresource.prlimit(0, 7, (98, resource.getrlimit(7)[1]))",
                              "__import__('resource').getrlimit(7)[0] == 98"),
    "death signal": ("import ctypes\nctypes.CDLL(None).prctl(1, 0)",
                     "__import__('ctypes').CDLL(None).prctl(2, __import__('ctypes').byref("
                     "(word := __import__('ctypes').c_int(-1)))) or word.value != 9"),
}


@pytest.mark.parametrize("change", CALLS)
def test_under_load_what_a_call_has_changed_is_found_before_the_next_message(change: str) -> None:
    text, wrong = CALLS[change]
    look = script(f"import os, signal\nreply = '250 ' + str(bool({wrong}))")
    with Server(filters={"script": SCRIPT_FILTER}, config=ONE_WORKER) as running:
        bodies = [look] * 5 + [script(text), look] * 5  # a full look is due after the first only
        clients = [running.send(running.spool.message(body)) for body in bodies]
        replies = [client.read_reply() for client in clients]
        assert replies == [b"250 False\n"] * 5 + [ACCEPTED, b"250 False\n"] * 5


# fchdir: Python's program holds its address, and so has a place for it in itself, which leads to the first one behind
# it; that this is ours is shown above. So do the functions that a sanitizer has for itself.
def test_every_function_that_notes_calls_is_the_one_that_libraries_get() -> None:
    source = (CHECKOUT / "src/worker/changing_calls.cpp").read_text()
    names = re.findall(r'(?:pass|write)_on<"(\w+)"', source)
    look = script(f"""\
        import ctypes, os
        ranges = [[int(end, 16) for end in line.split()[0].split('-')]
                  for line in open('/proc/self/maps')
                  if '/pythonfilter-preload.so' in line or {SANITIZED} and '/libasan.so' in line]
        libc = ctypes.CDLL(None)
        places = {{name: ctypes.cast(getattr(libc, name), ctypes.c_void_p).value for name in {names}}}
        others = [name for name, place in places.items() if not any(first <= place < end for first, end in ranges)]
        reply = f'250 {{others}}'
        """)
    with Server(filters={"script": SCRIPT_FILTER}, config=ONE_WORKER) as running:
        assert running.ask(look) in (b"250 []\n", b"250 ['fchdir']\n")


# --- What cannot be put back ------------------------------------------------------------------------------------------


# Both are named when messages come so fast that there was no look between the two filters.
@pytest.mark.parametrize(("text", "told"), [
    ("import os\nos.nice(3)" + SLOW,
     r"filter(s first,)? second changed the nice value \(\d+ -> \d+\), which cannot be put back"),
    ("import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (90, 90))" + SLOW,
     r"filter(s first,)? second changed resource limits \(open files\), which cannot be put back"),
], ids=["nice", "hard limit"])
def test_what_cannot_be_put_back_ends_the_worker_not_a_message(server: Server, text: str, told: str) -> None:
    before, after = server.worker_pids(), server.log_mark()
    look = script("import os, resource\nreply = f'250 {os.nice(0)} {resource.getrlimit(7)}'", only="first")
    leave_idle()
    expected = server.ask(look)
    leave_idle()
    assert server.ask(script(text, only="second")) == ACCEPTED
    server.wait_for_log(told, after=after)
    assert server.ask(look) == expected
    wait_until("the old worker's end", lambda: not set(before) & set(server.worker_pids()))


# --- Temporary files --------------------------------------------------------------------------------------------------


LEAVE = "import os, tempfile\nopen(tempfile.mkdtemp() + '/large', 'w').close()\ntempfile.mkstemp(suffix='.left')"
LIST = "import os\nreply = f'250 {os.listdir(os.environ[\"TMPDIR\"])}'"


def test_temporary_files_do_not_outlive_their_message(server: Server) -> None:
    after = server.log_mark()
    for _ in range(3):
        assert server.ask(script(LEAVE, only="first")) == ACCEPTED
        assert server.ask(script(LIST, only="second")) == b"250 []\n"
    line = r"filter first left \S+ and 1 more in its TMPDIR, which was emptied$"
    server.wait_for_log(line, after=after)
    assert sum(bool(re.search(line, each)) for each in server.log_lines()[after:]) == 1


def test_a_removed_temporary_directory_is_made_again(server: Server) -> None:
    before = server.worker_pids()
    assert server.ask(script("import os, shutil\nshutil.rmtree(os.environ['TMPDIR'])", only="first")) == ACCEPTED
    text = "import os, tempfile\nwith tempfile.TemporaryDirectory() as place: reply = f'250 {place}'"
    assert server.ask(script(text, only="second")).startswith(b"250 /tmp/pythonfilter-worker-")
    assert server.worker_pids() == before


def test_a_link_in_its_place_leads_nowhere(server: Server) -> None:
    place = server.spool.path / "tmp" / "precious"
    text = f"""\
        import os, shutil
        os.makedirs({str(place)!r} + '/inside')
        shutil.rmtree(os.environ['TMPDIR'])
        os.symlink({str(place)!r}, os.environ['TMPDIR'])
        """
    after = server.log_mark()
    assert server.ask(script(text, only="first")) == ACCEPTED
    server.wait_for_log("the worker's TMPDIR is gone and cannot be made again", after=after)
    assert server.ask(script(LIST, only="second")) == b"250 []\n"
    assert (place / "inside").is_dir()


def test_init_filters_files_and_those_a_child_may_need_stay() -> None:
    source = """\
        import os, subprocess, tempfile, time
        def init_filter():
            global mine
            mine = tempfile.mkdtemp()
        def do_filter(body_path, control_paths):
            if 'child' in open(body_path).read():
                with tempfile.NamedTemporaryFile('w', delete=False) as file:
                    file.write('from the file')
                subprocess.Popen(['sh', '-c', f'sleep 0.3; cat {file.name}; echo'])
                return '250 child'
            return f'250 {os.path.isdir(mine)} {len(os.listdir(os.environ["TMPDIR"]))}'
        """
    with Server(filters={"helped": source}, config=ONE_WORKER) as running:
        assert running.ask() == b"250 True 1\n"
        assert running.ask(b"Subject: child\n\n") == b"250 child\n"
        running.wait_for_log("from the file$")
        wait_until("the file's end", lambda: running.ask() == b"250 True 1\n")


def test_a_child_of_an_earlier_message_keeps_no_file_of_a_later_one() -> None:
    source = """\
        import os, subprocess, tempfile
        def do_filter(body_path, control_paths):
            subject = open(body_path).readline()
            if 'child' in subject:
                subprocess.Popen(['sleep', '1000'])
            if 'file' in subject:
                open(tempfile.gettempdir() + '/' + subject.split()[-1], 'x').close()
            return f'250 {sorted(os.listdir(tempfile.gettempdir()))}'
        """
    with Server(filters={"helped": source}, config=ONE_WORKER) as running:
        assert running.ask(b"Subject: file zero\n\n") == b"250 ['zero']\n"
        assert running.ask(b"Subject: child file one\n\n") == b"250 ['one']\n"
        assert running.ask(b"Subject: file two\n\n") == b"250 ['one', 'two']\n"
        assert running.ask() == b"250 ['one']\n"
        assert running.ask(b"Subject: file two\n\n") == b"250 ['one', 'two']\n"


# --- Memory -----------------------------------------------------------------------------------------------------------


def test_trees_of_earlier_messages_are_not_kept_until_there_are_hundreds() -> None:
    source = """\
        import weakref
        class Tree: pass
        alive = weakref.WeakSet()
        def do_filter(body_path, control_paths):
            found, tree = len(alive), Tree()
            tree.root = tree
            alive.add(tree)
            return f'250 {found}'
        """
    with Server(filters={"trees": source}, config=ONE_WORKER) as running:
        for _ in range(3):
            leave_idle()
            assert running.ask() == b"250 0\n"
