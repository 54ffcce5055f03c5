"""The worker is Python's own program with a library of ours preloaded. Filters and their programs do not see that."""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.hostile import SANITIZED
from support.server import Server
from support.tree import installed_tree

ACCEPT = "def do_filter(body, controls):\n    return ''\n"
PRELOADED = "import os, subprocess\n" \
            "def do_filter(body, controls):\n" \
            "    child = subprocess.run(['env'], stdout=subprocess.PIPE, text=True).stdout.splitlines()\n" \
            "    found = [line for line in child if line.startswith('LD_PRELOAD=')]\n" \
            "    maps = open('/proc/self/maps').read()\n" \
            "    return f'250 {os.environ.get(\"LD_PRELOAD\")} {found} {\"libBrokenLocale\" in maps}'\n"
SITES = Path("/lib/x86_64-linux-gnu/libBrokenLocale.so.1")  # a library of libc6 that nothing needs
PRELOAD, WORKER = "pythonfilter-preload.so", "pythonfilter-worker.so"


def server(filter_text: str, more: str = "") -> Server:
    return Server(filters={"victim": filter_text}, config=f"pools: {{default: {{workers: 1{more}}}}}\n")


def test_the_worker_is_pythons_own_program() -> None:
    with server(ACCEPT) as running:
        for pid in running.zygote_pids() + running.worker_pids():
            assert os.path.realpath(f"/proc/{pid}/exe") == os.path.realpath("/usr/bin/python3")
            assert Path(f"/proc/{pid}/comm").read_text() == "pythonfilter-worker"[:15] + "\n"
            assert Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"pythonfilter-worker\0--zygote\0")


def test_filters_and_their_programs_do_not_see_the_library() -> None:
    with server(PRELOADED) as running:
        assert running.ask() == b"250 None [] False\n"


# A server with sanitizers does not start behind another library.
@pytest.mark.parametrize("by", ["the pool"] if SANITIZED else ["the pool", "the environment"])
def test_what_the_site_preloads_is_preloaded_and_stays(by: str) -> None:
    more = f", env: {{LD_PRELOAD: {SITES}}}" if by == "the pool" else ""
    running = server(PRELOADED, more)
    if by == "the environment":
        running.environment["LD_PRELOAD"] = str(SITES)
    with running:
        assert running.ask() == f"250 {SITES} ['LD_PRELOAD={SITES}'] True\n".encode()


@pytest.mark.parametrize(("directory", "lacks", "told"), [
    ("tree", PRELOAD, f"cannot load .*/tree/.*/{PRELOAD}: No such file or directory"),
    ("tree", WORKER, f"pythonfilter-worker cannot start: .*/tree/.*/{WORKER}: .*No such file or directory"),
    ("a tree", "", f"cannot load .*/a tree/.*/{PRELOAD}: there must be no blank and no colon in its path"),
], ids=["not there", "the other one not there", "a blank in its path"])
def test_a_library_that_cannot_be_loaded_is_named(directory: str, lacks: str, told: str) -> None:
    running = server(ACCEPT)
    tree = running.base / directory
    shutil.copytree(installed_tree() / "usr", tree / "usr", symlinks=True)
    if lacks:
        (tree / "usr/lib/pythonfilter" / lacks).unlink()
    running.program = tree / "usr/sbin/pythonfilter"
    with running:
        running.wait_for_log(told)
        assert running.ask().startswith(b"451 ")


def test_other_programs_are_not_changed_by_the_library() -> None:
    library = installed_tree() / "usr/lib/pythonfilter" / PRELOAD
    ran = subprocess.run(["/usr/bin/python3", "-c", "print(6 * 7)"], env={"LD_PRELOAD": str(library)},
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    assert ran.stdout == b"42\n"
