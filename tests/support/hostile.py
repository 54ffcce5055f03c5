"""What the worst filters do: one entry for each thing, as Python text for the script filter (script_filter.py).

Used by tests/component/test_hostile_under_load.py, which runs each among ordinary messages, and by chaos.py, which runs
them at random. An entry may cost the message that brings it, and no other. Must never do harm outside the server
under test: no entry takes all memory or all process numbers of the machine.
"""
from __future__ import annotations

import os
from dataclasses import dataclass

from . import bombs
from .script_filter import script
from .spool import Message

DEFERRED = "451 4.3.0 Mail filter failed, please try again later"
ACCEPTED = "200 Ok"

# AddressSanitizer takes terabytes of addresses: no limit on memory then, and no bomb of it.
SANITIZED = "ASAN_OPTIONS" in os.environ
# Of the pool that runs them.
POOL_LIMITS = "limits: {%sfiles: 512, file_size: 64MiB}" % ("" if SANITIZED else "memory: 512MiB, ")

# What a script begins with that speaks to its worker's pipes and scoreboard (message/scoreboard.h): frames as the
# worker writes them, in the ring that it writes them to.
FORGE = '''
import ctypes, fcntl, os, signal, struct, sys, threading, time

def pipes(mode):
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        try:
            is_pipe = os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:")
            fits = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == mode
        except OSError:
            continue
        if is_pipe and fits and os.fstat(fd).st_ino != os.fstat(2).st_ino:
            yield fd

def verdict_fd():
    return next(pipes(os.O_WRONLY))

def task_fd():
    return next(pipes(os.O_RDONLY))

def board():
    lines = [line for line in open("/proc/self/maps") if "pythonfilter-scoreboard" in line]
    return int(lines[0].split("-")[0], 16)

OFFERS, PAGE, RING, ROOM, TRACE, TRACEBACK = 3728, 4096, 8192, 8192 - 128, 20 * 1024, 48 * 1024

def count(place):
    return ctypes.c_uint64.from_address(board() + place)

def task():
    return count(0).value

def take_offers(seconds):
    end, offers = time.monotonic() + seconds, board() + OFFERS
    while time.monotonic() < end: ctypes.memset(offers, 0, 16 * 8)

def s(text):
    return struct.pack("=I", len(text)) + text

def frame(kind, payload):
    return struct.pack("=IHH", len(payload), kind, 0) + payload

def texts(list):
    return struct.pack("=I", len(list)) + b"".join(map(s, list))

def outcome(task, kind=0, reply=b"", incidents=(), recipients=(), removals=()):
    identity = ctypes.string_at(board() + 24, 16)
    return frame(4, struct.pack("=QBI", task, kind, 0) + s(reply) + bytes(4) + identity + bytes(4) +
                 struct.pack("=I", len(incidents)) + b"".join(bytes(4 + 1) + s(text) for text in incidents) +
                 struct.pack("=I", len(removals)) +
                 b"".join(bytes(4) + texts(names) + struct.pack("=I", 2 ** 32 - 1) for names in removals) +
                 s(b"") + s(b"") + texts(recipients) + struct.pack("=IQ", 0, 0) + bytes(1) +
                 s(b"") + s(b"") + bytes(1) + bytes(1) + bytes(4))

def wake_master():
    os.write(verdict_fd(), b"!")

def send(data):
    ring = PAGE + RING
    written, taken = count(ring), count(ring + 64)
    while data:
        begin = written.value % ROOM
        part = data[:min(ROOM - begin, ROOM - (written.value - taken.value))]
        ctypes.memmove(board() + ring + 128 + begin, part, len(part))
        written.value += len(part)
        data = data[len(part):]
        if not part: time.sleep(0.0005)
        wake_master()

def parent_of(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])

def siblings():
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and parent_of(pid) == os.getppid()]

'''


@dataclass(frozen=True)
class Hostile:
    """One thing that a filter does.

    Attributes:
        text: Python, run with body_path and control_paths at hand.
        replies: What its own message may get.
        hangs: Its worker is held until the filter's time is over.
        heavy: It takes much of the machine's time.
        blames_right: It leaves the server the means to know which filter it was; else the log names one of the stage.
    """

    text: str
    replies: tuple[str, ...] = (DEFERRED,)
    hangs: bool = False
    heavy: bool = False
    blames_right: bool = True

    def body(self) -> bytes:
        return script(FORGE + self.text)


def costs(text: str) -> Hostile:
    """Its message is deferred at once."""
    return Hostile(text)


def hangs(text: str) -> Hostile:
    """Its message is deferred when the filter's time is over."""
    return Hostile(text, hangs=True)


def remove_files(message: Message) -> None:
    """Removes a message, whatever a hostile filter made of its files."""
    directory = message.body_path.parent
    for path in (message.body_path, *message.control_paths):
        for found in (path, directory / f"{path.name}.away"):
            if found.is_dir() and not found.is_symlink():
                found.rmdir()
            else:
                found.unlink(missing_ok=True)


def harmless(text: str, reply: str = ACCEPTED) -> Hostile:
    """Its message gets the verdict as if nothing had been done."""
    return Hostile(text, (reply,))


def either(text: str, *, heavy: bool = False) -> Hostile:
    """Its message is deferred or gets its verdict, depending on what comes first."""
    return Hostile(text, (ACCEPTED, DEFERRED), heavy=heavy)


def bomb(text: str, before: str = "") -> Hostile:
    """Its message is deferred as soon as it has made too many of what it makes."""
    return Hostile(f"{text}\n{before}\nbomb()", heavy=True)


RAISES = {
    "raises BaseException": costs("raise BaseException('no')"),
    "raises KeyboardInterrupt": costs("raise KeyboardInterrupt"),
    "raises GeneratorExit": costs("raise GeneratorExit"),
    "raises MemoryError": costs("bytearray(1 << 60)"),
    "raises what cannot be printed": costs(
        "class Bad(Exception):\n    def __str__(self): raise Bad\n    __repr__ = __str__\nraise Bad"),
    "recurses to Python's limit": costs("def f(): f()\nf()"),
    "recurses to the C stack's end": costs(
        "sys.setrecursionlimit(10 ** 9)\nclass A:\n    def __getattr__(self, name): return getattr(self, name)\nA().x"),
}
ENDS = {
    "calls sys.exit": costs("sys.exit(0)"),
    "calls os._exit": costs("os._exit(0)"),
    "calls abort": costs("os.abort()"),
    "SIGSEGV by ctypes": costs("ctypes.string_at(0)"),
    "kills itself": costs("os.kill(os.getpid(), signal.SIGKILL)"),
    "kills its group": costs("os.killpg(0, signal.SIGKILL)"),
    "terminates its group": costs("os.killpg(0, signal.SIGTERM)\ntime.sleep(1000)"),
}
HANGS = {
    "SIGSTOP to itself": hangs("os.kill(os.getpid(), signal.SIGSTOP)"),
    "SIGSTOP to its group": hangs("os.killpg(0, signal.SIGSTOP)"),
    "endless loop in Python": hangs("while True: pass"),
    "endless loop in a regular expression": hangs("import re\nre.match('(a+)+$', 'a' * 60 + 'b')"),
    "endless loop in C": hangs("import itertools\nsum(itertools.repeat(0))"),
    "endless loop by ctypes": hangs(
        "import mmap, platform\n"
        "jump_here = {'x86_64': b'\\xeb\\xfe', 'aarch64': b'\\0\\0\\0\\x14'}[platform.machine()]\n"
        "code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\ncode.write(jump_here)\n"
        "ctypes.PYFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()"),
    "waits in C with the lock held": hangs("ctypes.PyDLL(None).sleep(1000)"),
    "sleeps with all signals blocked": hangs(
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: time.sleep(1000)"),
    "catches everything": hangs("while True:\n    try: time.sleep(1000)\n    except BaseException: pass"),
}
CHILDREN = {
    "a forked child returns": harmless("if os.fork() == 0:\n    reply = '550 child'\nelse:\n    os.wait()"),
    "a forked child returns late": harmless("if os.fork() == 0:\n    time.sleep(0.2)\n    reply = '550 child'"),
    "a forked child in C returns": harmless("if ctypes.CDLL(None).fork() == 0: reply = '550 child'\nelse: os.wait()"),
    "a grandchild becomes a daemon": harmless(
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(0.3)\n    os._exit(0)"),
    "threads left running": harmless(
        "for _ in range(5): threading.Thread(target=time.sleep, args=(0.3,), daemon=True).start()"),
    "threads left writing": either(
        "def write():\n    end = time.monotonic() + 0.2\n    while time.monotonic() < end:\n"
        "        os.write(2, b'noise\\n' * 100)\n        time.sleep(0.001)\n"
        "for _ in range(3): threading.Thread(target=write, daemon=True).start()"),
}
FORK_BOMBS = {
    "fork bomb": bomb(bombs.FORK),
    "fork bomb in C": bomb(bombs.FORK_IN_C),
    "fork bomb by clone()": bomb(bombs.CLONE),
    "bomb of daemons": bomb(bombs.DAEMONS),
    "bomb of daemons that would leave their worker": bomb(
        bombs.DAEMONS, "ctypes.CDLL(None).prctl(36, 0)  # PR_SET_CHILD_SUBREAPER"),
    "bomb of processes beside its worker": hangs(bombs.CLONE + "FLAGS = 0x8000  # CLONE_PARENT\nbomb()"),
    "bomb of programs": bomb(bombs.PROGRAMS),
    "thread bomb": bomb(bombs.THREADS),
}
SIGNALS = {
    "sends itself the trace signal": hangs("while True: os.kill(os.getpid(), signal.SIGRTMIN + 8)"),
    "sends itself the trace signal outside of Python": hangs("while True: signal.raise_signal(signal.SIGRTMIN + 8)"),
    "resets all signal handlers": harmless(
        "for number in range(1, 65):\n    try: signal.signal(number, signal.SIG_DFL)\n"
        "    except (OSError, ValueError): pass"),
    "handles the trace signal by raising": harmless(
        "def handler(*_): raise KeyboardInterrupt\nsignal.signal(signal.SIGRTMIN + 8, handler)"),
}
DESCRIPTORS = {
    "closes all descriptors": costs("os.closerange(0, 65536)"),
    "closes its verdict pipe": costs("os.close(verdict_fd())"),
    "closes its task pipe": either("os.close(task_fd())"),
    "closes stdin, stdout and stderr": harmless("for fd in range(3): os.close(fd)"),
    "writes rubbish to every descriptor": either(
        "for name in os.listdir('/proc/self/fd'):\n    try: os.write(int(name), os.urandom(1000))\n"
        "    except OSError: pass"),
    "fills the pipe that wakes the master": costs(
        "os.set_blocking(verdict_fd(), False)\ntry:\n    for _ in range(100): os.write(verdict_fd(), bytes(4096))\n"
        "except BlockingIOError: pass\ntime.sleep(1000)"),
    "empties the pipe that wakes its worker": harmless(
        "end = time.monotonic() + 0.02\nos.set_blocking(task_fd(), False)\nwhile time.monotonic() < end:\n"
        "    try: os.read(task_fd(), 4096)\n    except BlockingIOError: pass"),
    "sends rubbish": costs("send(os.urandom(100_000))\ntime.sleep(1000)"),
    "forges a verdict of another message": costs("send(outcome(task() + 2, 1, b'550 forged'))\ntime.sleep(1000)"),
    "sends its verdict itself": Hostile(
        "send(outcome(task(), 1, b'550 forged'))\ntime.sleep(0.01)", ("550 forged",), blames_right=False),
    "sends its verdict twice itself": Hostile(
        "send(outcome(task(), 1, b'550 forged') * 2)\ntime.sleep(0.01)", ("550 forged",), blames_right=False),
    "sends its verdict itself and hangs": Hostile(
        "send(outcome(task(), 1, b'550 forged'))\ntime.sleep(1000)", ("550 forged",), blames_right=False),
    "sends verdicts ahead": Hostile(
        "first = task()\nsend(b''.join(outcome(first + i, 1, b'550 forged') for i in range(50)))\ntime.sleep(1000)",
        (DEFERRED, "550 forged"), blames_right=False),
    "says it will send half a gigabyte": costs("send(struct.pack('=IHH', 2 ** 29, 4, 0))\ntime.sleep(1000)"),
    "stops in the middle of a frame": hangs("send(outcome(task())[:20])\ntime.sleep(1000)"),
}
OUTPUT = {
    "prints 100 MB": either("for _ in range(100_000): print('x' * 999)", heavy=True),
    "fills stderr with no newline": either("for _ in range(100): os.write(2, b'x' * 1_000_000)", heavy=True),
    "fills stderr with newlines": either(
        "end = time.monotonic() + 0.3\nwhile time.monotonic() < end: os.write(2, b'\\n' * 65536)", heavy=True),
    "floods by a big pipe and dies": costs(
        "fcntl.fcntl(2, 1031, 1 << 20)\nos.write(2, b'\\n' * (1 << 20))\nos.kill(os.getpid(), 9)"),
    "small frames and a flood": either(
        "end = time.monotonic() + 0.3\n"
        "small = frame(3, struct.pack('=QI', task(), 0) + bytes(4 + 4 + 16 + 4 + 4 + 4)) * 1000\n"
        "while time.monotonic() < end:\n    os.write(2, b'\\n' * 65536)\n    send(small)", heavy=True),
}
STATE = {
    "changes its directory": harmless("os.chdir('/')"),
    "sits in a directory that goes": harmless(
        "import tempfile\nplace = tempfile.mkdtemp()\nos.chdir(place)\nos.rmdir(place)"),
    "changes its umask": harmless("os.umask(0o777)"),
    "blocks signals": harmless("signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))"),
    "calls signal.alarm": harmless("signal.alarm(1)"),
    "sets an interval timer": either("signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)"),
}
SHARED = {
    "changes the locale": harmless("import locale\nlocale.setlocale(locale.LC_ALL, 'C.UTF-8')"),
    "empties the environment": harmless("os.environ.clear()"),
    "changes the environment in C": harmless("ctypes.CDLL(None).setenv(b'HOSTILE', b'yes', 1)"),
    "leaves a timer of CPU time": harmless("signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)"),
    "leaves a trace function": harmless("def trace(*_): raise KeyboardInterrupt\nsys.settrace(trace)"),
    "replaces a function of courier": harmless(
        "import courier.control\ncourier.control.get_sender = lambda _: 'hostile@example.com'"),
    "replaces the code of a function of courier": harmless(
        "import courier.control\ncourier.control.get_sender.__code__ = (lambda _: 'hostile@example.com').__code__"),
    "replaces the courier package": harmless(
        "import courier.control\nfor name in list(sys.modules):\n"
        "    if name.startswith('courier'): sys.modules[name] = None"),
    "replaces a built-in function": harmless("import builtins\nbuiltins.len = builtins.open = None"),
    "leaves a lock file": harmless("import tempfile\nopen(os.path.join(tempfile.gettempdir(), 'lock'), 'x').close()"),
    "cuts its body to nothing in place": Hostile("open(body_path, 'r+').truncate(0)", ("451", ACCEPTED)),
}
ATTACKS = {
    "kills its parent": costs("os.kill(os.getppid(), signal.SIGKILL)"),
    "kills the master": costs("os.kill(parent_of(os.getppid()), signal.SIGKILL)"),
    "stops the master": costs("os.kill(parent_of(os.getppid()), signal.SIGSTOP)"),
    "kills its siblings": costs("for pid in siblings(): os.kill(pid, signal.SIGKILL)"),
    "traces its siblings": costs(
        "libc = ctypes.CDLL(None, use_errno=True)\nif any(libc.ptrace(16, pid, 0, 0) for pid in siblings()):\n"
        "    raise OSError(ctypes.get_errno(), 'ptrace')"),
    "limits its siblings": costs(
        "import resource\nfor pid in siblings(): resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0))"),
    "writes into its siblings' memory": costs(
        "for pid in siblings(): open(f'/proc/{pid}/mem', 'r+b', buffering=0).write(b'x')"),
}
# What they are limited to is said by POOL_LIMITS.
BOMBS_OF_MEMORY = {} if SANITIZED else {
    "bomb of memory": costs("hold = []\nwhile True: hold.append(bytearray(1 << 20))"),
    "bomb of mapped memory": costs(
        "import mmap\nhold = []\nwhile True:\n"
        "    hold.append(mmap.mmap(-1, 1 << 24))\n    hold[-1][::4096] = bytes(4096)"),
}
BOMBS = {
    **BOMBS_OF_MEMORY,
    "bomb of descriptors": costs("while True: os.open('/dev/null', os.O_RDONLY)"),
    "bomb of a file": costs(
        "import tempfile\nwith open(tempfile.gettempdir() + '/bomb', 'wb', buffering=0) as file:\n"
        "    while True: file.write(bytes(1 << 20))"),
}
SCOREBOARD = {
    "scribbles over the scoreboard": Hostile(
        "while True: ctypes.memmove(board(), os.urandom(4096), 4096)", hangs=True, blames_right=False),
    "scribbles over its rings": costs(
        "while True:\n    ctypes.memmove(board() + PAGE, os.urandom(2 * RING), 2 * RING)\n    wake_master()"),
    "says that it has written more than there is room for": costs(
        "count(PAGE + RING).value += 10 ** 6\nwake_master()\ntime.sleep(1000)"),
    "says that it has written less than before": costs(
        "count(PAGE + RING).value -= 1\nwake_master()\ntime.sleep(1000)"),
    "says that it has taken tasks that were not sent": either("count(PAGE + 64).value += 10 ** 6"),
    "says that it has sent its worker tasks": either("count(PAGE).value += 100"),
    "takes the tasks behind its own": either("take_offers(0.002)"),
    "takes the tasks behind its own and hangs": hangs("take_offers(1000)"),
    "says that it waits, again and again": harmless(
        "end = time.monotonic() + 0.05\nwhile time.monotonic() < end:\n"
        "    ctypes.c_uint32.from_address(board() + PAGE + 72).value = 1\n"
        "    ctypes.c_uint32.from_address(board() + PAGE + RING + 8).value = 1"),
    "lies about when it began": hangs(
        "start = ctypes.c_uint64.from_address(board() + 16)\nwhile True: start.value = time.monotonic_ns() + 10 ** 9"),
    "shrinks the scoreboard": either(
        "for name in os.listdir('/proc/self/fd'):\n"
        "    try:\n        if 'scoreboard' in os.readlink(f'/proc/self/fd/{name}'): os.ftruncate(int(name), 0)\n"
        "    except OSError: pass"),
    "fills the room for its traceback": hangs(
        "for name in os.listdir('/proc/self/fd'):\n"
        "    if 'scoreboard' in os.readlink(f'/proc/self/fd/{name}'):\n"
        "        os.pwrite(int(name), b'\\n' * 32 * 1024, TRACEBACK)\n"
        "while True: time.sleep(1000)"),
}
RESULTS = {
    "returns 10 MB": Hostile("reply = '550 ' + 'x' * 10_000_000", ("451", "550")),
    "returns a str with hostile methods": harmless(
        "class Bad(str):\n    def encode(self, *a): os._exit(1)\n    __str__ = __len__ = __hash__ = __eq__ = encode\n"
        "    def __getattribute__(self, name): os._exit(2)\nreply = Bad('550 bad')", "550 bad"),
    "returns no str": costs("reply = object()"),
    "returns a lone surrogate": Hostile("reply = '550 \\udcff'", ("451", "550")),
}
FILES = {
    f"{what} {which}": Hostile(f"path = {path}\n{text}", ("451", ACCEPTED))
    for which, path in {"the body": "body_path", "a control file": "control_paths[0]"}.items()
    for what, text in {
        "deletes": "os.unlink(path)",
        "truncates": "os.truncate(path, 0)",
        "renames": "os.rename(path, path + '.away')",
        "puts a symlink in the place of": "os.unlink(path)\nos.symlink('/dev/zero', path)",
        "puts a FIFO in the place of": "os.unlink(path)\nos.mkfifo(path)",
        "puts a directory in the place of": "os.unlink(path)\nos.mkdir(path)",
        "makes nobody's": "os.chmod(path, 0)",
    }.items()
}

HOSTILE: dict[str, Hostile] = {
    **RAISES, **ENDS, **HANGS, **CHILDREN, **FORK_BOMBS, **SIGNALS, **DESCRIPTORS, **OUTPUT, **STATE, **SHARED,
    **ATTACKS, **BOMBS, **SCOREBOARD, **RESULTS, **FILES,
}
