"""A peer in dev/bench: the usual way to write such a server in Python, with a thread for each message.

    python3 threaded_server.py SOCKET FILTER      ends when its standard input does

FILTER is the file of a filter, the same that the workers of the server under test import. Must never import anything of
this project.
"""
from __future__ import annotations

import importlib.util
import socketserver
import sys
import threading
from collections.abc import Callable, Sequence

DoFilter = Callable[[str, Sequence[str]], str]


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128
    do_filter: DoFilter


class Request(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        paths = []
        while path := self.rfile.readline().rstrip(b"\n"):
            paths.append(path.decode())
        reply = self.server.do_filter(paths[0], paths[1:])
        self.wfile.write((reply or "200 Ok").encode() + b"\n")


def load(path: str) -> DoFilter:
    spec = importlib.util.spec_from_file_location("the_filter", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    do_filter: DoFilter = module.do_filter
    return do_filter


def main() -> None:
    with Server(sys.argv[1], Request) as server:
        server.do_filter = load(sys.argv[2])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()


if __name__ == "__main__":
    main()
