"""Process 1 of a private Courier's namespaces: covers the machine's directories with private ones, then reaps.

A program of its own (python3 -I -S mta_inside.py BASE PARENT_PIDFD), started by tests/support/namespaces.py in new
mount, pid, network and UTS namespaces. It says "ready" on stdout and stays until its stdin closes or the test process
dies; when it exits, the kernel kills all that ran in its pid namespace. Must never mount anything before the mounts
are private.
"""
from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# Addresses from which test clients connect; 192.0.2.0/24 and 2001:db8::/32 are reserved for examples.
OUTSIDE_ADDRESSES = ("192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32", "2001:db8::1/128")


def run(*command: str) -> None:
    """Runs one set-up command; a failure ends the whole set-up with its message."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def bind(source: Path, target: str) -> None:
    run("mount", "--bind", str(source), target)


def make_dev(dev: Path) -> None:
    """A small /dev whose `log` is ours; the machine's own may lack one and is not ours to change."""
    run("mount", "-t", "tmpfs", "-o", "mode=755,size=64m", "tmpfs", str(dev))
    for name in DEVICES:
        (dev / name).touch()
        bind(Path("/dev", name), str(dev / name))
    (dev / "pts").mkdir()
    run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", str(dev / "pts"))
    (dev / "shm").mkdir()
    (dev / "shm").chmod(0o1777)
    for name, target in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
                         ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("log", "/run/log")):
        (dev / name).symlink_to(target)
    run("mount", "--move", str(dev), "/dev")


def make_private(base: Path) -> None:
    """Puts the private directories in place. /run and /tmp come last: BASE may lie in /tmp."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "proc", "proc", "/proc")
    make_dev(base / "dev")
    bind(base / "etc", "/etc/courier")
    bind(base / "lib", "/var/lib/courier")
    bind(base / "filters", "/usr/lib/courier/filters")
    for name in ("passwd", "shadow", "group", "hosts", "resolv.conf"):
        target = Path("/etc", name)
        if target.is_file() and not target.is_symlink():
            bind(base / name, str(target))
    bind(base / "run", "/run")
    bind(Path("/tmp"), "/run/host/tmp")  # for Namespaces.expose(), closed to all but root
    host_tmp = Path("/run/host") / str(base)[1:] / "tmp"
    bind(host_tmp if host_tmp.is_dir() else base / "tmp", "/tmp")


def make_network() -> None:
    run("ip", "link", "set", "lo", "up")
    for address in OUTSIDE_ADDRESSES:
        options = ["nodad"] if ":" in address else []
        subprocess.run(["ip", "addr", "add", address, "dev", "lo", *options], check=":" not in address,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL if ":" in address else None)


def reap() -> None:
    """Buries every orphan that is dead by now."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def stay(parent_pidfd: int) -> None:
    """Reaps until the test process lets go of our stdin or dies."""
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write)
    poller = select.poll()
    for fd in (0, parent_pidfd, wake_read):
        poller.register(fd, select.POLLIN)
    while True:
        reap()
        ready = {fd for fd, _ in poller.poll()}
        if ready & {0, parent_pidfd}:
            return
        os.read(wake_read, 4096)


def main() -> None:
    base, parent_pidfd = Path(sys.argv[1]), int(sys.argv[2])
    socket.sethostname("mail.test")
    make_private(base)
    make_network()
    os.chdir("/")
    os.write(1, b"ready\n")
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    stay(parent_pidfd)


if __name__ == "__main__":
    main()
