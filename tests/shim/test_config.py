"""courier.config: Courier's own files as its functions read them, databases made with GDBM as Courier makes them."""
from __future__ import annotations

import dbm.gnu
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import conftest
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier import config

Database = Callable[..., None]


@pytest.fixture()
def database(courier_settings: Path) -> Database:
    """Writes a .dat file, of text keys and values."""
    def write(name: str, **entries: str) -> None:
        with dbm.gnu.open(str(courier_settings / name), "n") as file:
            for key, value in entries.items():
                file[key.encode()] = value.encode()
    return write


def import_with(directory: Path, **commands: str) -> dict[str, str]:
    """What a new Python sees in courier.config when these are the only programs in PATH."""
    for name, script in commands.items():
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
    names = ("prefix", "sysconfdir", "mailuser", "mailuid", "bindir", "version")
    program = f"from courier import config\nfor name in {names}: print(name, getattr(config, name), sep='=')"
    done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, check=True, timeout=60,
                          env={"PATH": str(directory), "PYTHONPATH": str(conftest.PYTHON), "PYTHONUTF8": "1"})
    assert done.stderr == ""
    return dict(line.split("=") for line in done.stdout.splitlines())


def test_built_in_values_without_courier(tmp_path: Path) -> None:
    assert import_with(tmp_path) == {
        "prefix": "/usr/lib/courier", "sysconfdir": "/etc/courier", "mailuser": "daemon", "mailuid": "2",
        "bindir": "/usr/lib/courier/bin", "version": "unknown",
    }


def test_values_of_the_installed_courier(tmp_path: Path) -> None:
    found = import_with(
        tmp_path, courier="echo Courier 1.0.16 Copyright 1999",
        **{"courier-config": f"echo sysconfdir=/x/etc; echo ' no equals'; echo mailuid=0; echo sbindir={tmp_path}\n"
                             "echo version=9; echo 'configure_args=\"--prefix=/y\"'; exit 3"})
    assert found["sysconfdir"] == "/x/etc" and found["mailuid"] == "0" and found["version"] == "1.0.16"
    assert found["prefix"] == "/usr/lib/courier"


@pytest.mark.parametrize(("installed", "wanted", "expected"), [
    ("1.0.16", "1.0.16", True), ("1.0.16", "1.0.9", True), ("0.9", "0.10", False), ("1.0", "1.0.1", False),
    ("2.0.4", "1.9", True), ("unknown", "0.1", False), ("1.0.rc2", "1.0.rc1", True),
])
def test_versions_are_compared_as_numbers(
        monkeypatch: pytest.MonkeyPatch, installed: str, wanted: str, expected: bool) -> None:
    monkeypatch.setattr(config, "version", installed, raising=False)
    assert config.is_min_version(wanted) is expected


def test_first_line_of_a_file(courier_settings: Path) -> None:
    (courier_settings / "me").write_text("  mail.example.com \r\nsecond\n")
    (courier_settings / "empty").touch()
    (courier_settings / "directory").mkdir()
    assert config.read1line("me") == "mail.example.com"
    assert config.read1line("empty") == ""
    assert config.read1line("missing") is config.read1line("directory") is None
    (courier_settings / "bad").write_bytes(b"\xff\n")
    with pytest.raises(UnicodeDecodeError):
        config.read1line("bad")


def test_me_is_remembered(courier_settings: Path) -> None:
    (courier_settings / "me").write_text("mail.example.com\n")
    assert config.me() == "mail.example.com"
    (courier_settings / "me").write_text("other.example.com\n")
    assert config.me() == "mail.example.com"
    assert config.me([None]) == "other.example.com"


def test_me_is_the_host_without_a_file(courier_settings: Path) -> None:
    assert config.me() == socket.gethostname()


def test_names_that_follow_from_me(courier_settings: Path) -> None:
    (courier_settings / "me").write_text("mail.example.com\n")
    assert config.defaultdomain() == config.esmtphelo() == "mail.example.com"
    assert config.dsnfrom() == '"Courier mail server at mail.example.com" <@>'
    for name in ("defaultdomain", "dsnfrom", "esmtphelo"):
        (courier_settings / name).write_text(f"{name}.example.com\n")
        assert getattr(config, name)() == f"{name}.example.com"


def test_esmtphelo_asks_for_the_name_of_the_connections_address(
        courier_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dns:
        @staticmethod
        def revlookup(address: str) -> str:
            return f"name-of-{address}"

    (courier_settings / "me").write_text("mail.example.com\n")
    (courier_settings / "esmtphelo").write_text("*\n")
    with socket.socket() as connection:
        connection.bind(("127.0.0.1", 0))
        monkeypatch.setattr(config, "DNS", None, raising=False)
        assert config.esmtphelo(connection) == config.esmtphelo() == "mail.example.com"
        monkeypatch.setattr(config, "DNS", Dns, raising=False)
        assert config.esmtphelo(connection) == "name-of-127.0.0.1"


def test_locallowercase_is_a_file_that_exists(courier_settings: Path) -> None:
    assert config.locallowercase() == False  # noqa: E712  # 0 and False both will do
    (courier_settings / "locallowercase").mkdir()
    assert config.locallowercase() == True  # noqa: E712


@pytest.mark.parametrize(("domain", "expected"), [
    ("example.com", True), ("EXAMPLE.com", True), ("sub.example.com", False), ("a.wild.test", True),
    ("wild.test", False),
    (".wild.test", True), ("not.wild.test", False), ("x.no.wild.test", False), ("mixed.test", True), ("comment", False),
    ("", False), ("late.wild.test", True),
])
def test_locals(courier_settings: Path, domain: str, expected: bool) -> None:
    lines = "# comment\n\n   \nexample.com\n!not.wild.test\n!.no.wild.test\n.wild.test\n!late.wild.test\nMixed.Test  \n"
    (courier_settings / "locals").write_text(lines)
    assert config.is_local(domain) is expected


def test_without_locals_only_me_is_local(courier_settings: Path) -> None:
    (courier_settings / "me").write_text("mail.example.com\n")
    assert config.is_local("mail.example.com") and not config.is_local("example.com")


@given(content=st.binary(max_size=60), domain=st.text(max_size=20))
def test_no_locals_file_makes_is_local_raise(
        tmp_path_factory: pytest.TempPathFactory, content: bytes, domain: str) -> None:
    directory = tmp_path_factory.mktemp("etc")
    (directory / "locals").write_bytes(content)
    before, config.sysconfdir = config.sysconfdir, str(directory)
    try:
        assert config.is_local(domain) in (True, False)
    finally:
        config.sysconfdir = before


def test_hosted_domains(database: Database) -> None:
    assert not config.is_hosteddomain("hosted.test")
    database("hosteddomains.dat", **{"hosted.test": "1", ".b.test": "x", "Upper.test": "1"})
    for domain in ("hosted.test", "Hosted.Test", "a.b.test", "a.a.b.test", "Upper.test"):
        assert config.is_hosteddomain(domain), domain
    for domain in ("b.test", "test", "sub.hosted.test", "", "upper.test"):
        assert not config.is_hosteddomain(domain), domain


def test_aliases(courier_settings: Path, database: Database) -> None:
    (courier_settings / "me").write_text("mail.test\n")
    (courier_settings / "locals").write_text("local.test\n")
    assert config.get_alias("info") is None
    digits = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B", "C", "D", "E", "F", "01", "11"]
    long = {f"big@mail.test\n{digit}": f"m{number}@x\n" for number, digit in enumerate(digits, 1)}
    short = {"info@mail.test": "a@x\nb@x\n", "empty@mail.test": "", "big@mail.test": "m0@x\n"}
    database("aliases.dat", **short, **long)
    assert config.get_alias("info") == config.get_alias("info@local.test") == ["a@x", "b@x"]
    assert config.get_alias("info@mail.test") == ["a@x", "b@x"]
    assert config.get_alias("info@elsewhere.test") is config.get_alias("nobody") is None
    assert config.get_alias("empty") == [""]
    assert config.get_alias("big") == [f"m{number}@x" for number in range(18)]


@pytest.mark.parametrize(("ip", "expected"), [
    ("192.0.2.7", "allow,RELAYCLIENT"), ("192.0.2.8", "allow,BLOCK=550 no, never"), ("192.0.3.1", "deny"),
    ("::ffff:192.0.2.7", "allow,RELAYCLIENT"), ("2001:db8::1", "allow,BLOCK"), ("2001:DB8:0:0::99", "allow,BLOCK"),
    ("2001:db9::1", None), ("10.0.0.1", None), ("fe80::1%eth0", "allow"), ("bogus", None), ("a.b", None), ("", None),
    ("192.0", "deny"), ("1.2.3.4.5:6", None),
])
def test_entries_of_smtpaccess(database: Database, ip: str, expected: str | None) -> None:
    assert config.smtpaccess(ip) is None
    database("smtpaccess.dat", **{
        "192.0.2.7": "allow,RELAYCLIENT", "192.0.2": "allow,BLOCK=550 no, never", "192.0": "deny",
        ":2001:0db8": "allow,BLOCK", ":fe80:0000:0000:0000:0000:0000:0000:0001": "allow", "*": "allow,RELAYCLIENT",
    })
    assert config.smtpaccess(ip) == expected


def test_settings_of_smtpaccess(database: Database) -> None:
    entries = {"10": "allow,RELAYCLIENT", "11": "allow,RELAYCLIENT=x,BLOCK", "12": "allow,BLOCK=550 no, it"}
    database("smtpaccess.dat", **entries)
    assert [config.is_relayed(f"{net}.0.0.1") for net in (10, 11, 12, 13)] == [True, True, False, False]
    assert [config.is_whiteblocked(f"{net}.0.0.1") for net in (10, 11, 12, 13)] == [False, True, False, False]
    assert [config.get_block_val(f"{net}.0.0.1") for net in (10, 11, 12, 13)] == [None, "", "550 no", None]
    assert config.get_smtpaccess_val("allow", "10.0.0.1") == ""
    assert config.get_smtpaccess_val("RELAYCLIENT", "11.0.0.1") == "x"


def test_a_database_that_cannot_be_read_says_no_and_tells_once(
        courier_settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (courier_settings / "smtpaccess.dat").write_text("this is no database")
    assert config.smtpaccess("192.0.2.1") is None and not config.is_relayed("192.0.2.1")
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"{courier_settings}/smtpaccess.dat" in told


def test_a_database_of_gdbm_without_its_module_names_the_package(
        database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    database("smtpaccess.dat", **{"10": "allow"})
    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "dbm.gnu", None)
    monkeypatch.setattr("dbm._modules", {})
    assert config.smtpaccess("10.0.0.1") is None
    assert "python3-gdbm" in capsys.readouterr().err


def test_lookups_leave_no_descriptor_open(database: Database) -> None:
    database("smtpaccess.dat", **{"10": "allow"})
    config.smtpaccess("10.0.0.1")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        config.smtpaccess("10.0.0.1")
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(("old", "new"), [
    ("isMinVersion", "is_min_version"), ("isLocal", "is_local"), ("isHosteddomain", "is_hosteddomain"),
    ("getAlias", "get_alias"), ("getSmtpaccessVal", "get_smtpaccess_val"), ("isRelayed", "is_relayed"),
    ("isWhiteblocked", "is_whiteblocked"), ("getBlockVal", "get_block_val"), ("getModuleConfig", "get_module_config"),
    ("applyModuleConfig", "apply_module_config"),
])
def test_old_names(old: str, new: str) -> None:
    assert getattr(config, old) is getattr(config, new)


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    module: Any = config
    with pytest.raises(AttributeError, match="nonsense"):
        module.nonsense
