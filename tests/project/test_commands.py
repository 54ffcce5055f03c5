"""The commands in dev/ help those who ask, and refuse what they do not know."""
from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import checkout
import pytest

COMMANDS = [str(path) for path in checkout.files() if path.parts[0] == "dev"]


def run(command: str, option: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([checkout.TOP / command, option], capture_output=True, text=True, timeout=20, cwd="/")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_it_has_help(command: str, option: str) -> None:
    done = run(command, option)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"usage: {command}")


@pytest.mark.parametrize("command", COMMANDS)
def test_it_refuses_an_unknown_option(command: str) -> None:
    done = run(command, "--no-such-option")
    assert done.returncode == 2 and "usage:" in done.stderr


@pytest.mark.parametrize("command", [*COMMANDS, ".ci/run"])
def test_it_is_a_strict_bash_script(command: str) -> None:
    path = Path(command)
    assert os.access(checkout.TOP / path, os.X_OK) and checkout.is_bash(path)
    assert "\nset -euo pipefail\n" in checkout.text(path)
    subprocess.run(["bash", "-n", checkout.TOP / path], check=True)


def test_the_help_of_bench_names_its_parts() -> None:
    parts = re.findall(r'"([a-z-]+)": \w+\.run\b', checkout.text(Path("tests/bench/main.py")))
    assert parts and parts == re.findall(r"^  ([a-z][a-z-]*)  ", checkout.text(Path("dev/bench")), re.MULTILINE)
