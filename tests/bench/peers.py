"""The servers that dev/bench compares with the one under test; all may run at once.

    BareServer      bare_server.c: what the kernel and the load client cost
    PerlFilter      Courier's own perlfilter with a script that does nothing, in a private Courier (support/mta.py)
    MimeDefang      mimedefang-multiplexor, which hands requests to Perl workers over pipes
    ThreadedServer  threaded_server.py: one Python, a thread for each message

Which of them are asked is said by the parts: parts/nothing.py and parts/mime.py. Also PlainProcesses, which do a job
without any server. Must leave no process behind, and nothing but /tmp is written.
"""
from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from support import processes
from support.mta import Courier
from support.spool import Spool
from support.wait import wait_until

from . import mime_job
from .load import program
from .peer import Peer, Pids, messages

# The least that perlfilter's documented calling convention allows: a descriptor as argument, read to the empty line.
_PERL_NOTHING = r"""
use IO::File;
my $filedesc=shift @ARGV;
my $socket=new IO::File "+<&$filedesc";
die "$!" unless defined $socket;
my $line;
while (defined ($line=<$socket>)) { chomp $line; last unless $line; }
print $socket "200 Ok\n";
$socket->close;
"""
# The hook of mimedefang-filter(5) that is called for a client which connects.
_MIMEDEFANG_NOTHING = "sub filter_relay { return ('CONTINUE', 'ok'); }\n1;\n"


def directory(stack: ExitStack, owner: str = "") -> Path:
    """A temporary directory that goes with the stack, open to its owner alone."""
    base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp")))
    if owner:
        shutil.chown(base, owner)
    return base


class BareServer(Peer):
    """The bare C server. It opens no file, so the messages need only their paths."""

    name = "bare C server"

    def start(self) -> None:
        base = directory(self._stack)
        self.socket_path = base / "socket"
        self.requests = [message.request for message in messages(Spool(base / "spool", os.getuid(), os.getgid()))]
        self._process = self._stack.enter_context(
            subprocess.Popen([str(program("bare_server")), str(self.socket_path)], stdin=subprocess.PIPE))

    def pids(self) -> Pids:
        return {"server": [process.pid for process in processes.descendants(self._process.pid)]}


class PerlFilter(Peer):
    """perlfilter, as `filterctl start perlfilter` and `courierfilter start` run it."""

    name = "perlfilter"

    def __init__(self, workers: int) -> None:
        super().__init__()
        self._workers = workers

    def start(self) -> None:
        self._mta = mta = self._stack.enter_context(Courier())
        account = mta.lib.stat()
        spool = Spool(mta.lib / "bench", account.st_uid, account.st_gid)
        inside = os.fsencode("/var/lib/courier")
        self.requests = [message.request.replace(os.fsencode(mta.lib), inside) for message in messages(spool)]
        mta.configure("nothing.pl", _PERL_NOTHING)
        mta.configure("filters/perlfilter", "/etc/courier/nothing.pl\n")
        mta.configure("filters/perlfilter-mode", "all\n")
        mta.configure("filters/perlfilter-numprocs", f"{self._workers}\n")
        mta.filterctl("start", self.name)
        mta.courierfilter("start")
        self.socket_path = mta.wait_for_socket(self.name)

    def pids(self) -> Pids:
        return {"process": [process.host_pid for process in self._mta.processes(self.name)]}


class MimeDefang(Peer):
    """mimedefang-multiplexor with its own Perl workers, asked as mimedefang(8) asks it.

    The request is relayok, the cheapest that calls a function of the filter: no file is read. A scan of a message would
    parse it.
    """

    name = "mimedefang-multiplexor"
    lines = True
    accepted = {"ok 1 ok 250 2.1.0 0"}
    user = "defang"

    def __init__(self, workers: int) -> None:
        super().__init__()
        self._workers = workers

    def start(self) -> None:
        base = directory(self._stack, self.user)
        self.socket_path = base / "socket"
        self.requests = [f"relayok 192.0.2.{number} client.example.com 2525 192.0.2.250 25 q{number}\n".encode()
                         for number in range(1, 65)]
        filter_path = base / "filter"
        filter_path.write_text(_MIMEDEFANG_NOTHING)
        options = {"-m": self._workers, "-x": self._workers, "-w": 1, "-r": 10**7, "-q": 128,
                   "-I": 256, "-z": base, "-s": self.socket_path, "-F": filter_path}
        command = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "--pdeathsig=TERM",
                   "mimedefang-multiplexor", "-D", *(str(word) for pair in options.items() for word in pair)]
        self._process = self._stack.enter_context(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        self._stack.callback(self._process.terminate)
        wait_until("the workers of mimedefang-multiplexor", self._workers_are_idle, 30)

    def _workers_are_idle(self) -> bool:
        """Its status begins with a letter for each worker."""
        if self._process.poll() is not None:
            raise RuntimeError(f"mimedefang-multiplexor ended with status {self._process.returncode}")
        if not self.socket_path.is_socket():
            return False
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5.0)
            client.connect(str(self.socket_path))
            client.sendall(b"status\n")
            return client.recv(1000).split()[:1] == [b"I" * self._workers]

    def pids(self) -> Pids:
        multiplexor, *workers = processes.descendants(self._process.pid)
        return {"multiplexor": [multiplexor.pid], "worker": [process.pid for process in workers]}


class ThreadedServer(Peer):
    """One Python with a thread for each message, and the job of mime_job.py as its filter."""

    name = "threaded Python"

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body

    def start(self) -> None:
        base = directory(self._stack)
        self.socket_path = base / "socket"
        spool = Spool(base / "spool", os.getuid(), os.getgid())
        self.requests = [message.request for message in messages(spool, self._body)]
        source = Path(__file__).with_name("threaded_server.py")
        self._process = self._stack.enter_context(subprocess.Popen(
            ["/usr/bin/python3", str(source), str(self.socket_path), mime_job.__file__], stdin=subprocess.PIPE))

    def pids(self) -> Pids:
        return {"process": [self._process.pid]}


class PlainProcesses:
    """Processes that do the job of mime_job.py without any server, started once and idle between the rounds."""

    def __init__(self, count: int) -> None:
        self._stack = ExitStack()
        self._count = count

    def __enter__(self) -> PlainProcesses:
        spool = Spool(directory(self._stack) / "spool", os.getuid(), os.getgid())
        bodies = [str(message.body_path) for message in messages(spool, mime_job.message())]
        command = ["/usr/bin/python3", mime_job.__file__, *bodies]
        started = (subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                   for _ in range(self._count))
        self._processes = [self._stack.enter_context(process) for process in started]
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._stack.close()

    def pids(self) -> Pids:
        return {"process": [process.pid for process in self._processes]}

    def run(self, seconds: float) -> tuple[int, float]:
        """Messages of all together, and messages/s."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
        answers = [self._answer(process, seconds + 30.0) for process in self._processes]
        return sum(count for count, _ in answers), sum(count / passed for count, passed in answers)

    @staticmethod
    def _answer(process: subprocess.Popen[str], timeout: float) -> tuple[int, float]:
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], timeout)[0]:
            raise TimeoutError("a plain process does not answer")
        count, passed = process.stdout.readline().split()
        return int(count), float(passed)
