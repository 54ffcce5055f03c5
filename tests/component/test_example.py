"""The example filter of the filter authors' documentation runs as it stands there, in the server."""
from __future__ import annotations

from pathlib import Path

from support.server import Server

EXAMPLE = Path(__file__).with_name("example_filter.py").read_text()


def test_the_example_sets_its_header() -> None:
    with Server(filters={"example": EXAMPLE}) as server:
        server.wait_for_log("Initialized the example python filter")
        message = server.spool.message(b"Subject: a\n\nbody\n")
        assert server.ask_message(message) == b"200 Ok\n"
        assert message.body == b"Subject: a\nX-Filtered-By: pythonfilter\n\nbody\n"
