"""Clients under load while parts of the server are killed: every client gets one reply, the right one unless its worker
was killed, and afterwards the server is what it was. support/chaos.py does the work; dev/soak is the long form."""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.chaos import CONFIG, FILTERS, WORKERS, Chaos, killing
from support.server import Server
from support.wait import wait_until

pytestmark = pytest.mark.alone


@pytest.fixture
def chaos() -> Iterator[Chaos]:
    with Server(filters=FILTERS, config=CONFIG) as server:
        chaos = Chaos(server)
        chaos.ask_ordinary(400)
        yield chaos


def conclude(chaos: Chaos, before: tuple[int, int]) -> None:
    print(chaos.report.text())
    assert not chaos.report.faults()
    wait_until("as many processes and descriptors as before", lambda: chaos.shape() == before, 20)
    assert not chaos.ask_ordinary(400).wrong
    assert chaos.server.stop() == 0


def test_workers_killed_ten_times_a_second(chaos: Chaos, request: pytest.FixtureRequest) -> None:
    """The short run proves the test; with --full it is 100,000 messages."""
    count = 100_000 if request.config.getoption("--full") else 24_000
    before = chaos.shape()
    with killing(chaos.tree.workers, 0.1) as killed:
        result = chaos.ask_ordinary(count)
    chaos.report.add(result)
    chaos.report.killed["workers"] = len(killed)
    assert result.messages == count
    assert len(killed) > 5 * result.seconds, "the machine was too slow to kill ten a second"
    conclude(chaos, before)


def test_zygote_killed_under_load(chaos: Chaos, request: pytest.FixtureRequest) -> None:
    count = 48_000 if request.config.getoption("--full") else 12_000
    before = chaos.shape()
    with killing(chaos.tree.zygotes, 0.5, limit=4) as killed:  # more in ten seconds are a pool that fails
        chaos.report.add(chaos.ask_ordinary(count))
    chaos.report.killed["zygotes"] = len(killed)
    assert killed
    assert chaos.report.deferred <= WORKERS * len(killed), "a zygote takes its workers along, no more"
    conclude(chaos, before)


def test_master_killed_under_load(chaos: Chaos, request: pytest.FixtureRequest) -> None:
    """Clients of a killed master see the connection end, which Courier answers with 432; connecting never fails."""
    count = 48_000 if request.config.getoption("--full") else 12_000
    before = chaos.shape()
    with killing(chaos.tree.masters, 0.5) as killed:
        chaos.report.add(chaos.ask_ordinary(count))
    chaos.report.killed["masters"] = len(killed)
    assert killed
    conclude(chaos, before)


def test_hostile_filters_while_everything_is_killed(chaos: Chaos, request: pytest.FixtureRequest) -> None:
    slices = 5 if request.config.getoption("--full") else 1
    before = chaos.shape()
    for _ in range(slices):
        chaos.run_slice(10_000, masters=2)
    assert chaos.report.killed["masters"] == 2 * slices and chaos.report.hostile >= 100 * slices
    conclude(chaos, before)
