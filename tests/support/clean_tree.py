"""A clean Debian 12 with a Courier MTA, in a directory: what the package of the server is installed on.

Used by tests/e2e/test_package.py. Made once by mmdebstrap, from Debian's mirror, and kept below build/, so that only
the first run takes long. What runs on it must write elsewhere: see Booted.
"""
from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from .tree import CHECKOUT, installed_tree

SUITE = "bookworm"
# Courier as a site has it, and Python. The libraries that the server needs come with it: see libraries().
PACKAGES = ("courier-mta", "courier-authlib-userdb", "systemd-sysv", "python3", "python3-gdbm")
_OPTIONS = ("--mode=root", "--variant=minbase", "--dpkgopt=force-unsafe-io",
            "--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Retries \"3\"")
_LIMIT = 600.0  # seconds


def libraries() -> list[str]:
    """The packages of all libraries of the installed programs: what the server's package will depend on.

    Not while a build replaces the programs.
    """
    installed = installed_tree()
    programs = [*(installed / "usr/sbin").iterdir(), *installed.rglob("*.so")]
    done = subprocess.run(["dpkg-shlibdeps", "-O", *(f"-e{program}" for program in programs)], cwd=CHECKOUT, check=True,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return sorted(re.findall(r"([a-z0-9.+-]+) \(", done.stdout))


def clean_tree(needed: list[str]) -> Path:
    """The directory: without a network nothing can be fetched for it later.

    It is made when there is none, or when other packages are wanted now.

    Args:
        needed: further packages: see libraries().

    Raises:
        RuntimeError: mmdebstrap failed; with what it printed.
    """
    packages = [*PACKAGES, *needed]
    key = hashlib.sha256(repr((SUITE, packages, _OPTIONS)).encode()).hexdigest()[:12]
    place = CHECKOUT / "build" / "clean" / key
    if place.exists():
        return place
    unfinished = place.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mmdebstrap", *_OPTIONS, f"--include={','.join(packages)}", SUITE, str(unfinished)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=_LIMIT, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if done.returncode != 0:
        raise RuntimeError(f"no clean Debian: mmdebstrap: {done.returncode}\n{done.stdout}")
    unfinished.rename(place)
    return place
