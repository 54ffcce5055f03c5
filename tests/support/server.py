"""Server: the installed program on a private spool, started as courierfilter or as a person would start it.

    with Server(filters={"hello": "def do_filter(body, controls): return ''"}) as server:
        assert server.ask() == b"200 Ok\\n"
        server.wait_for_log("hello")

The installed tree is that of tree.py. The server runs as `courier` where that user exists, else as `nobody`, never as
root when the test can choose. Everything lives in one temporary directory, which the mail user can read:

    etc/         sysconfdir: <name>.yaml, and what a test writes there
    spool/       localstatedir: allfilters/ filters/ tmp/
    filters.d/   the filter modules of the test
    bin/         courier-config, which names the directories above

Used by all component tests. Must never wait without a deadline, and never leaves a process behind.
"""
from __future__ import annotations

import grp
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from . import processes
from .connection import Connection
from .log_reader import LogReader, open_log
from .processes import Process
from .spool import DEFAULT_BODY, Message, Spool
from .tree import installed_tree
from .wait import wait_until

MARK = "PYTHONFILTER_TEST_MARK"  # in the environment of every process of one Server
PATIENCE = 30.0                  # seconds until something is given up that mostly takes a millisecond
STOP_LIMIT = 20.0                # seconds for a stop, a little more than the program's own bound of 15


def mail_user() -> tuple[pwd.struct_passwd, grp.struct_group]:
    """The account the server runs as: ourselves unless the test runs as root."""
    if os.geteuid() != 0:
        account = pwd.getpwuid(os.geteuid())
    else:
        try:
            account = pwd.getpwnam("courier")
        except KeyError:
            account = pwd.getpwnam("nobody")
    return account, grp.getgrgid(account.pw_gid)


class Server:
    """A running server, its spool and its log. Start it with `with`, or with start() and close()."""

    def __init__(
        self,
        *,
        mode: str = "courierfilter",
        filters: Mapping[str, str] | None = None,
        config: str = "",
        name: str = "pythonfilter",
        environment: Mapping[str, str] | None = None,
        open_files: int = 0,
        parent: Path = Path("/tmp"),
    ) -> None:
        """Prepares the directories; nothing runs yet.

        Args:
            mode: "courierfilter" (fd 3, stdin pipe, no arguments) or "foreground" (serve --config FILE).
            filters: Module name to source text; they form the chain, in this order.
            config: YAML with further top-level keys. With a `filters:` key in it, `filters` only writes the modules.
            name: argv[0], and so the name of the socket and of the configuration file.
            environment: Further variables for the server.
            open_files: Its hard limit of descriptors; 0 leaves that alone.
            parent: Where the temporary directory is made; the mail user must be able to enter it.
        """
        self.mode, self.name, self.open_files = mode, name, open_files
        self.account, self.group = mail_user()
        self.base = Path(tempfile.mkdtemp(prefix="pythonfilter-test-", dir=parent))
        self.base.chmod(0o755)
        self.etc, self.filter_directory, self.bin = (self.base / part for part in ("etc", "filters.d", "bin"))
        for directory in (self.etc, self.filter_directory, self.bin):
            directory.mkdir(mode=0o755)
        self.spool = Spool(self.base / "spool", self.account.pw_uid, self.account.pw_gid)
        self.program = installed_tree() / "usr" / "sbin" / "pythonfilter"
        self.socket_path = self.spool.path / "allfilters" / name
        self.config_path = self.etc / f"{name}.yaml"
        self.environment = dict(environment or {})
        self.mark = uuid.uuid4().hex
        self.process: subprocess.Popen[bytes] | None = None
        self.stdin_fd = self.ready_fd = -1  # our ends of the server's fd 0 and fd 3
        self._log = LogReader()
        self._marked = 0  # the number of the line behind the last log_mark()
        self._write_courier_config()
        for module, source in (filters or {}).items():
            self.write_filter(module, source)
        self.write_config(config, list(filters or {}))

    # Files -----------------------------------------------------------------------------------------------------------

    def write_filter(self, module: str, source: str) -> Path:
        """Writes filters.d/<module>.py."""
        path = self.filter_directory / f"{module}.py"
        path.write_text(textwrap.dedent(source))
        return path

    def write_config(self, config: str = "", chain: Sequence[str] = ()) -> None:
        """Writes <name>.yaml: Courier's directories, the filter path, `config`, the chain unless `config` has one."""
        config = textwrap.dedent(config)
        text = (
            f"courier: {{sysconfdir: {self.etc}, localstatedir: {self.spool.path},"
            f" mailuser: {self.account.pw_name}, mailgroup: {self.group.gr_name}}}\n"
            f"filter_path: [{self.filter_directory}]\n" + config
        )
        if not re.search(r"^filters:", config, re.MULTILINE):
            text += "\nfilters: [" + ", ".join(chain) + "]\n"
        self.write_raw_config(text)

    def write_raw_config(self, text: str) -> None:
        """Replaces <name>.yaml in one step."""
        temporary = self.config_path.with_suffix(".new")
        temporary.write_text(text)
        temporary.replace(self.config_path)

    def _write_courier_config(self) -> None:
        values = {
            "prefix": "/usr", "exec_prefix": "/usr", "bindir": "/usr/bin", "sbindir": "/usr/sbin",
            "libexecdir": "/usr/lib/courier", "sysconfdir": self.etc, "datadir": "/usr/lib/courier",
            "localstatedir": self.spool.path, "mailuser": self.account.pw_name, "mailgroup": self.group.gr_name,
            "mailuid": 0, "mailgid": 0,
        }
        path = self.bin / "courier-config"
        lines = "".join(f"{key}={value}\n" for key, value in values.items())
        path.write_text(f"#!/bin/sh\ncat <<END\n{lines}END\n")
        path.chmod(0o755)

    # Start and stop --------------------------------------------------------------------------------------------------

    def start(
        self, *, wait: bool = True, timeout: float = 30.0, leak_fd4: bool = False, closed: Sequence[int] = (),
        log_in_pieces: bool = False,
    ) -> Server:
        """Starts the program.

        Args:
            wait: Return only when it is ready (wait_ready()).
            timeout: Limit for that.
            leak_fd4: Give it the read end of the fd 3 pipe as fd 4, as courierfilter does on SIGHUP.
            closed: Descriptors that are closed before the exec.
            log_in_pieces: Its log is a socket that keeps apart what is written (log_pieces()), not a pipe.
        """
        plan: dict[int, int] = {}
        stdin_read, self.stdin_fd = os.pipe()
        log_read, log_write = open_log(log_in_pieces)
        if os.geteuid() == 0:
            os.fchown(log_write, self.account.pw_uid, self.account.pw_gid)  # courierfilter makes it as the mail user
        plan |= {0: stdin_read, 1: log_write, 2: log_write}
        mine = [stdin_read, log_write]
        if self.mode == "courierfilter":
            self.ready_fd, ready_write = os.pipe()
            plan[3] = ready_write
            mine.append(ready_write)
            if leak_fd4:
                plan[4] = self.ready_fd
        else:
            plan[0] = os.open("/dev/null", os.O_RDONLY)
            mine.append(plan[0])
        self._launch(plan, list(closed))
        for fd in mine:
            os.close(fd)
        self._log.follow(log_read)
        if wait:
            self.wait_ready(timeout)
        return self

    def _launch(self, descriptors: Mapping[int, int], closed: list[int]) -> None:
        courierfilter = self.mode == "courierfilter"
        plan = {
            "descriptors": descriptors,
            "closed": closed,
            "uid": self.account.pw_uid if os.geteuid() == 0 else None,
            "gid": self.account.pw_gid,
            "death_signal": 0 if courierfilter else int(signal.SIGTERM),
            "open_files": self.open_files,
            "directory": "/usr",
            "program": str(self.program),
            "arguments": [self.name] if courierfilter else [self.name, "--config", str(self.config_path), "serve"],
            "environment": {
                "PATH": f"{self.bin}:/usr/bin:/bin", "PWD": "/usr", "sysconfdir": str(self.etc), MARK: self.mark,
                **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")},
                **self.environment,
            },
        }
        read_end, write_end = os.pipe()
        launcher = Path(__file__).with_name("launch.py")
        keep = {read_end, *descriptors.values()}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(launcher), str(read_end)], stdin=subprocess.DEVNULL, pass_fds=keep)
        os.close(read_end)
        with os.fdopen(write_end, "w") as stream:
            json.dump(plan, stream)

    def wait_ready(self, timeout: float = 30.0) -> None:
        """courierfilter: until every copy of fd 3 is closed, as `courierfilter start` waits. Else: until it listens."""
        if self.ready_fd >= 0:
            wait_until("fd 3 to be closed", lambda: self._ended(self.ready_fd), timeout)
            os.close(self.ready_fd)
            self.ready_fd = -1
        else:
            wait_until("the socket", lambda: self._listens() or not self.running(), timeout)
        if not self.running():
            raise AssertionError("the server ended during its start:\n" + "\n".join(self.log_lines()))

    @staticmethod
    def _ended(fd: int) -> bool:
        os.set_blocking(fd, False)
        try:
            return os.read(fd, 1) == b""
        except BlockingIOError:
            return False

    def _listens(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket_path))
            return True
        except OSError:
            return False

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        """courierfilter: closes the server's stdin. Foreground: SIGTERM. Returns at once."""
        if self.mode == "courierfilter":
            self.close_stdin()
        else:
            self.signal(signal.SIGTERM)

    def close_stdin(self) -> None:
        if self.stdin_fd >= 0:
            os.close(self.stdin_fd)
            self.stdin_fd = -1

    def stop(self, timeout: float = STOP_LIMIT) -> int:
        """Stops the server as its supervisor would and waits. Returns the exit status."""
        self.ask_to_stop()
        return self.wait_exit(timeout)

    def wait_exit(self, timeout: float = STOP_LIMIT) -> int:
        assert self.process is not None
        return self.process.wait(timeout)

    def signal(self, number: int) -> None:
        """To the process that courierfilter knows: the guardian, or the foreground server."""
        assert self.process is not None
        self.process.send_signal(number)

    def close(self) -> None:
        """Ends what still runs, by pid, and removes the directory."""
        self.close_stdin()
        if self.ready_fd >= 0:
            os.close(self.ready_fd)
            self.ready_fd = -1
        deadline = time.monotonic() + 10.0
        while (left := self.processes()) and time.monotonic() < deadline:
            for process in left:
                self._kill(process.pid)
            if self.process is not None:
                self.process.poll()
            time.sleep(0.01)
        self._log.join()
        shutil.rmtree(self.base, ignore_errors=True)

    @staticmethod
    def _kill(pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def __enter__(self) -> Server:
        try:
            return self if self.process else self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is not None:
            print("\n".join(["--- log of the server:", *self.log_lines()]))
        self.close()

    # Messages --------------------------------------------------------------------------------------------------------

    def connect(self) -> Connection:
        """A client that has said nothing yet."""
        return Connection(self.socket_path)

    def send(self, message: Message) -> Connection:
        """A client that has sent its whole request."""
        connection = self.connect()
        connection.send(message.request)
        return connection

    def ask(self, body: bytes = DEFAULT_BODY, controls: Sequence[bytes] | None = None,
            timeout: float = PATIENCE) -> bytes:
        """Makes a message, asks the server about it, removes it and returns the reply."""
        message = self.spool.message(body, controls)
        try:
            return self.ask_message(message, timeout)
        finally:
            message.remove()

    def ask_message(self, message: Message, timeout: float = PATIENCE) -> bytes:
        """The reply to a message that the test made and keeps."""
        with self.send(message) as connection:
            return connection.read_reply(timeout)

    # Log -------------------------------------------------------------------------------------------------------------

    def log_lines(self) -> list[str]:
        return self._log.lines()

    def log_pieces(self) -> int:
        """How many writes brought the lines of the log; of a server that was started with log_in_pieces."""
        return self._log.pieces

    def wait_for_log(self, pattern: str, *, after: int = 0, timeout: float = PATIENCE) -> str:
        """The first log line with a match of the regular expression, from line number `after` on (log_mark())."""
        return self._log.wait_for(pattern, after, timeout)[1]

    def log_mark(self) -> int:
        """The number of the next log line. All that the master says of messages answered before stands above it.

        len(log_lines()) would not do: the reply goes before the line. So this waits for a line of its own, which nobody
        else causes.
        """
        with self.connect() as client:
            client.send(b" \n")
            client.read_reply()
        self._marked = self._log.wait_for("bad request: a path of blanks only(\"|$)", self._marked, PATIENCE)[0] + 1
        return self._marked

    def pause_log(self) -> None:
        """Nobody reads the server's stderr any more, until resume_log()."""
        self._log.pause()

    def resume_log(self) -> None:
        self._log.resume()

    def break_log(self) -> None:
        """Closes our end of the server's stderr when its next line comes."""
        self._log.break_off()

    # Processes -------------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def processes(self) -> list[Process]:
        """All living processes of this server, parents first, also those that lost their parent; no zombies."""
        if self.process is None:
            return []
        found = {process.pid: process for process in processes.descendants(self.process.pid)}
        for process in processes.all_processes():
            if process.pid not in found and processes.environment(process.pid).get(MARK) == self.mark:
                found[process.pid] = process
        return [process for process in found.values() if not process.is_zombie]

    def master_pid(self) -> int:
        """The master: the guardian's child, or in the foreground the program itself. 0 when there is none now."""
        if self.mode != "courierfilter":
            return self.pid
        masters = [p.pid for p in self.processes() if "--master-of-guardian" in p.arguments and not p.is_zombie]
        return masters[0] if masters else 0

    def zygote_pids(self) -> list[int]:
        master = self.master_pid()
        return [p.pid for p in self.processes() if p.parent == master]

    def worker_pids(self) -> list[int]:
        zygotes = set(self.zygote_pids())
        return [p.pid for p in self.processes() if p.parent in zygotes]

    def descriptor_count(self) -> int:
        """Open descriptors of the whole process tree."""
        return sum(len(processes.descriptors(process.pid)) for process in self.processes())
