"""Terminal: a program in a real terminal (tmux, with a server of its own), and what stands on its screen.

    with Terminal(["pythonfilterctl", "top"], columns=100, rows=20) as terminal:
        wait_until("the first look", lambda: "serving" in terminal.screen())

Used by the tests of `top` and by dev/pictures. Must never wait without a deadline, and never touches another tmux.
"""
from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

LIMIT = 30.0


class Terminal:
    """One program in one window."""

    def __init__(self, command: Sequence[str], *, columns: int, rows: int,
                 environment: dict[str, str] | None = None) -> None:
        """Starts it. The window stays when the program ends, and says so."""
        self._directory = Path(tempfile.mkdtemp(prefix="pythonfilter-terminal-"))
        self._environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8",
                             "SHELL": "/bin/sh", **(environment or {})}
        self._tmux("start-server", ";", "set", "-g", "remain-on-exit", "on", ";", "set", "-g", "status", "off", ";",
                   "new-session", "-d", "-x", str(columns), "-y", str(rows), shlex.join(command))

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-f", "/dev/null", "-S", str(self._directory / "socket"), *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=LIMIT,
                              check=True).stdout

    def screen(self, *, colours: bool = False) -> str:
        """Its lines; with `colours` also the escape sequences that make them."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def press(self, key: str) -> None:
        """One key as tmux names it: q, C-c, Enter."""
        self._tmux("send-keys", key)

    def close(self) -> None:
        try:
            self._tmux("kill-server")
        except subprocess.CalledProcessError:
            pass  # it has ended by itself
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.close()
