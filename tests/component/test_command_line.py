"""The command line of `pythonfilter`: what it says, and with which exit status it leaves.

Shown with the installed program. Must never depend on what else is installed on the machine: every file is the test's.
"""
from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from support.server import Server

EXIT_USAGE, EXIT_CONFIG = 64, 78
FILTERS = {"first": "", "second": ""}
CONFIG = """
pools:
  scanners: {workers: 1}
  spare: {workers: 2}
filters:
  - first
  - {filter: second, pool: scanners}
"""


@pytest.fixture
def server() -> Iterator[Server]:
    """Directories and configuration of a server that is not started."""
    server = Server(filters=FILTERS, config=CONFIG)
    yield server
    server.close()


def run(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{server.bin}:/usr/bin:/bin"}
    return subprocess.run([server.program, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=20.0, check=False)


def test_check_says_what_is_in_force(server: Server) -> None:
    result = run(server, "check")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"file:    {server.config_path}",
        f"socket:  {server.socket_path}",
        "chain:   first, second (pool scanners)",
        "pools:   default (2 to 8 workers), scanners (1 worker), spare (2 workers, not used)",
    ]


def test_check_names_the_place_of_every_error(server: Server) -> None:
    server.write_raw_config("filters: [first]\nserver: {on_stpo: defer}\npools: {default: {workers: none}}\n")
    result = run(server, "check")
    assert result.returncode == EXIT_CONFIG
    assert result.stdout == ""
    places = [line.split(": ")[:2] for line in result.stderr.splitlines()]
    assert places == [["error", f"{server.config_path}:{place}"] for place in ("2:10", "3:28")]


def test_check_prints_warnings_and_succeeds(server: Server) -> None:
    server.write_config("pools: {spare: {workers: 2}}\n", ["first"])
    result = run(server, "check")
    assert result.returncode == 0
    assert all(line.startswith("warning: ") for line in result.stderr.splitlines())


def test_check_reads_as_the_mail_user_does(server: Server) -> None:
    server.config_path.chmod(0o600)
    result = run(server, "check")
    if os.geteuid() == 0:  # then the file is root's, and the server is not run by root
        assert result.returncode == EXIT_CONFIG
        assert f"user '{server.account.pw_name}', as whom the server runs" in result.stderr
    else:
        assert result.returncode == 0


@pytest.mark.parametrize("order", ["before", "after"])
def test_config_may_stand_before_or_behind_the_command(server: Server, order: str) -> None:
    other = server.etc / "other.yaml"
    server.config_path.rename(other)
    arguments = ["--config", str(other)]
    result = run(server, *(arguments + ["check"] if order == "before" else ["check"] + arguments))
    assert result.returncode == 0, result.stderr
    assert f"file:    {other}" in result.stdout


def test_serve_leaves_with_78_when_the_configuration_cannot_be_used(server: Server) -> None:
    server.write_raw_config("filters: [first]\nservr: {}\n")
    result = run(server, "serve")
    assert result.returncode == EXIT_CONFIG
    assert f"{server.config_path}:2:1: " in result.stderr
    assert not server.socket_path.exists()


@pytest.mark.parametrize("arguments", [["run"], ["convert"], ["--confg", "x"], ["check", "serve"], ["--config"],
                                       ["--config", ""], ["--master-of-guardian"]], ids=" ".join)
def test_what_is_not_understood_is_told_in_one_line(server: Server, arguments: list[str]) -> None:
    result = run(server, *arguments)
    assert result.returncode == EXIT_USAGE
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and result.stderr.startswith("pythonfilter: ")


def test_help_helps(server: Server) -> None:
    result = run(server, "--help")
    assert result.returncode == 0 and result.stderr == ""
    for part in ("check", "serve", "--config FILE", "courier-config", "Examples:", "Exit status:", "64", "78"):
        assert part in result.stdout, part
    assert "guardian" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 120


def test_version(server: Server) -> None:
    result = run(server, "--version")
    assert result.returncode == 0
    assert result.stdout.startswith("pythonfilter ") and "build" in result.stdout
