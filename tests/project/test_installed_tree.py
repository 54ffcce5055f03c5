"""The installed tree can be moved as a whole: its programs find one another, and their Python, from where they lie."""
from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import checkout
import pytest
from support.server import Server
from support.tree import installed_tree


@pytest.fixture(scope="module")
def moved() -> Iterator[Path]:
    """A copy of the installed tree, which the mail user can read."""
    with tempfile.TemporaryDirectory(prefix="moved-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        place = Path(directory) / "another.place"
        shutil.copytree(installed_tree(), place, symlinks=True)
        yield place


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30, cwd="/",
                          env={"PATH": "/usr/bin:/bin"})


def test_the_moved_program_runs(moved: Path) -> None:
    done = run(moved / "usr/sbin/pythonfilter", "--version")
    assert done.returncode == 0 and "0.1.0" in done.stdout


def test_the_moved_program_checks_a_configuration(moved: Path) -> None:
    with contextlib.closing(Server(config="filters: []\n")) as prepared:  # only its file, which the mail user can read
        done = run(moved / "usr/sbin/pythonfilter", "check", "--config", str(prepared.config_path))
        assert done.returncode == 0, done.stderr
        assert "no filters" in done.stdout


def test_a_place_from_which_workers_cannot_start_is_told_by_check(moved: Path) -> None:
    place = Path(shutil.move(moved, moved.with_name("a place")))
    with contextlib.closing(Server(config="filters: []\n")) as prepared:
        done = run(place / "usr/sbin/pythonfilter", "check", "--config", str(prepared.config_path))
    shutil.move(place, moved)
    assert done.returncode == 78
    assert "there must be no blank and no colon in its path" in done.stderr


def test_a_link_to_the_program_is_enough(moved: Path, tmp_path: Path) -> None:
    link = tmp_path / "pythonfilter"  # as in Courier's directory of filters
    link.symlink_to(moved / "usr/sbin/pythonfilter")
    assert run(link, "--version").returncode == 0


def test_nothing_installed_names_the_checkout() -> None:
    """Debug information apart, which is no text."""
    named = [path for path in installed_tree().rglob("*") if path.suffix in (".py", ".yaml", ".service", ".conf")
             and str(checkout.TOP) in path.read_text()]
    assert named == []


def test_no_program_looks_for_libraries_in_the_checkout() -> None:
    for path in (*installed_tree().rglob("*.so"), *(installed_tree() / "usr/sbin").iterdir()):
        dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
        assert "RUNPATH" not in dynamic and "RPATH" not in dynamic, path
