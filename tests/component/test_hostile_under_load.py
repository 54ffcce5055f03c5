"""Each thing that a hostile filter does (support/hostile.py), done while 16 clients ask about ordinary messages.

At most the hostile message is affected, and gets its policy's reply; every other verdict is right; the others hardly
wait; nothing is left behind; the log names filter and message. The ordinary messages pass a filter that tells when the
worker is not what it was (support/witness.py). Times are only compared with those of rounds without the hostile filter,
taken in turns, and a slow round is given more rounds to be outvoted: a machine that is busy for a second is no finding.
"""
from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench.load import RIGHT, Load, Result, run_load
from support import processes
from support.hostile import HOSTILE, POOL_LIMITS, SANITIZED, Hostile, remove_files
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.wait import wait_until
from support.witness import WITNESS

pytestmark = pytest.mark.alone
CLIENTS = 16
TIMES, FLOOR_US = 3, 20_000  # p99 of the others: within so many times that of a quiet round, or this
ROUNDS, ROUNDS_AT_MOST = 2, 8
QUIET_SECONDS, LOAD_SECONDS = 0.3, 0.5
HOSTILE_IN_A_ROUND = 3
CONFIG = f"""\
server: {{poison: {{kills: 0}}}}  # each round runs the same message again
pools:
  default: {{workers: 4, timeout: 400ms, {POOL_LIMITS}}}
"""


@dataclass(frozen=True)
class HostileMessage:
    """What the log may call it."""

    id: str
    body_path: Path


class Place:
    """A server with the witness and the script filter, and the ordinary messages of 16 clients."""

    def __init__(self, server: Server, temporary: Path) -> None:
        self.server, self.temporary = server, temporary
        verdicts = [f"550 ordinary {number}" for number in range(2 * CLIENTS)]
        self.messages = [server.spool.message(script(f"reply = {verdict!r}")) for verdict in verdicts]
        self.verdicts = verdicts
        self.pid = server.master_pid()
        self.run_quietly()
        self.shape = self.look()

    def look(self) -> dict[str, object]:
        """What a leak would change."""
        pid = self.server.master_pid()
        return {
            "processes": len(self.server.processes()), "descriptors of the master": len(processes.descriptors(pid)),
            "temporary files": sorted(str(path) for path in self.temporary.rglob("*") if path.is_file()),
            "workers": len(self.server.worker_pids()),
        }

    def run_quietly(self) -> Result:
        return run_load(self.server.socket_path, self.messages, clients=CLIENTS, seconds=QUIET_SECONDS,
                        replies=self.verdicts)

    def run_with(self, hostile: Hostile) -> tuple[Result, list[tuple[HostileMessage, bytes]]]:
        """A round with it. Also returns the reply of each hostile message."""
        seen = []
        with Load(self.server.socket_path, self.messages, clients=CLIENTS, seconds=LOAD_SECONDS,
                  replies=self.verdicts) as load:
            for _ in range(1 if hostile.hangs else HOSTILE_IN_A_ROUND):
                message = self.server.spool.message(hostile.body())
                label = HostileMessage(message.id, message.body_path)
                seen.append((label, self.server.ask_message(message)))
                remove_files(message)
            return load.finish(), seen


class Places:
    """One place for all, but no test pays for what an earlier one found."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._place: Place | None = None

    def take(self) -> Place:
        """The caller gives it back when all went well."""
        place, self._place = self._place, None
        return place or self._start()

    def give_back(self, place: Place) -> None:
        self._place = place

    def _start(self) -> Place:
        self._stack.close()
        server = Server(filters={"witness": WITNESS, "script": SCRIPT_FILTER}, config=CONFIG)
        self._stack.push(server)
        temporary = server.base / "temporary"
        temporary.mkdir()
        temporary.chmod(0o1777)
        server.environment["TMPDIR"] = str(temporary)
        return Place(server.start(), temporary)

    def __enter__(self) -> Places:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    with Places() as places:
        yield places


@pytest.mark.parametrize("name", HOSTILE)
def test_costs_at_most_its_message(places: Places, name: str, request: pytest.FixtureRequest) -> None:
    place, hostile = places.take(), HOSTILE[name]
    after = len(place.server.log_lines())
    quiet: list[int] = []
    loaded: list[int] = []
    rounds = ROUNDS if request.config.getoption("--full") else 1
    while len(quiet) < rounds or not SANITIZED and too_slow(quiet, loaded) and len(quiet) < ROUNDS_AT_MOST:
        quiet.append(place.run_quietly().p99_us)
        result, seen = place.run_with(hostile)
        loaded.append(result.p99_us)
        assert result.unanswered == 0 and not result.wrong and set(result.replies) == {RIGHT}
        for message, reply in seen:
            assert reply.endswith(b"\n") and reply.decode().startswith(hostile.replies), reply
            check_log(place.server, hostile, message, after)
    print(f"p99 of the others: {statistics.median(quiet) / 1000:.1f} ms without, "
          f"{statistics.median(loaded) / 1000:.1f} ms with it ({len(quiet)} rounds)")
    assert SANITIZED or not too_slow(quiet, loaded), (quiet, loaded)
    assert place.server.master_pid() == place.pid
    wait_until("nothing to be left behind", lambda: place.look() == place.shape, 10)
    places.give_back(place)


def test_endless_loops_stand_back_for_the_others() -> None:
    """Two of them on two cores; when the log has told of them, the other clients hardly notice."""
    config = "pools: {default: {workers: 4, slow_after: 200ms, timeout: 60s}}\n"
    with Server(filters={"witness": WITNESS, "script": SCRIPT_FILTER}, config=config) as server:
        temporary = server.base / "temporary"
        temporary.mkdir()
        place = Place(server, temporary)
        stop = server.base / "stop"
        quiet: list[int] = []
        loaded: list[int] = []
        while len(quiet) < ROUNDS or too_slow(quiet, loaded) and len(quiet) < ROUNDS_AT_MOST:
            quiet.append(place.run_quietly().p99_us)
            loaded.append(p99_beside_loops(place, stop))
        print(f"p99 of the others: {statistics.median(quiet) / 1000:.1f} ms without, "
              f"{statistics.median(loaded) / 1000:.1f} ms beside two endless loops ({len(quiet)} rounds)")
        assert not too_slow(quiet, loaded), (quiet, loaded)


def p99_beside_loops(place: Place, stop: Path) -> int:
    server, after = place.server, len(place.server.log_lines())
    stop.unlink(missing_ok=True)
    loop = script(f"import os\nwhile not os.path.exists({str(stop)!r}):\n    for _ in range(10 ** 6): pass\n"
                  "reply = '250 ended'")
    messages = [server.spool.message(loop) for _ in range(2)]
    with ExitStack() as stack:
        clients = [stack.enter_context(server.send(message)) for message in messages]
        for message in messages:
            server.wait_for_log(rf"{message.id}\] filter script has run for more than 200ms", after=after)
        result = place.run_quietly()
        stop.touch()
        assert [client.read_reply() for client in clients] == [b"250 ended\n"] * 2
    for message in messages:
        message.remove()
    assert result.unanswered == 0 and not result.wrong
    return result.p99_us


def too_slow(quiet: list[int], loaded: list[int]) -> bool:
    return statistics.median(loaded) > max(TIMES * statistics.median(quiet), FLOOR_US)


def check_log(server: Server, hostile: Hostile, message: HostileMessage, after: int) -> None:
    """A failure's line or the message's own names both."""
    label = f"(?:{message.id}|{message.body_path})"
    name = "script" if hostile.blames_right else "(?:script|witness)"
    server.wait_for_log(rf"filter {name}: .*message {label}|message id={label} .*{name}", after=after)
