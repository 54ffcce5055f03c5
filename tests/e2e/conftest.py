"""Fixtures of the end-to-end tests: a private Courier, and its log in the report of a test that failed.

Read by pytest for everything in tests/e2e. With CI=true a machine that cannot run a Courier fails the tests, otherwise
it skips them with the reason.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import mta as harness  # noqa: E402  # needs the path above
from support.mta import Courier  # noqa: E402

STUB = Path(harness.__file__).with_name("stub_filter.py")


@pytest.fixture(scope="session")
def courier_possible() -> None:
    """Asks once whether this machine can run a private Courier."""
    lack = harness.missing()
    if not lack:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(lack, pytrace=False)
    pytest.skip(lack)


@pytest.fixture
def courier(courier_possible: None) -> Iterator[Courier]:
    """A private Courier, not yet started: install filters first, or start it and install them then."""
    with Courier() as mta:
        yield mta


@pytest.fixture
def stub(courier: Courier) -> Courier:
    """A running Courier with the stand-in filter `stub`, which accepts until `stub.reply` says otherwise."""
    courier.install_filter("stub", STUB)
    courier.start()
    return courier


@pytest.hookimpl(hookwrapper=True)  # type: ignore[misc]  # the decorator is untyped
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Adds the mail log of every Courier among a failed test's fixtures to its report."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    seen = {id(value): value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Courier)}
    for mta in seen.values():
        report.sections.append(("mail log", "\n".join(map(str, mta.log.lines()))))
