"""A private Courier spool and the messages in it: what submit leaves there before it asks the filters.

Used by tests/support/server.py. The body file is D<inode of the first control file>, control files hold records, all
are 0660 and belong to the mail user, as on a real system.
"""
from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

DEFAULT_BODY = b"From: alice@example.com\nTo: bob@example.net\nSubject: test\n\nHello.\n"


def records(
    sender: str = "alice@example.com",
    recipients: Sequence[str] = ("bob@example.net",),
    remote_ip: str | None = "192.0.2.1",
    auth_user: str | None = None,
    relay_client: bool = False,
    extra: Sequence[str] = (),
) -> bytes:
    """The content of one control file, in Courier's order (message id: Spool.message() adds it)."""
    lines = [f"s{sender}", f"fdns; client.example.com (client.example.com [{remote_ip or '127.0.0.1'}])", "e", "t"]
    for recipient in recipients:
        lines += [f"r{recipient}", f"R{recipient}", "N"]
    if auth_user:
        lines.append(f"i{auth_user}")
    if relay_client:
        lines.append("ORELAYCLIENT=")
    if remote_ip:
        lines.append(f"OTCPREMOTEIP=::ffff:{remote_ip}" if ":" not in remote_ip else f"OTCPREMOTEIP={remote_ip}")
    now = int(time.time())
    lines += ["usmtp", *extra, f"E{now + 604800}", f"p{now + 86400}", f"W{now + 14400}"]
    return ("\n".join(lines) + "\n").encode()


@dataclass(frozen=True)
class Message:
    """A message in the spool, as its paths."""

    body_path: Path
    control_paths: tuple[Path, ...]

    @property
    def request(self) -> bytes:
        """What Courier writes into the filter's socket."""
        return b"".join(os.fsencode(path) + b"\n" for path in (self.body_path, *self.control_paths)) + b"\n"

    @property
    def body(self) -> bytes:
        return self.body_path.read_bytes()

    @property
    def controls(self) -> list[bytes]:
        return [path.read_bytes() for path in self.control_paths]

    @property
    def id(self) -> str:
        """Courier's, from the first control file."""
        return next(line for line in self.controls[0].decode().splitlines() if line.startswith("M"))[1:]

    def remove(self) -> None:
        """What submit does after a refusal."""
        for path in (self.body_path, *self.control_paths):
            path.unlink(missing_ok=True)


class Spool:
    """localstatedir: allfilters/, filters/ and tmp/, owned by the mail user."""

    def __init__(self, path: Path, uid: int, gid: int) -> None:
        self.path, self.uid, self.gid = path, uid, gid
        self._numbers = count(1)
        for directory in (path, path / "allfilters", path / "filters", path / "tmp", path / "tmp" / "179534"):
            directory.mkdir()
            self._give(directory, 0o770)

    def message(self, body: bytes = DEFAULT_BODY, controls: Sequence[bytes] | None = None) -> Message:
        """Writes a message with one control file for each element of `controls` (default: one, from records())."""
        directory = self.path / "tmp" / "179534"
        contents = [records()] if controls is None else list(controls)
        stem = f"{int(time.time())}.{os.getpid()}.{next(self._numbers)}"
        paths = [directory / f"{stem}.new{number}" for number in range(len(contents))]
        for path in paths:
            self._write(path, b"")
        inode = paths[0].stat().st_ino
        names = [f"{stem}.mail.test"] if len(paths) == 1 else [f"C{inode}.{n}" for n in range(1, len(paths) + 1)]
        finals = tuple(path.rename(directory / name) for path, name in zip(paths, names))
        for path, content in zip(finals, contents):
            path.write_bytes(self._with_message_id(content, path.stat().st_ino))
        body_path = directory / f"D{inode}"
        self._write(body_path, body)
        return Message(body_path, finals)

    @staticmethod
    def _with_message_id(content: bytes, inode: int) -> bytes:
        lines = content.splitlines(keepends=True)
        if any(line.startswith(b"M") for line in lines):
            return content
        record = f"M{inode:016X}.{int(time.time()):016X}.{os.getpid():08X}\n".encode()
        return b"".join(lines[:4] + [record] + lines[4:])

    def _write(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        self._give(path, 0o660)

    def _give(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if os.geteuid() == 0:
            shutil.chown(path, self.uid, self.gid)
