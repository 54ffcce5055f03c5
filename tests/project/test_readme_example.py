"""The filter and the configuration that README.md shows work as it says."""
from __future__ import annotations

import re
from pathlib import Path

import checkout
from support.server import Server
from support.spool import records


def example(language: str) -> str:
    """The first example in a language."""
    match = re.search(rf"^```{language}\n(.*?)^```", checkout.text(Path("README.md")), re.MULTILINE | re.DOTALL)
    assert match is not None
    return match.group(1)


def test_the_filter_refuses_what_it_says() -> None:
    with Server(filters={"block_example": example("python")}) as server:
        server.wait_for_log("block_example is ready")
        assert server.ask(controls=[records(sender="eve@example.com")]) == b"550 5.7.1 No mail from there, please.\n"
        assert server.ask(controls=[records(sender="eve@example.net")]).startswith(b"200 ")
        assert server.ask(controls=[records(sender="")]).startswith(b"200 ")


def test_the_configuration_is_one() -> None:
    keys = re.sub(r"^filter_path:.*\n", "", example("yaml"), flags=re.MULTILINE)  # the server under test has its own
    modules = {"block_example": example("python"), "attachments": "def do_filter(body, controls): return '250 seen'\n"}
    with Server(filters=modules, config=keys) as server:
        assert server.ask() == b"550 5.7.1 No mail from there, please.\n"  # from alice@example.com
        assert server.ask(controls=[records(sender="eve@example.net")]).startswith(b"250 seen")
