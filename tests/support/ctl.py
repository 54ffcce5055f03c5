"""Ctl: pythonfilterctl against a Server of server.py, and the raw control socket for clients that do not behave.

    ctl = Ctl(server)
    assert ctl.status()["state"] == "serving"
    assert ctl.run("reload").returncode == 0

Used by the component tests. Must never wait without a deadline.
"""
from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from .server import Server
from .tree import installed_tree

OK, FAILED, USAGE, NO_SERVER, NO_ANSWER, NOT_PERMITTED = 0, 1, 64, 69, 75, 77
LIMIT = 30.0


class Ctl:
    """The program and the sockets of one server."""

    def __init__(self, server: Server, directory: Path | None = None) -> None:
        """`directory`: that of the sockets, when it is not the spool."""
        self._server = server
        self.program = installed_tree() / "usr" / "sbin" / "pythonfilterctl"
        self.directory = directory or server.spool.path
        self.control_path, self.monitor_path = (self.directory / f"{server.name}.{what}"
                                                for what in ("control", "monitor"))

    def command(self, *arguments: str) -> list[str]:
        return [str(self.program), "--config", str(self._server.config_path), "--name", self._server.name, *arguments]

    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self._server.bin}:/usr/bin:/bin",
                **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}}

    def run(self, *arguments: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
        """The program with --config and these arguments, perhaps as another user."""
        return subprocess.run(self.command(*arguments), env=self.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=LIMIT, check=False, user=user,
                              extra_groups=[] if user else None)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, not waited for."""
        return subprocess.Popen(self.command(*arguments), env=self.environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def result(self, command: str, *arguments: str) -> Any:
        """What --json prints of a command that succeeds; status may tell of problems, and trace of none."""
        done = self.run("--json", command, *arguments)
        assert done.returncode in ((OK, FAILED) if command in ("status", "trace") else (OK,)), done.stdout + done.stderr
        return json.loads(done.stdout)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.result("status")
        return status

    def workers(self, pool: str = "default") -> list[dict[str, Any]]:
        """Those of a pool of the generation in force."""
        status = self.status()
        return next(each["workers"] for each in status["pools"]
                    if each["name"] == pool and each["generation"] == status["generation"])

    def connect(self, *, monitor: bool = False) -> socket.socket:
        """A client that has said nothing yet."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(LIMIT)
        client.connect(str(self.monitor_path if monitor else self.control_path))
        return client

    def ask(self, line: bytes, *, monitor: bool = False) -> bytes:
        """What the server says to these bytes, until it closes."""
        with self.connect(monitor=monitor) as client:
            try:
                client.sendall(line)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before it was read
            return read_all(client)


def read_all(client: socket.socket, timeout: float = LIMIT) -> bytes:
    """All bytes until the server closes."""
    deadline = time.monotonic() + timeout
    text = b""
    while True:
        client.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = client.recv(65536)
        except ConnectionResetError:
            return text
        if not data:
            return text
        text += data
