"""The Python of this project has types, and mypy agrees with them."""
from __future__ import annotations

import subprocess

import checkout
import pytest


@pytest.mark.parametrize(("directory", "paths"), [
    ("pyshim", ["-p", "courier"]),
    ("tests", ["-p", "support"]),
    ("tests/project", ["."]),
])
def test_types(directory: str, paths: list[str]) -> None:
    command = ["/usr/bin/python3", "-m", "mypy", "--strict", "--python-executable=/usr/bin/python3",
               f"--cache-dir={checkout.TOP / 'build' / 'mypy'}", *paths]
    search = f"{checkout.TOP / 'tests'}:." if directory != "tests" else "."
    done = subprocess.run(command, cwd=checkout.TOP / directory, capture_output=True, text=True, timeout=120,
                          env={"PATH": "/usr/bin:/bin", "MYPYPATH": search})
    assert done.returncode == 0, done.stdout + done.stderr
