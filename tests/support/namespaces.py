"""Namespaces of their own for a program under test: made, entered and ended from the test process.

Used by tests/support/mta.py. Everything that runs inside ends with close(), or with the death of the test process. Must
never signal a process by name, and never change the namespaces of a thread that lives on.
"""
from __future__ import annotations

import ctypes
import os
import select
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_INSIDE = Path(__file__).with_name("mta_inside.py")
_KINDS = ("--mount", "--pid", "--net", "--uts")
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Process:
    """A process in the namespaces, with its numbers on both sides."""

    pid: int  # as seen inside
    ppid: int  # as seen inside; 0 if the parent is outside
    host_pid: int
    comm: str  # what the kernel calls it: for a script its file name, at most 15 bytes
    command: tuple[str, ...]  # empty for a zombie

    def named(self, name: str) -> bool:
        """Whether it is called so, by the kernel or by its first argument."""
        return name == self.comm or (bool(self.command) and os.path.basename(self.command[0]) == name)


class CommandTimeout(Exception):
    """A command inside did not end in time and was killed."""


def connect_inside(net: str, address: tuple[str, int], source: str | None = None,
                   timeout: float = 10.0) -> socket.socket:
    """A TCP connection inside a network namespace, given by its file in /proc, usable from here."""
    found: list[socket.socket | BaseException] = []

    def work() -> None:  # in a thread of its own: setns() changes the calling thread for good
        try:
            with open(net, "rb") as namespace:
                if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            found.append(socket.create_connection(address, timeout, (source, 0) if source else None))
        except BaseException as error:  # handed to the caller's thread
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


class Namespaces:
    """New mount, pid, network and UTS namespaces with the private directories under `base` in place."""

    def __init__(self, base: Path, timeout: float = 20.0) -> None:
        self._host_tmp = Path("/tmp")
        parent = os.pidfd_open(os.getpid())
        try:
            self._unshare = subprocess.Popen(
                ["unshare", *_KINDS, "--fork", "--kill-child", "--propagation", "private",
                 "/usr/bin/python3", "-I", "-S", str(_INSIDE), str(base), str(parent)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(parent,),
                start_new_session=True,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"})
        finally:
            os.close(parent)
        self._await_ready(timeout)
        ns = f"/proc/{self._unshare.pid}/ns"
        self._enter = ["nsenter", f"--mount={ns}/mnt", f"--pid={ns}/pid_for_children", f"--net={ns}/net",
                       f"--uts={ns}/uts", "--wd=/", "--"]
        self._net = f"{ns}/net"
        self._pid_namespace = os.readlink(f"{ns}/pid_for_children")

    def _await_ready(self, timeout: float) -> None:
        assert self._unshare.stdout is not None and self._unshare.stderr is not None
        ready, _, _ = select.select([self._unshare.stdout], [], [], timeout)
        if ready and os.read(self._unshare.stdout.fileno(), 16) == b"ready\n":
            return
        self._unshare.kill()
        reason = self._unshare.stderr.read().decode(errors="replace").strip()
        self._unshare.wait()
        raise RuntimeError(f"cannot make private namespaces (root, and mounts allowed?): {reason or 'timeout'}")

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float = 20.0,
            check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Runs a command inside, as root; stdout and stderr are collected in stdout.

        Its daemons may keep stdout open: only the command itself is waited for.

        Raises:
            CommandTimeout: It ran too long; it was killed, its children were not.
            RuntimeError: `check` and it failed.
        """
        guarded = ["timeout", "--foreground", "--signal=KILL", f"{timeout:g}", *command]
        with _temporary(stdin) as given, _temporary() as printed:
            done = subprocess.run([*self._enter, *guarded], stdin=given, stdout=printed, stderr=printed,
                                  timeout=timeout + 10, check=False,
                                  start_new_session=True,
                                  env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"})
            printed.seek(0)
            output = printed.read()
        if done.returncode in (-9, 137):
            raise CommandTimeout(f"{' '.join(command)}: killed after {timeout:g} s\n{output.decode(errors='replace')}")
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}\n{output.decode(errors='replace')}")
        return subprocess.CompletedProcess(list(command), done.returncode, output)

    def connect(self, address: tuple[str, int], source: str | None = None, timeout: float = 10.0) -> socket.socket:
        """A TCP connection inside the network namespace, usable from here."""
        return connect_inside(self._net, address, source, timeout)

    def expose(self, path: Path) -> None:
        """Makes a file or directory of the machine's /tmp visible inside, read-only, where /tmp is private."""
        path = path.resolve()
        if not path.is_relative_to(self._host_tmp):
            if path.is_relative_to("/run"):
                raise ValueError(f"{path} cannot be seen inside: /run is private there")
            return
        inside = f"/run/host/{str(path)[1:]}"
        make = f'mkdir -p "{path}"' if path.is_dir() else f'mkdir -p "{path.parent}" && touch "{path}"'
        self.run(["sh", "-ec", f'{make}; mount --bind "{inside}" "{path}"; mount -o remount,bind,ro "{path}"'])

    def processes(self) -> list[Process]:
        """What runs inside, zombies included."""
        found = (self._process(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())
        return [process for process in found if process is not None]

    def _process(self, host_pid: int) -> Process | None:
        try:
            if os.readlink(f"/proc/{host_pid}/ns/pid") != self._pid_namespace:
                return None
            status = dict(line.split(":", 1) for line in Path(f"/proc/{host_pid}/status").read_text().splitlines())
            command = Path(f"/proc/{host_pid}/cmdline").read_bytes().split(b"\0")[:-1]
            parent = self._inner_pid(int(status["PPid"]))
        except (OSError, KeyError, ValueError):
            return None  # ended meanwhile
        return Process(int(status["NSpid"].split()[-1]), parent, host_pid, status["Name"].strip(),
                       tuple(word.decode(errors="replace") for word in command))

    def _inner_pid(self, host_pid: int) -> int:
        status = Path(f"/proc/{host_pid}/status").read_text()
        numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
        inside = os.readlink(f"/proc/{host_pid}/ns/pid") == self._pid_namespace
        return int(numbers[-1]) if inside else 0

    def close(self) -> None:
        """Ends all that runs inside and waits until it is gone."""
        for stream in (self._unshare.stdin, self._unshare.stdout, self._unshare.stderr):
            if stream is not None:
                stream.close()
        try:
            self._unshare.wait(10)
        except subprocess.TimeoutExpired:
            self._unshare.kill()  # --kill-child takes the rest along
            self._unshare.wait()


def _temporary(content: bytes = b"") -> IO[bytes]:
    file = tempfile.TemporaryFile()
    file.write(content)
    file.seek(0)
    return file
