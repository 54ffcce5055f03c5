"""What `dev/run` shows, when all is installed and built: the program that it ends with."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support import demo
from support.tree import installed_tree


def test_the_three_samples_get_the_replies_that_they_should() -> None:
    done = subprocess.run([sys.executable, str(Path(demo.__file__))], capture_output=True, text=True, timeout=60,
                          env=os.environ | {"PYTHONFILTER_ROOT": str(installed_tree())}, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("dev/run: 3 messages, each with exactly one reply, as expected\n")
