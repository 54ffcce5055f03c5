"""Becomes process 1 of a booted copy of a machine: an overlay of its root, written to in memory only.

A program of its own (python3 -S -m support.booted_inside BASE LAYER...), started by tests/support/booted.py in new
mount, pid, network, UTS, IPC and cgroup namespaces. BASE/upper holds what differs from the layers, of which the last
is the machine's root.
Must never mount anything before the mounts are private, and never leave a way to the machine's own files, its devices
or its kernel settings.
"""
from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from .mta_inside import make_network, run

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
OPAQUE = ("etc/courier", "var/lib/courier")  # of which nothing of the machine is to be seen
PRIVATE = {"tmp": "1777", "run": "755", "var/log": "755", "var/tmp": "1777"}


def make_root(base: Path, layers: list[str]) -> Path:
    """The overlay: the layers, the first on top, and what is written above them, in memory."""
    memory = base / "memory"
    memory.mkdir()
    run("mount", "-t", "tmpfs", "-o", "mode=755,size=512m", "tmpfs", str(memory))
    for name in ("work", "root"):
        (memory / name).mkdir()
    # Copies: layers of an overlay must not lie within one another.
    lower = [str(memory / f"layer{number}") for number in range(len(layers) - 1)]
    for layer, copy in zip(layers, lower, strict=False):
        subprocess.run(["cp", "-a", layer, copy], check=True)
    subprocess.run(["cp", "-a", str(base / "upper"), str(memory / "upper")], check=True)
    for name in OPAQUE:
        os.setxattr(memory / "upper" / name, "trusted.overlay.opaque", b"y")
    root = memory / "root"
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir={':'.join([*lower, layers[-1]])},upperdir={memory}/upper,workdir={memory}/work", str(root))
    return root


def fill_root(root: Path, base: Path) -> None:
    """What the overlay cannot give: places in memory, the kernel's file systems, a few devices."""
    for name, mode in PRIVATE.items():
        run("mount", "-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", str(root / name))
    subprocess.run(["cp", "-a", f"{base}/run/.", str(root / "run")], check=True)
    run("mount", "-t", "proc", "proc", str(root / "proc"))
    run("mount", "--bind", str(root / "proc/sys"), str(root / "proc/sys"))
    run("mount", "-o", "remount,bind,ro", str(root / "proc/sys"))
    run("mount", "-t", "sysfs", "-o", "ro", "sysfs", str(root / "sys"))
    run("mount", "-t", "cgroup2", "cgroup2", str(root / "sys/fs/cgroup"))
    dev = root / "dev"
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(dev))
    for name in DEVICES:
        (dev / name).touch()
        run("mount", "--bind", f"/dev/{name}", str(dev / name))
    (dev / "shm").mkdir()
    (dev / "shm").chmod(0o1777)
    (dev / "pts").mkdir()
    run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", str(dev / "pts"))
    for name, target in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd")):
        (dev / name).symlink_to(target)


def change_root(root: Path) -> None:
    os.chdir(root)
    Path("old").mkdir()
    run("pivot_root", ".", "old")
    os.chroot(".")
    os.chdir("/")
    run("umount", "--lazy", "/old")


def main() -> None:
    base, layers = Path(sys.argv[1]), sys.argv[2:]
    socket.sethostname("mail.test")
    run("mount", "--make-rprivate", "/")
    make_network()
    root = make_root(base, layers)
    fill_root(root, base)
    change_root(root)
    os.execve("/lib/systemd/systemd",
              ["systemd", "--show-status=no", "--log-target=journal"],
              {"container": "test", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


if __name__ == "__main__":
    assert shutil.which("pivot_root")
    main()
