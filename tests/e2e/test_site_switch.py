"""A site that comes from the threaded daemon: its pythonfilter.conf as it is, one link changed, mail flows.

The old daemon is played by a stand-in of the same name that accepts all; what the new one has filtered has the mark.
The site's filters lie where they used to: in the package directory.
"""
from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import tree
from support.mta import Courier
from support.mta_server import (BOB, EVE, NAME, STANDARD, install_program, is_marked, never_delivered, send, told,
                                wait_family, wait_named)
from support.samples import sample
from support.wait import wait_until

STUB = tree.CHECKOUT / "tests" / "support" / "stub_filter.py"
PACKAGE = Path("usr/lib/pythonfilter/python/pythonfilter")
FAILED = "451 4.3.0 Mail filter failed, please try again later"
CONF = """\
# Filters for everybody first.
mark

raises          # as this site has lived with for years
returns_none
told
whitelist_auth for attachments
  attachments
"""
SITE_FILTERS = {
    **STANDARD,
    # The old names, and a function that is only found under them.
    "raises": "def initFilter():\n    pass\n\ndef doFilter(body, controls):\n    raise ValueError('always')\n",
    "returns_none": "def do_filter(body, controls):\n    pass\n",
}


@pytest.fixture(scope="module")
def site_tree(courier_possible: None) -> Iterator[Path]:
    """An installed tree with the site's filters in it."""
    with tempfile.TemporaryDirectory(prefix="pythonfilter-site-", dir="/tmp") as place:
        root = Path(shutil.copytree(tree.installed_tree(), Path(place) / "root", symlinks=True,
                                    ignore=shutil.ignore_patterns("bench")))
        for name, source in SITE_FILTERS.items():
            (root / PACKAGE / f"{name}.py").write_text(source)
        for directory, _, files in os.walk(place):
            for path in (Path(directory), *(Path(directory, file) for file in files)):
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
        yield root


@pytest.fixture
def old_site(courier: Courier, site_tree: Path) -> Courier:
    """A site where the old daemon runs, with nothing of the new one but its files."""
    for directory in ("/etc", "/usr/local/etc"):  # these come before Courier's own
        assert not Path(directory, f"{NAME}.conf").exists(), "this machine has a configuration of its own"
    courier.configure(f"{NAME}.conf", CONF)
    courier.install_filter(NAME, STUB)
    courier.inside.expose(site_tree.parent)
    courier.start()
    assert send(courier, name="before").accepted
    assert not is_marked(wait_named(courier, "before"))
    return courier


def switch(mta: Courier, program: Path, link: str) -> None:
    """What README tells an administrator to do."""
    mta.run("esmtpd", "stop")
    mta.courierfilter("stop")
    assert mta.run("ln", "-sfn", str(program), link).status == 0
    mta.courierfilter("start")
    mta.run("esmtpd", "start")
    wait_until("esmtpd to answer", lambda: answers(mta))


def answers(mta: Courier) -> bool:
    try:
        with mta.client() as client:
            return client.docmd("NOOP")[0] == 250
    except OSError:
        return False


@pytest.mark.parametrize("link", [f"/usr/lib/courier/filters/{NAME}", f"/etc/courier/filters/active/{NAME}"])
def test_one_link_switches_a_site(old_site: Courier, site_tree: Path, link: str) -> None:
    switch(old_site, site_tree / tree.PROGRAM, link)
    old_site.log.wait_for(f"generation 1 serves: /etc/courier/{NAME}.conf")
    assert len(wait_family(old_site, 2).everybody) == 5
    # A filter that always raises and one that returns None are skipped, as they were.
    assert send(old_site, name="after").accepted and is_marked(wait_named(old_site, "after"))
    old_site.log.wait_for("ValueError: always")
    assert str(send(old_site, "return '550 no'", name="refused").last) == "550 no"
    assert never_delivered(old_site, "refused")


def test_a_legacy_chain_keeps_its_meaning(old_site: Courier, site_tree: Path) -> None:
    switch(old_site, site_tree / tree.PROGRAM, f"/usr/lib/courier/filters/{NAME}")
    for source in ("raise RuntimeError('oops')", "return None", "return b'550 no'", "return 42", "return ['550 no']"):
        assert send(old_site, source, name="skipped").accepted, source
    for source in ("os.kill(os.getpid(), signal.SIGSEGV)", "sys.exit(1)", "return 'hello'", "os._exit(0)"):
        assert str(send(old_site, source, name="deferred").last) == FAILED, source
    assert send(old_site, "return '5'").last.code == 550
    # `for`: who logs in may send what strangers may not.
    assert old_site.send(EVE, [BOB], sample("exe-attachment")).last.code == 554
    assert old_site.send(BOB, ["alice@mail.test"], sample("exe-attachment"), auth="bob").accepted
    assert old_site.send(EVE, [BOB], sample("clean")).accepted
    old_site.log.wait_for(f"{NAME} attachments reject,from=<{EVE}>,addr=<{BOB}>: 554 ")
    old_site.log.wait_for(r"CPU TIME ACCOUNTING: \S+ processed with ")
    assert never_delivered(old_site, "deferred")
    delivered = [*old_site.messages("bob"), *old_site.messages("alice")]
    assert len(delivered) == 1 + 5 + 1 + 1  # before, skipped, by login, clean
    assert sum(map(is_marked, delivered)) == 7


def test_the_way_back_is_the_same_link(old_site: Courier, site_tree: Path) -> None:
    link = f"/usr/lib/courier/filters/{NAME}"
    switch(old_site, site_tree / tree.PROGRAM, link)
    assert send(old_site, "return '550 no'").last.code == 550
    old_site.install_filter("old", STUB, start=False)
    switch(old_site, Path("/usr/lib/courier/filters/old"), link)
    assert send(old_site, "return '550 no'", name="back").accepted  # the stand-in accepts all
    assert not is_marked(wait_named(old_site, "back"))


def test_yaml_wins_over_a_legacy_file(courier: Courier) -> None:
    courier.configure(f"{NAME}.conf", "absent\n")
    courier.configure(f"{NAME}.yaml", "filters: []\n")
    install_program(courier)
    courier.start()
    courier.log.wait_for(f"generation 1 serves: /etc/courier/{NAME}.yaml")
    assert courier.send(EVE, [BOB], told()).accepted
