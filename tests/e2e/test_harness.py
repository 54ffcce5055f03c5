"""Proves the private Courier itself, with a stand-in filter that speaks Courier's protocol.

When one of these fails, other end-to-end tests say nothing about the server. Uses nothing of the server.
"""
from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from support import tree
from support.mta import RELAY, Courier
from support.namespaces import CommandTimeout
from support.samples import sample
from support.wait import wait_until

STUB = Path(tree.__file__).with_name("stub_filter.py")
EVE, BOB = "eve@example.com", "bob@mail.test"


# Mail through the filter

def test_accepted_mail_arrives_unchanged(stub: Courier) -> None:
    clean = sample("clean")
    assert stub.send(EVE, [BOB], clean).accepted
    assert stub.wait_messages("bob")[0].endswith(clean)
    stub.log.wait_for("^courierfilter info: asked about 1 control file")
    stub.wait_queue_empty()


def test_mail_comes_in_by_ipv6(stub: Courier) -> None:
    assert stub.send(EVE, [BOB], sample("clean"), source="2001:db8::1").accepted
    assert b"[2001:db8::1]" in stub.wait_messages("bob")[0]


@pytest.mark.parametrize("reply", ["550 5.7.1 not here", "451 later"])
def test_the_client_sees_a_refusal(stub: Courier, reply: str) -> None:
    stub.configure("stub.reply", reply + "\n")
    dialogue = stub.send(EVE, [BOB], sample("clean"))
    assert str(dialogue.data) == reply
    assert not dialogue.accepted
    assert (stub.queue(), stub.messages("bob")) == ([], [])


def test_several_lines_become_one_reply(stub: Courier) -> None:
    stub.configure("stub.reply", "550-first\n550 second\n")
    assert stub.send(EVE, [BOB], sample("clean")).last.text == "first\nsecond"


def test_a_killed_filter_defers_mail(stub: Courier) -> None:
    (process,) = stub.filter_processes()
    os.kill(process.host_pid, signal.SIGKILL)
    wait_until("the filter to be dead", lambda: not [left for left in stub.processes("stub") if left.command])
    assert stub.send(EVE, [BOB], sample("clean")).last.code == 432


def test_mail_is_not_filtered_when_that_is_switched_off(stub: Courier) -> None:
    stub.configure("stub.reply", "550 no\n")
    stub.enable_filtering("")
    assert stub.send(EVE, [BOB], sample("clean")).accepted


def test_local_mail_goes_through_the_filter(stub: Courier) -> None:
    stub.enable_filtering("esmtp local")
    assert stub.sendmail(BOB, ["alice@mail.test"], sample("clean")).status == 0
    assert b"(uid 51001)" in stub.wait_messages("alice")[0]
    stub.configure("stub.reply", "550 no\n")
    refused = stub.sendmail(BOB, ["alice@mail.test"], sample("clean"))
    assert refused.status == 67 and refused.text.startswith("550 no\n")


# Who may send what

def test_a_user_can_log_in(stub: Courier) -> None:
    assert stub.send(BOB, ["alice@mail.test"], sample("clean"), auth="bob").accepted
    stub.log.wait_for("newmsg,.*auth=bob")


@pytest.mark.parametrize(("source", "code"), [("192.0.2.1", 513), ("192.0.2.2", 513), (RELAY, 250)])
def test_only_the_relay_address_may_send_elsewhere(stub: Courier, source: str, code: int) -> None:
    with stub.client(source=source) as client:
        client.docmd(f"MAIL FROM:<{EVE}>")
        assert client.docmd("RCPT TO:<someone@remote.test>")[0] == code


def test_an_alias_reaches_its_members(stub: Courier) -> None:
    assert stub.send(EVE, ["team@mail.test"], sample("exe-attachment")).accepted
    assert stub.wait_messages("bob") and stub.wait_messages("alice")


def test_many_clients_at_once(stub: Courier) -> None:
    with ThreadPoolExecutor(20) as pool:
        sent = list(pool.map(lambda _: stub.send(EVE, [BOB], sample("clean")), range(40)))
    assert all(dialogue.accepted for dialogue in sent)
    assert len(stub.wait_messages("bob", 40)) == 40
    stub.wait_queue_empty()


# courierfilter and filterctl

def test_courierfilter_starts_a_filter_before_mail_comes(stub: Courier) -> None:
    (process,) = stub.filter_processes()
    assert process.named("stub") and (stub.lib / "allfilters" / "stub").is_socket()
    assert stub.log.wait_for("stub is ready").tag == "courierfilter"


def test_filterctl_starts_and_stops_a_filter(courier: Courier) -> None:
    courier.start()
    courier.install_filter("late", STUB)
    path = courier.wait_for_socket("late")
    courier.filterctl("stop", "late")
    wait_until("the socket to go", lambda: not path.exists())
    assert courier.filter_processes() == []


def test_a_filter_gets_the_environment_of_the_file_courierd(courier: Courier) -> None:
    courier.set_environment(MALLOC_CHECK_="3", NOTE="two words")
    courier.install_filter("stub", STUB)
    courier.start()
    (process,) = courier.filter_processes()
    environment = Path(f"/proc/{process.host_pid}/environ").read_bytes().split(b"\0")
    assert {b"MALLOC_CHECK_=3", b"NOTE=two words"} <= set(environment)


def test_commands_run_as_any_user(courier: Courier) -> None:
    assert courier.run("id", "-un", user="courier").text == "courier\n"
    assert courier.run("id", "-un", user="bob").text == "bob\n"
    assert courier.run("sh", "-c", "echo no >&2; exit 3").status == 3


def test_courierfilter_stop_ends_the_filter(stub: Courier) -> None:
    stub.courierfilter("stop")
    assert stub.processes("stub") == []
    assert stub.send(EVE, [BOB], sample("clean")).last.code == 432  # the socket stays, as Courier wants it
    stub.courierfilter("start")
    assert stub.send(EVE, [BOB], sample("clean")).accepted


def test_a_command_that_blocks_is_ended(courier: Courier, readable_dir: Path) -> None:
    deaf = readable_dir / "deaf"
    deaf.write_text("#!/bin/sh\nexec cat\n")  # keeps descriptor 3: courierfilter start waits for it
    courier.install_filter("deaf", deaf)
    with pytest.raises(CommandTimeout, match="courierfilter start"):
        courier.courierfilter("start", timeout=0.5)


# The tree of a program that was installed elsewhere

@pytest.fixture
def readable_dir() -> Iterator[Path]:
    """A directory in /tmp that everybody may search, unlike pytest's own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_program_runs_from_its_tree(courier: Courier, readable_dir: Path) -> None:
    program = readable_dir / "usr" / "sbin" / "stub"
    program.parent.mkdir(parents=True)
    program.write_bytes(STUB.read_bytes())
    program.chmod(0o755)
    courier.install_filter("stub", program, tree=readable_dir)
    courier.start()
    courier.configure("stub.reply", "550 from the tree\n")
    assert courier.send(EVE, [BOB], sample("clean")).last.text == "from the tree"


def test_a_closed_directory_is_found_out(courier_possible: None, readable_dir: Path) -> None:
    assert tree.searchable(readable_dir)
    below = readable_dir / "closed" / "root"
    below.mkdir(parents=True)
    below.parent.chmod(0o700)
    assert not tree.searchable(below)


def test_a_closed_tree_is_copied(courier_possible: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    program = tmp_path / tree.PROGRAM
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PYTHONFILTER_ROOT", str(tmp_path))
    copy = tree.readable_tree.__wrapped__()
    assert copy != tmp_path and tree.searchable(copy / "usr" / "sbin") and os.access(copy / tree.PROGRAM, os.X_OK)


# Private, and gone afterwards

def test_two_couriers_do_not_meet(stub: Courier) -> None:
    with Courier() as other:
        other.install_filter("stub", STUB)
        other.configure("stub.reply", "550 the other one\n")
        other.start()
        assert other.send(EVE, [BOB], sample("clean")).last.code == 550
        assert stub.send(EVE, [BOB], sample("clean")).accepted
        assert stub.wait_messages("bob") and not other.messages("bob")
        assert not [line for line in stub.log.lines() if "the other one" in line.text]


def test_the_machine_is_left_alone(courier_possible: None) -> None:
    before = _traces()
    with Courier() as mta:
        mta.install_filter("stub", STUB)
        mta.start()
        assert _traces() == before
    assert _traces() == before


def _traces() -> list[object]:
    directories = ("/etc/courier", "/etc/courier/filters/active", "/run/courier", "/run/courier/authdaemon",
                   "/var/lib/courier", "/var/lib/courier/allfilters", "/usr/lib/courier/filters")
    return [Path("/proc/self/mounts").read_text(), os.path.lexists("/dev/log"), stat.S_IMODE(os.stat("/tmp").st_mode),
            *(sorted(os.listdir(name)) for name in directories)]


_DIES = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from support.mta import Courier
mta = Courier().__enter__()
mta.start()
print(mta.base, *(process.host_pid for process in mta.processes()), flush=True)
os.fork() or signal.pause()  # a child that holds copies of all descriptors lives on
sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_all_ends_with_the_test_process(courier_possible: None) -> None:
    support = str(Path(tree.__file__).parents[1])
    test = subprocess.Popen([sys.executable, "-c", _DIES, support], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True, start_new_session=True)
    assert test.stdin is not None and test.stdout is not None
    try:
        base, *pids = test.stdout.readline().split()
        watched = []
        for pid in pids:
            with suppress(ProcessLookupError):  # one of Courier's that had little to do
                watched.append(os.pidfd_open(int(pid)))
        assert len(watched) > 10
        test.stdin.close()
        for pidfd in watched:
            assert select.select([pidfd], [], [], 10)[0], "a process of a dead test lives on"
            os.close(pidfd)
    finally:
        os.killpg(test.pid, signal.SIGKILL)
        test.wait()
        test.stdout.close()
    subprocess.run(["rm", "-rf", "--one-file-system", base], check=True)


def test_start_and_stop_are_quick(courier_possible: None) -> None:
    begin = time.monotonic()
    with Courier() as mta:
        mta.start()
    assert time.monotonic() - begin < 5  # 0.3 s on two idle cores
