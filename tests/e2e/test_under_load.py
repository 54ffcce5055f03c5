"""Several SMTP clients at work while filters come and go and parts of the server are killed.

In every test: each client gets an answer, an accept or a 4xx; what was accepted is delivered exactly once and with the
mark, what was not is not delivered; the socket's name never goes, not even for a moment. The last test shows the one
command after which mail passes unfiltered.
"""
from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.mta import Courier
from support.mta_load import Load, NameWatch, assert_delivered
from support.mta_server import (FILTERS, NAME, STANDARD, STANDARD_CHAIN, Family, Held, family, install_server,
                                is_marked, kill, never_delivered, open_gate, reload_server, send, socket_count,
                                wait_family, wait_named)
from support.tree import CHECKOUT
from support.wait import wait_until

STUB = CHECKOUT / "tests" / "support" / "stub_filter.py"
DOWN = "432 Mail filters temporarily unavailable."
FAILED = "451 4.3.0 Mail filter failed, please try again later"
STARTING = "451 4.3.0 Mail filters are starting, please try again later"
STOPPING = "451 4.3.2 Mail filters are stopping, please try again later"
WORKERS = 3
CONFIG = f"pools: {{default: {{workers: {WORKERS}}}}}\n{STANDARD_CHAIN}"


@pytest.fixture
def busy(courier: Courier) -> Iterator[Courier]:
    install_server(courier, STANDARD, CONFIG)
    courier.start()
    yield courier


@contextmanager
def watched_load(mta: Courier, clients: int = 4) -> Iterator[Load]:
    """Load under which a test disturbs the server; afterwards the socket's name was there all the time."""
    path = mta.lib / "allfilters" / NAME
    with NameWatch(path) as watch:
        with Load(mta, clients) as load:
            load.wait_accepted(8)
            yield load
        assert path.is_socket() and watch.losses() == 0


def allowed(load: Load, *texts: str) -> None:
    """Nothing but accepts and these answers was seen."""
    assert set(load.refusals()) <= set(texts), load.refusals()


def test_courierfilter_restart_changes_nothing(busy: Courier) -> None:
    before = family(busy)
    with watched_load(busy) as load:
        for _ in range(3):
            busy.courierfilter("restart")
            load.wait_accepted(8)
    allowed(load)
    assert family(busy) == before
    assert_delivered(busy, load)


def test_a_second_filter_is_started_and_asked_too(busy: Courier) -> None:
    before = family(busy)
    busy.configure("other.reply", "451 other was asked\n")
    with watched_load(busy) as load:
        busy.install_filter("other", STUB)
        load.wait_answers(451, 4)
        busy.configure("other.reply", "200 Ok\n")
        load.wait_accepted(8)
        busy.filterctl("stop", "other")
        busy.configure("other.reply", "451 other was asked\n")
        path = busy.lib / "allfilters" / "other"
        wait_until("the other's socket to go", lambda: not path.exists())
        load.wait_accepted(8)
    # While it comes and goes its socket may exist without anybody behind it.
    allowed(load, "451 other was asked", DOWN)
    assert family(busy) == before
    assert_delivered(busy, load)


def test_a_reload_loses_nothing(busy: Courier) -> None:
    before = family(busy)
    with watched_load(busy) as load:
        for workers in (2, 4):
            pools = f"pools: {{default: {{workers: {workers}}}}}\n"
            busy.configure(f"{NAME}.yaml", f"filter_path: [{FILTERS}]\n{pools}{STANDARD_CHAIN}")
            reload_server(busy)
            load.wait_accepted(8)
    allowed(load)
    assert_delivered(busy, load)
    after = wait_family(busy, 4)
    assert after.masters == before.masters and after.zygotes != before.zygotes


def test_killed_workers_cost_their_own_message(busy: Courier) -> None:
    with watched_load(busy) as load:
        for _ in range(4):  # more in a short time, and the pool backs off
            kill(wait_family(busy, WORKERS).workers[0])
            load.wait_accepted(8)
    allowed(load, FAILED)
    assert sum(load.refusals().values()) <= 4
    assert_delivered(busy, load)


def test_a_killed_zygote_is_replaced(busy: Courier) -> None:
    before = wait_family(busy, WORKERS)
    with watched_load(busy) as load:
        kill(before.zygotes[0])
        load.wait_accepted(20)
    allowed(load, FAILED)
    after = wait_family(busy, WORKERS)
    assert (after.masters, after.zygotes == before.zygotes) == (before.masters, False)
    assert_delivered(busy, load)


def test_pitfall_20_a_killed_master_is_replaced_without_an_operator(busy: Courier) -> None:
    before = wait_family(busy, WORKERS)
    with watched_load(busy) as load:
        for name in ("held-0", "held-1"):
            everybody = wait_family(busy, WORKERS)
            held = Held(busy, [name])
            held.wait_in_filter()
            kill(everybody.masters[0])
            assert held.answer(name) == DOWN  # as everybody whose message was in work
            load.wait_accepted(12)
    allowed(load, DOWN, STARTING)
    after = wait_family(busy, WORKERS)
    assert (after.guardian, after.masters == before.masters) == (before.guardian, False)
    assert_delivered(busy, load)


def test_pitfall_01_courierfilter_stop_leaves_the_socket_and_mail_waits(busy: Courier) -> None:
    with watched_load(busy) as load:
        busy.courierfilter("stop")
        load.wait_answers(432, 8)
        busy.courierfilter("start")
        load.wait_accepted(8)
    assert load.refusals()[DOWN] >= 8
    allowed(load, DOWN, STARTING, STOPPING)
    assert_delivered(busy, load)


@pytest.mark.parametrize("victims", ["guardian", "all"])
def test_pitfall_01_what_dies_outright_leaves_the_socket(busy: Courier, victims: str) -> None:
    with watched_load(busy) as load:
        everybody = wait_family(busy, WORKERS)
        kill(everybody.guardian)
        if victims == "guardian":  # the master goes on without it
            load.wait_accepted(8)
        else:
            kill(everybody.masters[0])
            load.wait_answers(432, 8)
    allowed(load, *([] if victims == "guardian" else [DOWN]))
    assert_delivered(busy, load)


@pytest.mark.parametrize("how", ["courierfilter stop", "SIGTERM"])
def test_pitfall_02_what_was_in_work_at_a_stop_is_answered(busy: Courier, how: str) -> None:
    """Messages in a worker are filtered to their end; who waits gets a verdict or a 4xx, later ones 432 at once."""
    before = wait_family(busy, WORKERS)
    free = socket_count(before.masters[0])
    working = Held(busy, [f"held-{number}" for number in range(WORKERS)])
    working.wait_in_filter()
    waiting = Held(busy, ["waiting-0", "waiting-1"])
    wait_until("the master to have all clients", lambda: socket_count(before.masters[0]) == free + WORKERS + 2)
    mark = busy.log.mark()
    stop = threading.Thread(target=busy.courierfilter, args=("stop",))
    if how == "SIGTERM":  # as systemd does when it stops courierfilter's unit
        os.kill(before.guardian.host_pid, signal.SIGTERM)
    else:
        stop.start()
    busy.log.wait_for("stopping", after=mark)
    assert str(send(busy, name="late", timeout=5).last) == DOWN
    open_gate(busy)
    if how == "courierfilter stop":
        stop.join()
    assert all(working.answer(name).startswith("250 Ok.") for name in working.names)
    assert all(is_marked(wait_named(busy, name)) for name in working.names)
    for name in waiting.names:
        accepted = waiting.answer(name).startswith("250 Ok.")
        assert accepted or waiting.answer(name) == STOPPING
        assert is_marked(wait_named(busy, name)) if accepted else never_delivered(busy, name)
    assert never_delivered(busy, "late")
    wait_until("the end of all", lambda: not [p for p in busy.processes() if p.command and p.named(NAME)])
    assert str(send(busy, name="later").last) == DOWN


def test_the_warning_filterctl_stop_lets_mail_pass_unfiltered(busy: Courier) -> None:
    """By Courier's design: courierfilter removes the socket of a filter that is stopped so, whatever that does."""
    assert send(busy, "return '550 no'").last.code == 550
    busy.filterctl("stop", NAME)
    path = busy.lib / "allfilters" / NAME
    wait_until("courierfilter to remove the socket", lambda: not path.exists())
    assert send(busy, "return '550 no'", name="unfiltered").accepted
    assert not is_marked(wait_named(busy, "unfiltered"))
    busy.filterctl("start", NAME)
    busy.wait_for_socket(NAME)
    assert send(busy, "return '550 no'").last.code in (451, 550)  # 451 while it starts
    wait_family(busy, WORKERS)
    wait_until("mail to be filtered again", lambda: send(busy, "return '550 no'").last.code == 550)


def test_everybody_runs_as_the_mail_user(busy: Courier) -> None:
    everybody: Family = wait_family(busy, WORKERS)
    assert len(everybody.everybody) == 3 + WORKERS
    for process in everybody.everybody:
        status = dict(line.split(":", 1) for line in open(f"/proc/{process.host_pid}/status", encoding="ascii"))
        ids = busy.run("sh", "-c", "id -u; id -g; id -G", user="courier").text.split("\n")
        assert status["Uid"].split() == 4 * [ids[0]] and ids[0] != "0"
        assert status["Gid"].split() == 4 * [ids[1]] and set(status["Groups"].split()) <= set(ids[2].split())
        assert not {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapAmb")} - {0}
