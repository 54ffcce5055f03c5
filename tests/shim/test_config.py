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

BUILT_IN = {
    "prefix": "/usr/lib/courier", "exec_prefix": "/usr/lib/courier", "bindir": "/usr/lib/courier/bin",
    "sbindir": "/usr/lib/courier/sbin", "libexecdir": "/usr/lib/courier/libexec", "sysconfdir": "/etc/courier",
    "datadir": "/usr/lib/courier/share", "localstatedir": "/var/spool/courier", "mailuser": "daemon",
    "mailgroup": "daemon", "mailuid": "2", "mailgid": "2", "version": "unknown",
}


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
    program = f"from courier import config\nfor name in {tuple(BUILT_IN)}: print(name, getattr(config, name), sep='=')"
    done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, check=True, timeout=60,
                          env={"PATH": str(directory), "PYTHONPATH": str(conftest.PYTHON), "PYTHONUTF8": "1"})
    assert done.stderr == ""
    return dict(line.split("=") for line in done.stdout.splitlines())


def test_built_in_values_without_courier(tmp_path: Path) -> None:
    assert import_with(tmp_path) == BUILT_IN


def test_values_of_the_installed_courier(tmp_path: Path) -> None:
    found = import_with(
        tmp_path, courier="echo Courier 1.0.16 Copyright 1999",
        **{"courier-config": f"echo sysconfdir=/x/etc; echo ' no equals'; echo mailuid=0; echo sbindir={tmp_path}\n"
                             "echo version=9; echo 'configure_args=\"--prefix=/y\"'; exit 3"})
    assert found["sysconfdir"] == "/x/etc" and found["mailuid"] == "0" and found["version"] == "1.0.16"
    assert found["prefix"] == "/usr/lib/courier"


def test_all_twelve_values_may_come_from_the_installed_courier(tmp_path: Path) -> None:
    wanted = {name: f"/new/{name}" for name in BUILT_IN if name != "version"}
    script = "; ".join(f"echo {name}={value}" for name, value in wanted.items())
    found = import_with(tmp_path, **{"courier-config": script})
    assert found == {**wanted, "version": "unknown"}


@pytest.mark.parametrize("said", ["", "Courier", "courier 1.0", "Postfix 3.7"])
def test_a_version_that_is_not_couriers_is_unknown(tmp_path: Path, said: str) -> None:
    found = import_with(tmp_path, courier=f"echo {said}", **{"courier-config": f"echo sbindir={tmp_path}"})
    assert found["version"] == "unknown"


def test_dns_is_a_module_or_none() -> None:
    assert config.DNS is None or config.DNS.__name__ == "DNS"


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


@pytest.mark.parametrize(("line", "domain", "expected"), [
    ("mail.test#comment", "mail.test", True), ("mail.test # comment", "mail.test", False), ("  # c", "", False),
    ("xn--bcher-kva.test", "b\xfccher.test", True), ("B\xdcCHER.test", "xn--bcher-kva.test", True),
    (".xn--bcher-kva.test", "a.B\xfccher.test", True), ("xn--\xff.test", "xn--\xff.test", True),
    ("xn--99999999999.test", "XN--99999999999.test", True), ("*", "host.name", True), ("*.x", "host.name.x", True),
    ("!*\n.name", "host.name", False), ("*", "other.name", False), ("*", "*", True), ("CRLF.test\r", "crlf.test", True),
])
def test_lines_of_locals_as_courier_reads_them(
        courier_settings: Path, monkeypatch: pytest.MonkeyPatch, line: str, domain: str, expected: bool) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Host.name")
    (courier_settings / "locals").write_text(line + "\n", encoding="utf-8")
    assert config.is_local(domain) is expected


DOMAINS = st.text(st.sampled_from("aAbB.\xdf"), max_size=6)


@given(lines=st.lists(st.tuples(st.sampled_from(["", ".", "#", " "]), DOMAINS).map("".join)), domain=DOMAINS)
def test_what_matched_exactly_is_still_local(
        tmp_path_factory: pytest.TempPathFactory, lines: list[str], domain: str) -> None:
    """The older rule, without !: equal names, and suffixes of lines that begin with a dot."""
    entries = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    was_local = any(domain == entry or (entry.startswith(".") and domain.endswith(entry)) for entry in entries)
    directory = tmp_path_factory.mktemp("etc")
    (directory / "locals").write_text("\n".join(lines), encoding="utf-8")
    before, config.sysconfdir = config.sysconfdir, str(directory)
    try:
        assert config.is_local(domain) or not was_local
    finally:
        config.sysconfdir = before


def test_without_locals_only_me_is_local(courier_settings: Path) -> None:
    (courier_settings / "me").write_text("mail.example.com\n")
    assert config.is_local("mail.example.com") and not config.is_local("example.com")
    assert config.is_local("MAIL.example.com")


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
    database("hosteddomains.dat", **{"hosted.test": "1", ".b.test": "x", "Upper.test": "1", "b\xfccher.test": "1"})
    for domain in ("hosted.test", "Hosted.Test", "a.b.test", "a.a.b.test", "Upper.test", "xn--bcher-kva.test",
                   "B\xdcCHER.test"):
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


def test_aliases_are_found_under_the_names_that_courier_gives_them(courier_settings: Path, database: Database) -> None:
    (courier_settings / "me").write_text("mail.test\n")
    (courier_settings / "defaultdomain").write_text("default.test\n")
    (courier_settings / "locals").write_text("local.test\n")
    database("aliases.dat", **{"both@mail.test": "me@x\n", "both@default.test": "default@x\n",
                               "only@default.test": "default@x\n", "far@other.test": "far@x\n"})
    assert config.get_alias("both") == config.get_alias("both@local.test") == ["me@x"]
    assert config.get_alias("only") == config.get_alias("only@LOCAL.test") == ["default@x"]
    assert config.get_alias("far@Other.Test") == ["far@x"] and config.get_alias("ONLY") is None
    (courier_settings / "locallowercase").touch()
    assert config.get_alias("ONLY") == ["default@x"]


def test_an_alias_that_is_no_utf8_is_a_unicode_error(courier_settings: Path) -> None:
    (courier_settings / "me").write_text("mail.test\n")
    with dbm.gnu.open(str(courier_settings / "aliases.dat"), "n") as file:
        file[b"info@mail.test"] = b"\xff@x\n"
    with pytest.raises(UnicodeDecodeError):
        config.get_alias("info")


@pytest.mark.parametrize("rubbish", [
    None, b"192.0.2.7", 3221225991, "", ".", "..", ":", "::%", "%", "1.2.3.4.5.6", "a" * 1000, "\udcff", "1\0.2", "*",
    "192.0.2.7\n", "::ffff:1.2.3", "\uff11.2.3.4"])
def test_rubbish_has_no_entry_in_smtpaccess_and_raises_nothing(database: Database, rubbish: Any) -> None:
    database("smtpaccess.dat", **{"192.0.2": "allow,RELAYCLIENT,BLOCK", "*": "allow,RELAYCLIENT,BLOCK"})
    assert config.smtpaccess(rubbish) is config.get_block_val(rubbish) is None
    assert not config.is_relayed(rubbish) and not config.is_whiteblocked(rubbish)


@given(st.text() | st.from_regex(r"[0-9a-f:.%]*", fullmatch=True))
def test_no_text_makes_smtpaccess_raise(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    directory = tmp_path_factory.mktemp("etc")
    dbm.gnu.open(str(directory / "smtpaccess.dat"), "n").close()
    before, config.sysconfdir = config.sysconfdir, str(directory)
    try:
        assert config.smtpaccess(text) is None
    finally:
        config.sysconfdir = before


def test_an_entry_that_is_no_utf8_is_shown(courier_settings: Path) -> None:
    with dbm.gnu.open(str(courier_settings / "smtpaccess.dat"), "n") as file:
        file[b"10"] = b"allow,BLOCK=550 caf\xe9"
    assert config.get_block_val("10.0.0.1") == "550 caf\\xe9"


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
    assert [config.get_block_val("::ffff:12.0.0.1"), config.is_relayed("::FFFF:10.0.0.1")] == ["550 no", True]
    database("smtpaccess.dat", **{"10": "allow, RELAYCLIENT , BLOCK=550 x "})
    assert config.is_relayed("10.0.0.1") and config.get_block_val("10.0.0.1") == "550 x "


def test_a_database_that_cannot_be_read_says_no_and_tells_once(
        courier_settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (courier_settings / "smtpaccess.dat").write_text("this is no database")
    assert config.smtpaccess("192.0.2.1") is None and not config.is_relayed("192.0.2.1")
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"{courier_settings}/smtpaccess.dat" in told


def test_without_the_module_of_gdbm_one_warning_names_the_package(
        database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("smtpaccess.dat", "hosteddomains.dat", "aliases.dat"):
        database(name, **{"10": "allow"})
    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "dbm.gnu", None)
    monkeypatch.setattr("dbm._modules", {})
    monkeypatch.setattr("courier._dbm._told", set())
    for _ in range(2):
        assert config.smtpaccess("10.0.0.1") is config.get_alias("info") is None
        assert not config.is_hosteddomain("example.com")
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "python3-gdbm" in told and told.startswith("WARN: ")


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
