"""A real, private Courier for the tests: Debian's packages, in namespaces of their own.

Used by tests/e2e, dev/bench and dev/soak. One object is one mail server with its own configuration, queue, users, log
and network; several may run at the same time. All of it ends with the object, or with the test process. Must never
change anything of the machine: what is written lies in a temporary directory, what is started in private namespaces.

    with Courier() as mta:
        mta.install_filter("pythonfilter", tree / "usr/sbin/pythonfilter", tree=tree)
        mta.configure("pythonfilter.yaml", "filters: [attachments]\\n")
        mta.start()
        assert mta.send("eve@example.com", ["bob@mail.test"], message).data.code == 550
"""
from __future__ import annotations

import os
import pwd
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from . import mta_layout
from .mta_layout import PASSWORD, USERS
from .namespaces import Namespaces, Process
from .smtp import Client, Dialogue
from .syslog_socket import SyslogSocket
from .wait import wait_until

OUTSIDE = "192.0.2.1"  # a client address that may not relay
RELAY = "127.0.0.1"  # one that may

_NEEDED = (
    ("/usr/sbin/courierfilter", "courier-mta"), ("/usr/bin/maildirmake.courier", "courier-base"),
    ("/usr/sbin/authdaemond", "courier-authdaemon"), ("/usr/sbin/makeuserdb", "courier-authlib-userdb"),
    ("/usr/bin/unshare", "util-linux"), ("/usr/bin/nsenter", "util-linux"), ("/usr/bin/mount", "mount"),
    ("/usr/bin/timeout", "coreutils"), ("/usr/bin/setpriv", "util-linux"), ("/usr/bin/python3", "python3"),
)
TABLES = "makeacceptmailfor\nmakesmtpaccess\nmakealiases\nmakeuserdb\n"


@dataclass(frozen=True)
class Output:
    """What a command inside left: its exit status, and what it printed on stdout and stderr."""

    status: int
    text: str


def missing() -> str:
    """What this machine lacks for a private Courier, for people; empty if nothing."""
    if os.geteuid() != 0:
        return "the right to make namespaces and mounts is missing: run as root"
    absent = [f"{path} (package {package})" for path, package in _NEEDED if not os.access(path, os.X_OK)]
    if shutil.which("ip", path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        absent.append("ip (package iproute2)")
    return f"missing: {', '.join(absent)}; run dev/setup --courier" if absent else ""


class Courier:
    """One private Courier. `with` makes the place; start() starts the daemons."""

    def __init__(self, *, filtering: str = "esmtp") -> None:
        self._filtering = filtering

    def __enter__(self) -> Courier:
        if lack := missing():
            raise RuntimeError(lack)
        self.base = Path(tempfile.mkdtemp(prefix="courier-", dir="/tmp"))
        try:
            mta_layout.build(self.base)
            self.etc, self.lib, self.run_dir = (self.base / name for name in ("etc", "lib", "run"))
            self.log = SyslogSocket(self.run_dir / "log")
            self.enable_filtering(self._filtering)
            self.inside = Namespaces(self.base)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        try:
            self.inside.close()
        finally:
            self._remove()

    def _remove(self) -> None:
        if hasattr(self, "log"):
            self.log.close()
        shutil.rmtree(self.base)

    # Daemons

    def start(self, *, timeout: float = 30.0) -> None:
        """Starts authdaemond, courierfilter with the filters installed so far, courierd and esmtpd."""
        self.inside.run(["sh", "-ec", TABLES + "authdaemond start"], timeout=timeout)
        self.courierfilter("start", timeout=timeout)
        self.inside.run(["sh", "-ec", "courier start\nesmtpd start"], timeout=timeout)
        wait_until("esmtpd to listen", self._listens, timeout)

    def _listens(self) -> bool:
        try:
            self.inside.connect((RELAY, 25)).close()
        except ConnectionRefusedError:
            return False
        return True

    def courierfilter(self, verb: str, *, timeout: float = 30.0) -> None:
        """`courierfilter start`, `stop` or `restart`. Start and stop wait for filters; CommandTimeout if too long."""
        self.inside.run(["courierfilter", verb], timeout=timeout)

    def filterctl(self, verb: str, name: str, *, timeout: float = 30.0) -> None:
        """`filterctl start NAME` or `stop NAME`; it does not wait for the filter."""
        self.inside.run(["filterctl", verb, name], timeout=timeout)

    # Filters and configuration

    def install_filter(self, name: str, program: Path, *, tree: Path | None = None, start: bool = True) -> None:
        """Puts a program where filterctl finds it and links it as active.

        Args:
            name: The filter's name, which becomes its argv[0] and the name of its socket.
            program: A single file, which is copied; or, with `tree`, a program that needs its tree.
            tree: The directory that holds `program` and its parts; it is linked, not copied, and must be searchable
                by the user courier (see tests/support/tree.py).
            start: Whether to run `filterctl start`; a running courierfilter then starts it at once.
        """
        place = self.base / "filters" / name
        place.unlink(missing_ok=True)
        if tree is None:
            shutil.copy(program, place)
            place.chmod(0o755)
        else:
            self.inside.expose(tree)
            place.symlink_to(program)
        if start:
            self.filterctl("start", name)

    def wait_for_socket(self, name: str, timeout: float = 20.0) -> Path:
        """Waits until the filter's socket has its name; returns its path on this side."""
        path = self.lib / "allfilters" / name
        wait_until(f"the socket of {name}", path.is_socket, timeout)
        return path

    def configure(self, name: str, content: str | bytes) -> Path:
        """Writes the file `name` below /etc/courier, in one step; returns its path on this side."""
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(content.encode() if isinstance(content, str) else content)
        fresh.chmod(0o644)
        fresh.rename(path)
        return path

    def set_environment(self, **variables: str) -> None:
        """Variables that courierfilter gives its filters from its next start on (the file courierd)."""
        with (self.etc / "courierd").open("a") as stream:
            stream.writelines(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())

    def enable_filtering(self, modules: str) -> None:
        """Which mail is filtered: "esmtp", "local", "esmtp local" or ""."""
        self.configure("enablefiltering", modules + "\n")

    def run(self, *command: str, user: str = "root", stdin: bytes = b"", timeout: float = 30.0) -> Output:
        """Runs a command inside as a user: root, courier or one of mta_layout.USERS.

        Raises:
            CommandTimeout: It did not end in time and was killed.
        """
        identity = [] if user == "root" else ["setpriv", *self._ids(user), "--reset-env"]
        done = self.inside.run([*identity, *command], stdin=stdin, timeout=timeout, check=False)
        return Output(done.returncode, done.stdout.decode(errors="replace"))

    @staticmethod
    def _ids(user: str) -> list[str]:
        if user in USERS:  # known inside only
            uid = gid = USERS[user].uid
        else:
            uid, gid = pwd.getpwnam(user)[2:4]
        return [f"--reuid={uid}", f"--regid={gid}", "--init-groups"]

    def processes(self, name: str = "") -> list[Process]:
        """Processes inside, or those whose program has this name."""
        return [process for process in self.inside.processes() if not name or process.named(name)]

    def filter_processes(self) -> list[Process]:
        """courierfilter's children, one per filter; empty while it has no pid file."""
        pid_file = self.run_dir / "courier" / "courierfilter.pid"
        pid = int(pid_file.read_text()) if pid_file.exists() else -1
        return [process for process in self.inside.processes() if process.ppid == pid]

    # Mail

    def client(self, *, source: str = OUTSIDE, timeout: float = 30.0, helo: str = "client.test") -> Client:
        """An SMTP session with esmtpd, after EHLO; several threads may each have one."""
        server = ("2001:db8::1" if ":" in source else RELAY, 25)
        return Client(lambda: self.inside.connect(server, source, timeout), timeout, helo)

    def send(self, sender: str, rcpts: Sequence[str], message: bytes, *, auth: str | None = None,
             source: str = OUTSIDE, timeout: float = 30.0) -> Dialogue:
        """Sends one message by SMTP.

        Args:
            sender: Envelope sender; may be empty.
            rcpts: Envelope recipients.
            message: Header and body; LF or CRLF.
            auth: A user of mta_layout.USERS to log in as.
            source: The client's address: OUTSIDE, RELAY or another of mta_inside.OUTSIDE_ADDRESSES.
            timeout: Seconds for each answer.

        Returns:
            Every answer; a refusal is no exception.
        """
        with self.client(source=source, timeout=timeout) as client:
            if auth is not None:
                client.user, client.password = auth, PASSWORD
                client.auth("PLAIN", client.auth_plain)
            return client.deliver(sender, rcpts, message)

    def sendmail(self, sender: str, rcpts: Sequence[str], message: bytes, *, user: str = "bob",
                 timeout: float = 30.0) -> Output:
        """Sends one message with sendmail as a local user; status 67 means refused (5xx), 75 try later."""
        return self.run("/usr/sbin/sendmail", "-f", sender, *rcpts, user=user, stdin=message, timeout=timeout)

    def messages(self, user: str) -> list[bytes]:
        """What was delivered to a user's Maildir, oldest first."""
        new = self.run_dir / "home" / user / "Maildir" / "new"
        return [path.read_bytes() for path in sorted(new.iterdir(), key=lambda path: path.stat().st_mtime_ns)]

    def wait_messages(self, user: str, count: int = 1, timeout: float = 15.0) -> list[bytes]:
        """Waits until a user has at least `count` messages."""
        new = self.run_dir / "home" / user / "Maildir" / "new"
        wait_until(f"{count} message(s) for {user}", lambda: len(os.listdir(new)) >= count, timeout)
        return self.messages(user)

    def queue(self) -> list[Path]:
        """Control files in reception or in the queue; empty when all mail is done.

        Names with a dot in front are nothing to Courier: a filter that was killed may leave one.
        """
        received = (path for path in self.lib.glob("tmp/*/*") if not path.name.startswith(("D", ".")))
        return [*received, *self.lib.glob("msgs/*/C*")]

    def wait_queue_empty(self, timeout: float = 20.0) -> None:
        """Waits until every message is delivered, bounced or refused."""
        wait_until("the queue to be empty", lambda: not self.queue(), timeout)
