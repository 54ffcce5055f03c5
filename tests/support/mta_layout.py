"""The private directories of one Courier: what stands in its configuration, and who its users are.

Used by tests/support/mta.py, which has them bound over the machine's, and by booted.py. Reads the packages of the
machine, or of the system below another root, and writes below `base` only.
"""
from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

DOMAIN = "mail.test"
PASSWORD = "secret"
# crypt("secret") with a fixed salt, so that no run needs a tool for it
_PASSWORD_HASH = "$1$mailtest$vxz2mAnyAiKTIfa3QSqOd0"


@dataclass(frozen=True)
class User:
    """A person with a mailbox on the private Courier, who may also use sendmail there."""

    name: str
    uid: int

    @property
    def home(self) -> str:
        """As seen inside."""
        return f"/run/home/{self.name}"


USERS = {name: User(name, uid) for name, uid in (("bob", 51001), ("alice", 51002))}

# Appended to /etc/courier/esmtpd, a shell file: the last setting counts.
_ESMTPD = """
PORT=25
BOFHCHECKDNS=0
TARPIT=0
ESMTPAUTH=PLAIN
MAXPERC=40
MAXPERIP=40
TCPDOPTS="-stderrlogger=/usr/sbin/courierlogger -noidentlookup -nodnslookup"
"""


def build(base: Path, machine: Path = Path("/")) -> None:
    """Fills `base`, an empty directory, with all that mta_inside.py binds. `machine`: whose Courier it is."""
    base.chmod(0o755)
    for name in ("dev", "tmp", "run"):
        (base / name).mkdir()
    (base / "tmp").chmod(0o1777)
    subprocess.run(["cp", "-a", str(machine / "etc/courier"), str(base / "etc")], check=True)
    subprocess.run(["cp", "-a", str(machine / "usr/lib/courier/filters"), str(base / "filters")], check=True)
    _empty_like(machine / "var/lib/courier", base / "lib")
    _configure(base / "etc")
    _run_directory(base / "run", machine)
    _system_files(base, machine / "etc")


def chown_to_courier(path: Path, machine: Path = Path("/")) -> None:
    """Gives a file to Courier's user and group, by their numbers on that machine."""
    owner = (machine / "var/lib/courier/msgs").stat()
    os.chown(path, owner.st_uid, owner.st_gid)


def _empty_like(model: Path, copy: Path) -> None:
    """A directory with the same empty directories in it: no mail of the machine comes along."""
    copy.mkdir()
    shutil.copystat(model, copy)
    shutil.chown(copy, model.stat().st_uid, model.stat().st_gid)
    for entry in model.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            (copy / entry.name).mkdir()
            shutil.chown(copy / entry.name, entry.stat().st_uid, entry.stat().st_gid)
            shutil.copystat(entry, copy / entry.name)


def _configure(etc: Path) -> None:
    for link in (etc / "filters" / "active").iterdir():
        link.unlink()
    for name in ("me", "defaultdomain", "locals"):
        (etc / name).write_text(DOMAIN + "\n")
    (etc / "enablefiltering").write_text("esmtp\n")
    (etc / "esmtpacceptmailfor.dir" / "tests").write_text(DOMAIN + "\n")
    (etc / "aliases" / "tests").write_text("team: bob, alice\npostmaster: bob\n")
    for table in (etc / "smtpaccess").iterdir():
        table.unlink()
    (etc / "smtpaccess" / "tests").write_text("127.0.0.1\tallow,RELAYCLIENT\n*\tallow\n")
    _append(etc / "esmtpd", _ESMTPD)
    _append(etc / "authdaemonrc", 'authmodulelist="authuserdb"\ndaemons=2\n')
    entries = (f"{user.name}\tuid={user.uid}|gid={user.uid}|home={user.home}|shell=/bin/sh|mail={user.home}/Maildir"
               f"|systempw={_PASSWORD_HASH}\n" for user in USERS.values())
    (etc / "userdb").write_text("".join(entries))
    (etc / "userdb").chmod(0o600)


def _append(file: Path, text: str) -> None:
    with file.open("a") as stream:
        stream.write("\n" + text)


def _run_directory(run: Path, machine: Path) -> None:
    run.chmod(0o755)
    (run / "courier" / "authdaemon").mkdir(parents=True)
    for path in (run / "courier", run / "courier" / "authdaemon"):
        chown_to_courier(path, machine)
        path.chmod(0o750)
    (run / "host" / "tmp").mkdir(parents=True)
    (run / "host").chmod(0o700)
    (run / "lock").mkdir()
    (run / "lock").chmod(0o1777)
    (run / "home").mkdir()
    for user in USERS.values():
        home = run / "home" / user.name
        home.mkdir(mode=0o700)
        for path in (home, home / "Maildir", *(home / "Maildir" / part for part in ("cur", "new", "tmp"))):
            path.mkdir(mode=0o700, exist_ok=True)
            os.chown(path, user.uid, user.uid)


def _system_files(base: Path, etc: Path) -> None:
    """Copies of the machine's user tables with our users in them, and no name servers but our own loopback."""
    for name in ("passwd", "shadow", "group"):
        shutil.copy2(etc / name, base / name)
        os.chown(base / name, (etc / name).stat().st_uid, (etc / name).stat().st_gid)
    for user in USERS.values():
        _append(base / "passwd", f"{user.name}:x:{user.uid}:{user.uid}::{user.home}:/bin/sh\n")
        _append(base / "shadow", f"{user.name}:*:19000:0:99999:7:::\n")
        _append(base / "group", f"{user.name}:x:{user.uid}:\n")
    (base / "hosts").write_text(f"127.0.0.1 localhost {DOMAIN}\n::1 localhost\n")
    (base / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
