"""The sample filters debug, log_aliases and whitelist_auth: what they answer and what they write on stderr."""
from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pythonfilter import debug, log_aliases, whitelist_auth

Envelope = Callable[..., list[str]]
Write = Callable[[bytes], str]
Captured = pytest.CaptureFixture[str]

FILTERS = ("debug", "log_aliases", "attachments", "whitelist_auth")


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_says_once_that_it_is_ready(name: str, courier_settings: Path, capsys: Captured) -> None:
    module: Any = importlib.import_module(f"pythonfilter.{name}")
    capsys.readouterr()
    module.init_filter()
    told = capsys.readouterr()
    assert told.out == "" and told.err == f"Initialized filter {name}\n"


def test_debug_tells_who_is_asked_about_what(message: Write, envelope: Envelope, capsys: Captured) -> None:
    body, controls = message(b"Subject: a\n\n"), envelope("s\n", "s\n")
    assert debug.do_filter(body, controls) == ""
    told = capsys.readouterr().err
    ids = {"PID": os.getpid(), "CWD": os.getcwd(), "EUID": os.geteuid(), "EGID": os.getegid(), "UID": os.getuid(),
           "GID": os.getgid(), "Additional groups": os.getgroups()}
    for name, value in ids.items():
        assert f"\n{name}: {value}\n" in told
    for path in (body, *controls):
        assert f"path: {path}, stat: {os.stat(path)}\n" in told


def test_debug_raises_when_a_file_is_missing(message: Write) -> None:
    with pytest.raises(FileNotFoundError):
        debug.do_filter(message(b""), ["/nonexistent/control"])


def test_aliases_are_logged_for_open_recipients(message: Write, envelope: Envelope, capsys: Captured) -> None:
    first = "rbob@x\nRrfc822;info@x\nN\nrcarol@x\nR\nN\nrdone@x\nRlist@x\nN\nS2 1\n"
    controls = envelope(first, b"r\xff@x\nRall@x\nN\n")
    assert log_aliases.do_filter(message(b""), controls) == ""
    assert capsys.readouterr().err == (
        "log_aliases: address <bob@x>, original recipient <info@x>\n"
        "log_aliases: address <(malformed utf8):%FF@x>, original recipient <all@x>\n")


def test_aliases_without_a_control_file_raise(message: Write) -> None:
    with pytest.raises(FileNotFoundError):
        log_aliases.do_filter(message(b""), ["/nonexistent/control"])


@pytest.mark.parametrize(("control", "expected"), [
    ("sa@b\nialice\n", "200 Ok"), ("sa@b\ni\n", ""), ("sa@b\n", ""), ("sa@b\ni  \n", ""), (b"i\xff\n", "200 Ok"),
])
def test_clients_that_logged_in_are_accepted(
        message: Write, envelope: Envelope, control: str | bytes, expected: str) -> None:
    assert whitelist_auth.do_filter(message(b""), envelope(control)) == expected


def test_whitelist_auth_without_a_control_file_raises(message: Write) -> None:
    with pytest.raises(FileNotFoundError):
        whitelist_auth.do_filter(message(b""), ["/nonexistent/control"])
