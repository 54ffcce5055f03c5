"""A copy of this machine, or of a tree, in which Debian's systemd runs as process 1, with Courier's and our units.

Used by tests/e2e. What it writes lies in memory and goes with it. One object is one booted machine with its own
network, processes, units, log and mail; all of it ends with close(), or with the test process. Must never change
anything of the machine it copies.

    with Booted(filters={"mark": SOURCE}, config="filters: [mark]\\n") as machine:
        machine.systemctl("start", "pythonfilter", "courier-mta")
"""
from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from . import mta_layout, tree
from .mta import TABLES
from .namespaces import connect_inside
from .smtp import Client, Dialogue
from .wait import wait_until

_KINDS = ("--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup")
# Of the machine's units what would be slow, or would reach for hardware or kernel settings.
_MASKED = ("systemd-sysctl.service", "systemd-modules-load.service", "systemd-remount-fs.service",
           "systemd-udevd.service", "systemd-udev-trigger.service", "systemd-logind.service", "getty.target",
           "systemd-random-seed.service", "systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer",
           "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "postgresql.service",
           "redis-server.service", "clamav-daemon.service", "clamav-freshclam.service", "spamassassin.service",
           "spamd.service", "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount",
           "sys-kernel-tracing.mount", "sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount")
_COURIER = ("courier-authdaemon", "courier", "courierfilter", "courier-mta", "courier-mta-ssl", "courier-msa",
            "courier-imap", "courier-pop")
NAME = "pythonfilter"
SPOOL = "var/lib/courier"


class Booted:
    """One booted machine. Courier's units and the server's are installed, and not started."""

    def __init__(self, *, filters: Mapping[str, str] | None = None, config: str = "",
                 machine: Path = Path("/")) -> None:
        """Nothing runs yet.

        Args:
            filters: Module name to source text.
            config: pythonfilter.yaml, without filter_path.
            machine: What is copied. Another one than this has no server installed, and gets none.
        """
        self._filters = dict(filters or {})
        self._config = config
        self._machine = machine

    def __enter__(self) -> Booted:
        self.base = Path(tempfile.mkdtemp(prefix="booted-", dir="/tmp"))
        try:
            self._lay_out()
            self._boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _lay_out(self) -> None:
        mta = self.base / "mta"
        mta.mkdir()
        mta_layout.build(mta, self._machine)
        upper = self.base / "upper"
        for name in ("etc/systemd/system", SPOOL, "usr/lib/courier/filters"):
            (upper / name).mkdir(parents=True)
        shutil.copystat(self._machine / "etc", upper / "etc")
        subprocess.run(["cp", "-a", str(mta / "etc"), str(upper / "etc/courier")], check=True)
        subprocess.run(["cp", "-a", f"{mta}/lib/.", str(upper / SPOOL)], check=True)
        shutil.copystat(self._machine / SPOOL, upper / SPOOL)
        mta_layout.chown_to_courier(upper / SPOOL, self._machine)
        for name in ("passwd", "shadow", "group", "hosts"):
            shutil.copy2(mta / name, upper / "etc" / name)
        (mta / "run").rename(self.base / "run")
        units = upper / "etc/systemd/system"
        for name in _MASKED:
            (units / name).symlink_to("/dev/null")
        (units / "default.target").symlink_to("/lib/systemd/system/basic.target")
        if self._machine == Path("/"):
            self._install_server(upper)

    def _install_server(self, upper: Path) -> None:
        (upper / f"usr/lib/courier/filters/{NAME}").symlink_to(f"/usr/sbin/{NAME}")
        etc = upper / "etc/courier"
        (etc / f"{NAME}.d").mkdir()
        for name, source in self._filters.items():
            (etc / f"{NAME}.d" / f"{name}.py").write_text(source)
        (etc / f"{NAME}.yaml").write_text(f"filter_path: [/etc/courier/{NAME}.d]\n{self._config}")
        (etc / "filters/active" / NAME).symlink_to(f"/usr/lib/courier/filters/{NAME}")

    def _boot(self) -> None:
        layers = [str(self._machine)]
        if self._machine == Path("/"):
            layers.insert(0, str(tree.installed_tree()))
        self._console = (self.base / "console").open("wb")
        self._unshare = subprocess.Popen(
            ["unshare", *_KINDS, "--fork", "--kill-child", "--propagation", "private", "/usr/bin/python3", "-S",
             "-m", "support.booted_inside", str(self.base), *layers],
            stdin=subprocess.DEVNULL, stdout=self._console, stderr=self._console, start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
                 "PYTHONPATH": str(tree.CHECKOUT / "tests")})
        self.init_pid = wait_until("process 1", self._find_init, 20.0)
        wait_until("systemd to be up", self._is_up, 60.0)

    def _find_init(self) -> int:
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text().split()
        if self._unshare.poll() is not None:
            raise RuntimeError(f"no booted machine: {self.console()}")
        return int(children[0]) if children else 0

    def _is_up(self) -> bool:
        if self._unshare.poll() is not None:
            raise RuntimeError(f"the booted machine ended: {self.console()}")
        if Path(f"/proc/{self.init_pid}/comm").read_text() != "systemd\n":
            return False
        done = self.run("systemctl", "is-system-running", check=False)
        return done.stdout.strip() in ("running", "degraded")

    def console(self) -> str:
        return (self.base / "console").read_text(errors="replace")

    def close(self) -> None:
        if hasattr(self, "_unshare"):
            self._unshare.kill()  # --kill-child takes the rest along
            self._unshare.wait()
            self._console.close()
        shutil.rmtree(self.base)

    # What runs there

    def run(self, *command: str, timeout: float = 60.0, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command inside, as root."""
        done = subprocess.run(["nsenter", f"--target={self.init_pid}", "--all", *command], timeout=timeout, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, start_new_session=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"})
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def systemctl(self, *arguments: str, timeout: float = 60.0) -> str:
        return self.run("systemctl", *arguments, timeout=timeout).stdout

    def start_courier(self) -> None:
        self.run("sh", "-ec", TABLES)
        self.systemctl("start", "courier-mta")
        wait_until("esmtpd to listen", self._listens, 30.0)

    def _listens(self) -> bool:
        try:
            self._connect(None).close()
        except ConnectionRefusedError:
            return False
        return True

    def unit_property(self, name: str, unit: str = NAME) -> str:
        return self.systemctl("show", "--value", f"--property={name}", unit).strip()

    def main_pid(self) -> int:
        """The service's main process, as numbered outside."""
        inner = int(self.unit_property("MainPID"))
        return next((pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                     if self._inner_pid(pid) == inner), 0)

    def _inner_pid(self, pid: int) -> int:
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") != os.readlink(f"/proc/{self.init_pid}/ns/pid"):
                return 0
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return 0
        return int(next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1])

    def journal(self, unit: str = NAME) -> str:
        return self.run("journalctl", "--unit", unit, "--output", "cat", "--no-pager", check=False).stdout

    def path(self, inside: str) -> Path:
        """A file there, as seen from here."""
        return Path(f"/proc/{self.init_pid}/root") / inside.lstrip("/")

    @property
    def socket_path(self) -> Path:
        return self.path(f"{SPOOL}/allfilters/{NAME}")

    # Mail

    def _connect(self, source: str | None, timeout: float = 10.0) -> socket.socket:
        return connect_inside(f"/proc/{self.init_pid}/ns/net", ("127.0.0.1", 25), source, timeout)

    def send(self, sender: str, rcpts: list[str], message: bytes, timeout: float = 60.0) -> Dialogue:
        """Sends one message by SMTP; a refusal is no exception."""
        with Client(lambda: self._connect("192.0.2.1", timeout), timeout, "client.test") as client:
            return client.deliver(sender, rcpts, message)

    def messages(self, user: str) -> list[bytes]:
        new = self.path(f"run/home/{user}/Maildir/new")
        return [path.read_bytes() for path in new.iterdir()]
