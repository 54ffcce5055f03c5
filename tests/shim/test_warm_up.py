"""What the zygote runs after the imports prepares the email package and leaves nothing else behind."""
from __future__ import annotations

import subprocess

import pytest
from support.tree import installed_tree

LOOK = """\
import os, sys, threading
import {modules}
before = os.listdir("/proc/self/fd"), threading.active_count()
from pythonfilter import _warm_up
_warm_up.run()
assert (os.listdir("/proc/self/fd"), threading.active_count()) == before
print("email.parser" in sys.modules, "email.headerregistry" in sys.modules)
"""


@pytest.mark.parametrize(("modules", "found"), [("email", "True False"), ("email.policy", "True True")])
def test_the_parser_is_there_and_the_modern_policies_only_where_somebody_wants_them(modules: str, found: str) -> None:
    python = str(installed_tree() / "usr/lib/pythonfilter/python")
    done = subprocess.run(["/usr/bin/python3", "-B", "-c", LOOK.format(modules=modules)], check=True, text=True,
                          env={"PYTHONPATH": python}, stdout=subprocess.PIPE, timeout=30)
    assert done.stdout.strip() == found
