"""Rules for all tests: what --full means, and that CI skips nothing.

Read by pytest for every directory of tests/. dev/test gives --full and --alone; .ci/run sets CI=true. Must never hide a
test without a word: what is left out is deselected, and counted so in the last line where one process runs the tests.

    @pytest.mark.full              runs only with --full
    config.getoption("--full")     for a test that runs either way, and does more with it
    pytest.mark.alone              in component/: loads the machine or measures times; dev/test runs nothing beside it
"""
from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest

IN_CI = os.environ.get("CI") == "true"


# How fast an example runs is no claim of ours, and says much about the machine.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="also the long tests: whole corpus, long runs")
    parser.addoption("--alone", choices=("yes", "no"),
                     help="only the tests that nothing may run beside, or only the others")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: takes minutes; runs only with --full")
    config.addinivalue_line("markers", "alone: loads the machine or measures times; nothing may run beside it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    full, alone = config.getoption("--full"), config.getoption("--alone")

    def is_wanted(item: pytest.Item) -> bool:
        if item.get_closest_marker("full") and not full:
            return False
        return alone is None or (item.get_closest_marker("alone") is not None) == (alone == "yes")

    left_out = [item for item in items if not is_wanted(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if is_wanted(item)]


@pytest.hookimpl(hookwrapper=True)  # type: ignore[misc]  # the decorator is untyped
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    outcome: Any = yield
    refuse_skip(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)  # type: ignore[misc]  # the decorator is untyped
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, None]:
    outcome: Any = yield
    refuse_skip(outcome.get_result())


def refuse_skip(report: Any) -> None:
    """In CI a skipped test is a failed one: the machine there must have all that the tests need."""
    if not IN_CI or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"skipped, which is a failure in CI: {reason}"
