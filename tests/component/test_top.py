"""`pythonfilterctl top` in a real terminal, while 16 clients keep the server busy."""
from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
from support.asking import Load
from support.ctl import Ctl
from support.server import Server
from support.terminal import Terminal
from support.wait import wait_until

SLOW = "import time\n\ndef do_filter(body, controls):\n    time.sleep(0.02)\n    return ''\n"
CONFIG = "pools: {default: {workers: 3}}\n"
COLUMNS, ROWS = 110, 20


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(filters={"slow": SLOW}, config=CONFIG) as running, Load(running, 16):
        yield running


@pytest.fixture
def terminal(server: Server) -> Iterator[Terminal]:
    """A shell's command before it, and one that tells how it ended behind."""
    ctl = Ctl(server)
    script = f"trap : INT; echo before; {shlex.join(ctl.command('top'))}; echo ended with $?; read"
    with Terminal(["bash", "-c", script], columns=COLUMNS, rows=ROWS, environment=ctl.environment()) as running:
        wait_until("the first look", lambda: "serving since" in running.screen())
        yield running


def served(terminal: Terminal) -> int:
    """The sum of that column."""
    rows = [line.split() for line in terminal.screen().splitlines() if line.startswith("  default/")]
    return sum(int(row[row.index("s") + 1]) for row in rows)


def test_it_is_live_and_coloured(terminal: Terminal) -> None:
    lines = terminal.screen().splitlines()
    assert lines[0].startswith("serving since ") and lines[1].startswith("configuration: ")
    assert [line.split()[0] for line in lines if "default/" in line] == ["default/1", "default/2", "default/3"]
    before = served(terminal)
    wait_until("more messages", lambda: served(terminal) > before)
    cyan = re.compile(r"\x1b\[(?:0;)?36m(?:\x1b\[49m)?  default/")
    wait_until("a busy worker in its colour", lambda: cyan.search(terminal.screen(colours=True)))


def test_lines_are_cut_and_what_does_not_fit_is_told(terminal: Terminal) -> None:
    terminal.resize(40, 6)
    wait_until("the small screen", lambda: " more lines" in terminal.screen())
    lines = terminal.screen().splitlines()
    assert len(lines) == 6 and lines[0].startswith("serving since ") and max(map(len, lines)) == 40
    terminal.resize(COLUMNS, ROWS)
    wait_until("all of it", lambda: "default/3" in terminal.screen())


def test_the_screen_is_as_before_when_it_ends(terminal: Terminal) -> None:
    terminal.press("C-c")
    wait_until("the shell to go on", lambda: "ended with 130" in terminal.screen())
    assert terminal.screen().splitlines()[0] == "before" and "serving since" not in terminal.screen()
