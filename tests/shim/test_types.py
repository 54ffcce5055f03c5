"""The Python that filters see is typed: mypy --strict finds nothing to say."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PYSHIM = Path(__file__).resolve().parents[2] / "pyshim"


def test_the_packages_are_typed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "courier", "pythonfilter"],
        cwd=PYSHIM, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_is_installed() -> None:
    """A module that pyshim/meson.build forgets would be missing on every machine but the developer's."""
    listed = (PYSHIM / "meson.build").read_text()
    names = [path.relative_to(PYSHIM) for path in PYSHIM.rglob("*.py*") if path.suffix in (".py", ".pyi")]
    assert [str(name) for name in names if f"'{name}'" not in listed] == []
