"""The pictures of the README: the status page in a browser and `pythonfilterctl top` in a terminal, of a busy server.

    python3 -m support.pictures MINUTES DIRECTORY

Run by dev/pictures. The plots show what was measured meanwhile, so more minutes fill more of the hour.
"""
from __future__ import annotations

import math
import random
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

from .browser import Browser
from .ctl import Ctl
from .page import free_port
from .server import Server
from .terminal import Terminal
from .wait import wait_until

SENDERS = 12
TAKES_TIME = """
import random, time

def do_filter(body, controls):
    time.sleep(random.expovariate({rate}))
    chance = random.random()
    return '550 5.7.1 No.' if chance < {refuses} else '451 4.7.1 Later.' if chance < {defers} else ''
"""
SCANS = """
import os, random, signal, time

def do_filter(body, controls):
    chance = random.random()
    if chance < 0.0003: os.kill(os.getpid(), signal.SIGSEGV)
    if chance < 0.004: raise ValueError('the scanner does not answer')
    time.sleep(0.02 + random.expovariate(30))
    return '550 5.7.1 Found.' if chance < 0.06 else ''
"""
FILTERS = {"ratelimit": TAKES_TIME.format(rate=300, refuses=0, defers=0.05),
           "clamav": SCANS,
           "attachments": TAKES_TIME.format(rate=150, refuses=0.03, defers=0)}
CONFIG = """
server: {{status_page: 127.0.0.1:{port}}}
pools: {{default: {{workers: 2}}, scanners: {{workers: 3}}}}
filters: [ratelimit, {{filter: clamav, pool: scanners}}, attachments]
"""
COLUMNS, ROWS = 136, 18
CELL, LINE, MARGIN = 7.2, 17, 12  # of the terminal's picture, in pixels
COLOURS = {"31": "red", "36": "cyan", "1": "bold", "2": "dim", "4": "under"}
STYLE = ("text{font:12px/1 'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#d7dedc;white-space:pre}"
         ".red{fill:#e3704f}.cyan{fill:#5fc6d4}.bold{font-weight:bold}.dim{opacity:.6}"
         ".under{text-decoration:underline}")


def send(server: Server, rush: threading.Event, end: threading.Event) -> None:
    """One sender of mail, now more eager and now less; without a pause in a rush."""
    began = time.monotonic()
    while not end.is_set():
        server.ask(f"Subject: a message\n\n{random.random()}\n".encode())  # a message that crashed is known again
        eager = 1.2 + math.sin((time.monotonic() - began) / 170) + 0.5 * math.sin((time.monotonic() - began) / 47)
        rush.wait(random.expovariate(max(eager, 0.2) * 1.5))


@contextmanager
def busy_server(port: int, minutes: float) -> Iterator[Server]:
    """One that has been busy for so long, and is very busy now."""
    with Server(filters=FILTERS, config=CONFIG.format(port=port)) as server:
        rush, end = threading.Event(), threading.Event()
        senders = [threading.Thread(target=send, args=(server, rush, end)) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        try:
            time.sleep(minutes * 60)
            rush.set()
            yield server
        finally:
            end.set()
            rush.set()
            for sender in senders:
                sender.join()


def picture_of_page(port: int, path: Path) -> None:
    with Browser(width=1000) as browser:
        browser.open(f"http://127.0.0.1:{port}/")
        wait_until("a busy worker", lambda: bool(browser.evaluate(
            "document.querySelectorAll('td .busy').length >= 2")), 60)
        browser.picture(path, whole=True)


def spans(line: str, classes: set[str]) -> str:
    """A line of the terminal as SVG, its escape sequences as classes; what holds at its end is in `classes` then."""
    text = ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if not part.startswith("\x1b"):
            words = " ".join(sorted(classes))
            text += f'<tspan class="{words}">{escape(part)}</tspan>' if words and part else escape(part)
            continue
        for number in part[2:-1].split(";"):
            if number in ("", "0"):
                classes.clear()
            elif number in COLOURS:
                classes.add(COLOURS[number])
            elif number == "39":
                classes -= {"red", "cyan"}
    return text


def terminal_svg(screen: str) -> str:
    """What `tmux capture-pane -e` printed, as a picture."""
    lines = screen.rstrip("\n").splitlines()
    width, height = COLUMNS * CELL + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    rows, classes = "", set[str]()
    for number, line in enumerate(lines):
        y = MARGIN + LINE * number + 12
        rows += f'<text xml:space="preserve" x="{MARGIN}" y="{y}">{spans(line, classes)}</text>\n'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}">\n<style>{STYLE}</style>\n'
            f'<rect width="100%" height="100%" rx="8" fill="#14191a"/>\n{rows}</svg>\n')


def picture_of_top(server: Server, path: Path) -> None:
    ctl = Ctl(server)
    with Terminal(ctl.command("top"), columns=COLUMNS, rows=ROWS, environment=ctl.environment()) as terminal:
        screen = wait_until("a busy worker", lambda: next(
            (text for text in [terminal.screen(colours=True)] if " busy " in text), ""), 60)
    path.write_text(terminal_svg(screen.replace(str(server.config_path), f"/etc/courier/{server.config_path.name}")))


def main(minutes: float, directory: Path) -> None:
    port = free_port()
    with busy_server(port, minutes) as server:
        picture_of_page(port, directory / "status-page.png")
        picture_of_top(server, directory / "top.svg")


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]))
