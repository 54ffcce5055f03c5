"""The log for programs: logfmt and JSON lines that nothing from outside can break, and the limit on floods."""
from __future__ import annotations

import json
import re

import pytest
from support.server import Server

ACCEPTED = b"200 Ok\n"
# Prints what would begin a line, a field or a string of its own, and fails with the same.
HOSTILE = r"""
import os
def do_filter(body, controls):
    os.write(2, b'one "two" \\ filter=forged \x1b[31m \xff \r{"level":"error"}\nERR: level=error\n')
    raise ValueError('"}\n{"level":"error"} \\" verdict=accept \udcff')
"""
LOUD = """
import sys
def do_filter(body, controls):
    for number in range(50):
        print('loud', number, file=sys.stderr)
    return ''
"""
LOGFMT = re.compile(r'(?:[a-z_]+=(?:[\w./:@+,<>-]*|"(?:[^"\\]|\\["\\])*")(?: |$))+')


def test_json_lines_stay_what_the_server_made_them() -> None:
    with Server(filters={"hostile": HOSTILE}, config="log: {format: json}\n") as server:
        server.ask()
        server.log_mark()
        lines = [json.loads(line) for line in server.log_lines()]
    assert all({"time", "level", "msg"} <= set(line) for line in lines)
    assert {line["level"] for line in lines} == {"info", "warning"}
    message = next(line for line in lines if line["msg"].startswith("message id="))
    assert message["verdict"] == "defer" and message["filter"] == "hostile" and message["pool"] == "default"
    printed = next(line for line in lines if "one " in line["msg"])
    assert printed["filter"] == "hostile" and printed["message_id"] == message["message_id"]
    assert r"\x1b[31m \xff \x0d" in printed["msg"]


def test_logfmt_lines_stay_what_the_server_made_them() -> None:
    with Server(filters={"hostile": HOSTILE}, config="log: {format: logfmt}\n") as server:
        server.ask()
        server.log_mark()
        lines = server.log_lines()
    assert [line for line in lines if not LOGFMT.fullmatch(line)] == []
    assert any("verdict=defer filter=hostile pool=default" in line for line in lines)


@pytest.mark.parametrize("first", ["plain", "json"])
def test_a_reload_changes_the_format(first: str) -> None:
    other = {"plain": "json", "json": "plain"}[first]
    with Server(filters={"loud": LOUD}, config=f"log: {{format: {first}}}\n") as server:
        server.write_config(f"log: {{format: {other}}}\n", ["loud"])
        mark = server.log_mark()
        server.signal(1)
        server.wait_for_log("generation 2 serves", after=mark)
        server.ask()
        server.wait_for_log(r"^\{.*loud 49" if other == "json" else r"^\[default/\d+ \S+\] loud 49", after=mark)


def test_a_flood_is_cut_off_and_counted() -> None:
    with Server(filters={"loud": LOUD}, config="log: {limit: {lines: 20, interval: 1s}}\n") as server:
        assert server.ask() == ACCEPTED
        told = server.wait_for_log("pool default: .* log lines dropped: more than 20 in 1s")
        printed = [line for line in server.log_lines() if "loud " in line]
    dropped = re.search(r"(\d+) log lines", told)
    assert dropped is not None and int(dropped.group(1)) + len(printed) == 50
