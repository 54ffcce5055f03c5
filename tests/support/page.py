"""Asking the status page as a program would: one HTTP request, one reply, at a port or at a socket's path.

Used by the component tests, and by dev/pictures.
"""
from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from pathlib import Path

LIMIT = 30.0


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]  # names in small letters
    body: str


def connect(where: int | Path) -> socket.socket:
    """To a port of 127.0.0.1, or to a path."""
    client = socket.socket(socket.AF_INET if isinstance(where, int) else socket.AF_UNIX)
    client.settimeout(LIMIT)
    client.connect(("127.0.0.1", where) if isinstance(where, int) else str(where))
    return client


def ask_raw(where: int | Path, request: bytes) -> Reply:
    """The reply to these bytes. It must say how long it is, and end the connection."""
    with connect(where) as client:
        client.sendall(request)
        response = http.client.HTTPResponse(client, method="HEAD" if request.startswith(b"HEAD") else None)
        response.begin()
        body = response.read().decode()
        assert client.recv(1) == b""
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def ask(where: int | Path, path: str = "/", *, method: str = "GET", host: str = "localhost", more: str = "") -> Reply:
    """`more`: further header lines, each with its CRLF."""
    return ask_raw(where, f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())
