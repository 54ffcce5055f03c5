"""The installed tree of the server, at a path that the user `courier` can reach.

Used by the end-to-end tests and benches. The tree (build/root, made by dev/build) can be moved as a whole; a checkout
below a closed directory is the usual reason to copy it. Must never change the tree itself.
"""
from __future__ import annotations

import atexit
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = Path("usr/sbin/pythonfilter")


class NotBuilt(Exception):
    """There is no installed tree: run dev/build first."""


def installed_tree() -> Path:
    """The tree as dev/build leaves it; the environment variable PYTHONFILTER_ROOT names another one."""
    tree = Path(os.environ.get("PYTHONFILTER_ROOT") or CHECKOUT / "build" / "root").resolve()
    if not os.access(tree / PROGRAM, os.X_OK):
        raise NotBuilt(f"{tree / PROGRAM} is missing: run dev/build first")
    return tree


@cache
def readable_tree(user: str = "courier") -> Path:
    """The installed tree, or a copy of it that everybody can read and that goes when this process ends.

    Args:
        user: Who must be able to reach it.

    Raises:
        NotBuilt: There is no tree.
    """
    tree = installed_tree()
    if searchable(tree, user):
        return tree
    place = Path(tempfile.mkdtemp(prefix="pythonfilter-tree-", dir="/tmp"))
    atexit.register(_remove, place, os.getpid())
    place.chmod(0o755)
    copy = Path(shutil.copytree(tree, place / "root", symlinks=True))
    subprocess.run(["chmod", "-R", "a+rX", str(copy)], check=True)
    return copy


def searchable(directory: Path, user: str = "courier") -> bool:
    """Whether a user may walk through the directory and all above it, by owner, group and other bits."""
    entry = pwd.getpwnam(user)
    groups = os.getgrouplist(user, entry.pw_gid)
    return all(_may_search(part.stat(), entry.pw_uid, groups) for part in (directory, *directory.parents))


def _may_search(status: os.stat_result, uid: int, groups: list[int]) -> bool:
    if status.st_uid == uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid in groups:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _remove(place: Path, owner_pid: int) -> None:
    if os.getpid() == owner_pid:  # atexit also runs in forked children that end normally
        shutil.rmtree(place, ignore_errors=True)
