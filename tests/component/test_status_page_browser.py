"""The status page as a person sees it: in Debian's chromium, while 16 clients keep the server busy.

With scripts and without, on a desk and on a phone. What it says over HTTP: test_status_page.py.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.asking import Load
from support.browser import Browser
from support.ctl import Ctl
from support.page import free_port
from support.server import Server
from support.wait import wait_until

SLOW = "import time\n\ndef do_filter(body, controls):\n    time.sleep(0.02)\n    return ''\n"
REFUSES = "def do_filter(body, controls):\n    return '550 no'\n"
CONFIG = "pools: {{default: {{workers: 3}}}}\nserver: {{status_page: 127.0.0.1:{port}}}\n"
PORT = free_port()
URL = f"http://127.0.0.1:{PORT}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


@contextmanager
def busy_server() -> Iterator[Server]:
    filters = {"slow": SLOW, "refuses": REFUSES}
    with Server(filters=filters, config=CONFIG.format(port=PORT)) as server, Load(server, 16) as load:
        wait_until("some answers", lambda: len(load.replies) > 50)
        yield server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with busy_server() as running:
        yield running


def served(browser: Browser) -> int:
    """The sum of a column, as it is to be read."""
    total: int = browser.evaluate("[...document.querySelectorAll('td[data-label=served]')]"
                                  ".reduce((sum, cell) => sum + Number(cell.textContent), 0)")
    return total


def check_tables(browser: Browser) -> None:
    assert re.match(r"serving\s+since ", browser.text("#summary"))
    workers = browser.text("#pools table").splitlines()
    assert "worker" in workers[0] and [line.split()[0] for line in workers if "default/" in line] == [
        "default/1", "default/2", "default/3"]
    filters = browser.text("#filters table")
    assert "slow" in filters and "refuses" in filters
    assert browser.evaluate("document.querySelectorAll('#messages svg .bar.reject').length") == 1
    assert browser.evaluate("document.querySelectorAll('#filters svg').length") == 4
    assert browser.complaints == []


def test_with_scripts_it_is_live(server: Server, browser: Browser) -> None:
    browser.allow_scripts(True)
    browser.open(URL)
    wait_until("a first look", lambda: browser.text("#live") == "live")
    check_tables(browser)
    before = served(browser)
    wait_until("more messages, without a reload", lambda: served(browser) > before)
    wait_until("a worker that is seen at work", lambda: "slow" in browser.text("#pools table"))
    assert browser.evaluate("performance.getEntriesByType('navigation').length") == 1
    assert browser.complaints == []


def test_without_scripts_the_tables_and_plots_are_there(server: Server, browser: Browser) -> None:
    browser.allow_scripts(False)
    browser.open(URL)
    assert browser.text("#live") == "new every 10 seconds"
    check_tables(browser)
    assert served(browser) > 0


@pytest.mark.parametrize("width", [360, 820, 1400])
def test_nothing_stands_outside_of_the_window(server: Server, browser: Browser, width: int) -> None:
    browser.resize(width, 800)
    browser.open(URL)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    for selector in ("#pools .scroll", "#filters .scroll", "#messages svg", ".plots svg"):
        box = browser.evaluate(f"(box => [box.left, box.right])(document.querySelector('{selector}')"
                               ".getBoundingClientRect())")
        assert 0 <= box[0] < box[1] <= width, selector
    browser.resize(1200, 900)


def test_a_server_that_ends_is_told_of_and_one_that_comes_back_is_shown(browser: Browser, server: Server) -> None:
    browser.allow_scripts(True)
    browser.open(URL)
    wait_until("a first look", lambda: browser.text("#live") == "live")
    server.write_config("", ["slow", "refuses"])  # without a page
    Ctl(server).result("reload")
    wait_until("the page to tell", lambda: browser.text("#live") == "the server does not answer")
    server.write_config(CONFIG.format(port=PORT), ["slow", "refuses"])
    Ctl(server).result("reload")
    wait_until("the page to be live", lambda: browser.text("#live") == "live")
