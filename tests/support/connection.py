"""Connection: one client of the filter socket, what submit does, step by step.

Used by tests/support/server.py and by tests that send a request in pieces or hang up. Every wait has a deadline.
"""
from __future__ import annotations

import socket
import time
from pathlib import Path


class Connection:
    """One client of the filter socket: what submit does, step by step."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10.0)
        self.socket.connect(str(path))

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_reply(self, timeout: float = 10.0) -> bytes:
        """All bytes until the server closes, or is gone. b"": without a reply (Courier answers 432)."""
        deadline = time.monotonic() + timeout
        reply = b""
        while True:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return reply
            if not data:
                return reply
            reply += data

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
