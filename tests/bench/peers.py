"""The servers that dev/bench compares, each a context manager with its own socket and spool; all may run at once.

    BareServer    bare_server.c: what the kernel and the load client cost
    PerlFilter    Courier's own perlfilter with a script that does nothing, in a private Courier (tests/support/mta.py)
    FilterServer  the server under test, started as courierfilter starts it

Also PlainProcesses, which do a job without any server. Must leave no process behind, and nothing but /tmp is written.
"""
from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from support import processes
from support.log_reader import LogReader
from support.mta import Courier
from support.server import Server
from support.spool import Message, Spool
from support.wait import wait_until

from . import mime_job
from .load import program

ACCEPTED = {"200 Ok"}
NOTHING = "def do_filter(body_path, control_paths):\n    return ''\n"

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


Pids = dict[str, list[int]]  # the processes of a peer, by kind


class Peer:
    """One server that is being compared. `with` starts it."""

    name: str
    socket_path: Path
    requests: list[bytes]

    def __init__(self) -> None:
        self._stack = ExitStack()

    def start(self) -> None:
        raise NotImplementedError

    def pids(self) -> Pids:
        raise NotImplementedError

    def __enter__(self) -> Peer:
        try:
            self.start()
            wait_until(f"the socket of {self.name}", self.socket_path.is_socket)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._stack.close()


class BareServer(Peer):
    """The bare C server. It opens no file, so the messages need only their paths."""

    name = "bare C server"

    def start(self) -> None:
        base = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp")))
        self.socket_path = base / "socket"
        self.requests = [message.request for message in messages(Spool(base / "spool", os.getuid(), os.getgid()))]
        process = self._stack.enter_context(
            subprocess.Popen([str(program("bare_server")), str(self.socket_path)], stdin=subprocess.PIPE))
        self._pid = process.pid

    def pids(self) -> Pids:
        return {"server": [self._pid]}


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


class FilterServer(Peer):
    """The server under test with one filter in one pool; its log goes through a pipe into a file, read by cat."""

    name = "pythonfilter"

    def __init__(self, workers: int, filters: dict[str, str], body: bytes = b"") -> None:
        super().__init__()
        self._workers, self._filters, self._body = workers, filters, body

    def start(self) -> None:
        config = f"pools: {{default: {{workers: {self._workers}}}}}\n"
        self._server = LoggingServer(filters=self._filters, config=config)
        self._stack.push(self._server)
        self._server.start()
        self.socket_path = self._server.socket_path
        self.requests = [message.request for message in messages(self._server.spool, self._body)]

    def pids(self) -> Pids:
        server = self._server
        return {"guardian": [server.pid], "master": [server.master_pid()], "zygote": server.zygote_pids(),
                "worker": server.worker_pids()}


class LoggingServer(Server):
    """A Server whose log a small C program reads: a reader in Python would cost as much as what is measured."""

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]  # passed on as they are
        self._log = _LogFile()


class _LogFile(LogReader):
    """Lets cat read the pipe. What was read is only looked at when something failed."""

    def __init__(self) -> None:
        super().__init__()
        self._file = tempfile.TemporaryFile(dir="/tmp")
        self._readers: list[subprocess.Popen[bytes]] = []

    def follow(self, fd: int) -> None:
        self._readers.append(subprocess.Popen(["cat"], stdin=fd, stdout=self._file))
        os.close(fd)

    def lines(self) -> list[str]:
        size = os.fstat(self._file.fileno()).st_size
        tail = os.pread(self._file.fileno(), 20_000, max(0, size - 20_000))
        return tail.decode(errors="replace").splitlines()

    def join(self) -> None:
        for reader in self._readers:
            reader.wait(5.0)
        self._file.close()


class PlainProcesses:
    """Processes that do the job of mime_job.py without any server, started once and idle between the rounds."""

    def __init__(self, count: int) -> None:
        self._stack = ExitStack()
        self._count = count

    def __enter__(self) -> PlainProcesses:
        base = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp")))
        spool = Spool(base / "spool", os.getuid(), os.getgid())
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


def messages(spool: Spool, body: bytes = b"") -> list[Message]:
    """Enough messages for every number of clients that dev/bench uses."""
    return [spool.message(body) if body else spool.message() for _ in range(64)]


def memory_kib(pids: Pids) -> dict[str, int]:
    """Proportional set size by kind of process; of a kind with several, the mean."""
    sizes = {kind: [processes.resident_kib(pid) for pid in numbers] for kind, numbers in pids.items()}
    return {kind: round(sum(found) / len(found)) for kind, found in sizes.items() if found}


def cpu_seconds(pids: Pids) -> dict[str, float]:
    """CPU time that the processes have used so far, by kind; unlike the time of day it hardly sees other load."""
    return {kind: sum(time.clock_gettime(_cpu_clock(pid)) for pid in numbers) for kind, numbers in pids.items()}


def _cpu_clock(pid: int) -> int:
    """What clock_getcpuclockid(3) gives, which Python lacks."""
    return (~pid << 3) | 2
