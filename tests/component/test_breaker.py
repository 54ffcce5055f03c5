"""A filter that hangs or crashes again and again is switched off for a while, and comes back when it is mended.

Shown with the installed program. A file says whether the filters are broken, as a scanner's socket would.
"""
from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.server import Server
from support.spool import DEFAULT_BODY
from support.wait import wait_until

DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"
LIMIT = 30.0

# Runs are counted in a file, a letter for each.
FILTER = """\
    import os, time
    def do_filter(body, controls):
        with open({base!r} + "/{name}.runs", "a") as runs:
            runs.write("x")
        if os.path.exists({base!r} + "/{name}.broken"):
            {failure}
        return {reply!r}
    """


class Site:
    """A server whose filters leave traces, and break when a file says so."""

    def __init__(self, config: str, filters: dict[str, tuple[str, str]]) -> None:
        self.server = Server(config=config)
        self.place = self.server.base / "place"
        self.place.mkdir()
        self.place.chmod(0o777)
        for name, (failure, reply) in filters.items():
            self.server.write_filter(name, FILTER.format(base=str(self.place), name=name, failure=failure, reply=reply))
        self._number = 0

    def breaks(self, name: str) -> None:
        (self.place / f"{name}.broken").touch()

    def is_mended(self, name: str) -> None:
        (self.place / f"{name}.broken").unlink()

    def runs(self, name: str) -> int:
        path: Path = self.place / f"{name}.runs"
        return path.stat().st_size if path.exists() else 0

    def ask(self) -> bytes:
        """About a message that was never there before."""
        self._number += 1
        return self.server.ask(DEFAULT_BODY + b"%d\n" % self._number)


CONFIG = """\
    pools:
      default: {{workers: 2, timeout: 300ms, breaker: {{failures: 3, pause: {pause}}}}}
    filters:
      - first
      - {{filter: shaky, failure: {{on_unavailable: {action}}}}}
      - last
    """
CRASH, HANG, NOTHING = "os._exit(1)", "time.sleep(60)", "pass"


@pytest.fixture()
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    failure, action, pause = request.param
    made = Site(CONFIG.format(action=action, pause=pause),
                {"first": (NOTHING, ""), "shaky": (failure, ""), "last": (NOTHING, "550 by last")})
    with made.server:
        yield made


@pytest.mark.parametrize("site", [(CRASH, "defer", "1h"), (HANG, "defer", "1h")], indirect=True)
def test_after_some_failures_in_a_row_the_policy_answers_and_no_worker_is_lost(site: Site) -> None:
    site.breaks("shaky")
    assert [site.ask() for _ in range(3)] == [DEFERRED] * 3
    line = site.server.wait_for_log("filter shaky: breaker closed -> open: ")
    assert "3 failures in a row" in line and line.endswith("next try in 1h")
    wait_until("two workers", lambda: len(site.server.worker_pids()) == 2)
    workers, after = set(site.server.worker_pids()), site.server.log_mark()
    assert [site.ask() for _ in range(10)] == [DEFERRED] * 10
    assert site.runs("shaky") == 3 and set(site.server.worker_pids()) == workers
    assert site.runs("first") == 13, "the filters before it had their say"
    site.server.wait_for_log("filter shaky: unavailable: breaker open; policy defer; message ", after=after)


@pytest.mark.parametrize("site", [(CRASH, "skip", "1h")], indirect=True)
def test_with_skip_the_rest_of_the_chain_goes_on(site: Site) -> None:
    site.breaks("shaky")
    assert [site.ask() for _ in range(3)] == [DEFERRED] * 3
    assert [site.ask() for _ in range(5)] == [b"550 by last\n"] * 5
    assert (site.runs("first"), site.runs("shaky"), site.runs("last")) == (8, 3, 5)


@pytest.mark.parametrize("site", [(CRASH, "defer", "200ms")], indirect=True)
def test_one_message_tries_it_again_and_a_mended_filter_is_back(site: Site) -> None:
    site.breaks("shaky")
    for _ in range(3):
        site.ask()
    wait_until("a probe that fails", lambda: site.ask() == DEFERRED and site.runs("shaky") == 4, LIMIT)
    site.server.wait_for_log("filter shaky: breaker open -> probing: ")
    site.server.wait_for_log("filter shaky: breaker probing -> open: crash again; next try in 400ms")
    site.is_mended("shaky")
    wait_until("a probe that comes through", lambda: site.ask() == b"550 by last\n", LIMIT)
    site.server.wait_for_log("filter shaky: breaker probing -> closed: ")
    assert [site.ask() for _ in range(5)] == [b"550 by last\n"] * 5


@pytest.mark.parametrize("site", [(CRASH, "defer", "1h")], indirect=True)
def test_failures_among_successes_do_not_open_it(site: Site) -> None:
    for _ in range(4):
        site.breaks("shaky")
        assert [site.ask(), site.ask()] == [DEFERRED] * 2
        site.is_mended("shaky")
        assert site.ask() == b"550 by last\n"
    assert not [line for line in site.server.log_lines() if "breaker" in line]


@pytest.mark.parametrize("site", [(CRASH, "defer", "1h")], indirect=True)
def test_a_new_generation_begins_with_closed_breakers(site: Site) -> None:
    site.breaks("shaky")
    for _ in range(3):
        site.ask()
    assert site.ask() == DEFERRED and site.runs("shaky") == 3
    site.is_mended("shaky")
    site.server.signal(signal.SIGHUP)
    site.server.wait_for_log("generation 2 serves: ", timeout=LIMIT)
    assert site.ask() == b"550 by last\n"
