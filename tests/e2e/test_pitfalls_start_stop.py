"""The pitfalls of a filter's start and stop under a real courierfilter. Each name has the row of the list of pitfalls;
rows 1 and 20 are in test_under_load, row 2's other half too.

Each test fails when the server does the obvious thing instead of the one that Courier needs.
"""
from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import time
from collections import Counter
from pathlib import Path

import pytest
from support.mta import Courier
from support.mta_server import (BOB, FILTERS, NAME, STANDARD, STANDARD_CHAIN, Held, family, install_program,
                                install_server, is_marked, reload_server, send, told, wait_family, wait_named)
from support.processes import descriptors
from support.tree import CHECKOUT
from support.wait import wait_until

STUB = CHECKOUT / "tests" / "support" / "stub_filter.py"
UNAVAILABLE = "451 4.3.0 Mail filters are not available, please try again later"
FAILED = "451 4.3.0 Mail filter failed, please try again later"
UNREADY = """\
def init_filter():
    raise OSError('no database')

def do_filter(body, controls):
    return ''
"""
GOOD = f"filter_path: [{FILTERS}]\n{STANDARD_CHAIN}"


def test_pitfall_02_a_filter_that_hangs_cannot_delay_the_others_stop(courier: Courier) -> None:
    courier.install_filter("other", STUB)
    install_server(courier)
    courier.start()
    held = Held(courier, ["held"])
    held.wait_in_filter()
    begin = time.monotonic()
    courier.courierfilter("stop")  # fails by itself after 15 s
    assert time.monotonic() - begin < 15
    assert held.answer("held")[:1] == "4"
    assert not courier.processes(NAME) and not courier.processes("other")


@pytest.mark.parametrize(("config", "log", "answer"), [
    ("filters: [mark]\nserver: {on_stpo: defer}\n", r"pythonfilter\.yaml:2:\d+: .*on_stpo", UNAVAILABLE),
    ("filters: [mark\n", r"pythonfilter\.yaml:\d+:\d+: ", UNAVAILABLE),
    (f"filter_path: [{FILTERS}]\nfilters: [mark, absent]\n", "filter module absent not found", FAILED),
    (f"filter_path: [{FILTERS}]\nfilters: [mark, broken]\n", "SyntaxError", FAILED),
    (f"filter_path: [{FILTERS}]\nfilters: [mark, unready]\n", "no database", FAILED),
], ids=["unknown key", "no YAML", "no such filter", "import fails", "init fails"])
def test_pitfall_03_a_failed_start_defers_mail(courier: Courier, config: str, log: str, answer: str) -> None:
    filters = {**STANDARD, "broken": "def do_filter(:\n", "unready": UNREADY}
    install_server(courier, filters, config, path=False)
    courier.start()
    courier.log.wait_for(log)
    for _ in range(2):
        assert str(send(courier).last) == answer
    courier.configure(f"{NAME}.yaml", GOOD)
    reload_server(courier)
    assert send(courier, name="mended").accepted and is_marked(wait_named(courier, "mended"))


def test_pitfall_03_without_any_configuration_mail_is_deferred(courier: Courier) -> None:
    install_program(courier)
    courier.start()
    assert str(send(courier).last) == UNAVAILABLE


def test_pitfall_04_start_returns_when_filters_are_ready_and_no_child_delays_it(courier: Courier) -> None:
    slow = ("import subprocess, time\n"
            "def init_filter():\n    time.sleep(1)\n    subprocess.Popen(['/bin/sleep', '600'], close_fds=False)\n"
            "def do_filter(body, controls):\n    return ''\n")
    install_server(courier, {**STANDARD, "slow": slow}, "pools: {default: {workers: 1}}\nfilters: [slow, mark, told]\n")
    begin = time.monotonic()
    courier.start(timeout=20)  # a copy of descriptor 3 in any child would block it
    assert time.monotonic() - begin >= 1
    assert send(courier, name="first").accepted and is_marked(wait_named(courier, "first"))
    assert courier.processes("sleep"), "the filter's child is to be alive"


def kinds(pid: int) -> Counter[str]:
    """What a process has open, without the numbers."""
    return Counter(re.sub(r"\[.*|-\d+-\w+(?=/|$)|(?<=/proc/)\d+", "", target) for target in descriptors(pid).values())


def test_pitfall_04_a_leaked_descriptor_4_is_closed(courier: Courier) -> None:
    """A filter that is started by `filterctl start` gets one pipe more than one that `courierfilter start` starts."""
    install_server(courier)
    courier.start()
    plain = [kinds(process.host_pid) for process in wait_family(courier, 2).everybody]
    courier.filterctl("stop", NAME)
    courier.filterctl("start", NAME)
    courier.install_filter("stub", STUB)  # started the same way, and careless
    courier.wait_for_socket("stub")
    (stub,) = [process for process in courier.filter_processes() if process.named("stub")]
    assert 4 in descriptors(stub.host_pid), "Courier leaks no descriptor 4 any more"

    def held() -> list[Counter[str]]:
        return [kinds(process.host_pid) for process in wait_family(courier, 2).everybody]

    # The guardian closes courierfilter's descriptor 3 when it is ready, a moment after the workers are there.
    wait_until("the same descriptors as before", lambda: held() == plain)


def names_in(mta: Courier) -> set[str]:
    """The names that Courier takes for filters."""
    return {path.name for directory in ("filters", "allfilters") for path in (mta.lib / directory).iterdir()
            if not path.name.startswith(".")}


def test_pitfall_05_only_one_name_is_in_couriers_directories(courier: Courier) -> None:
    install_server(courier)
    courier.start()
    assert names_in(courier) == {NAME}
    reload_server(courier)
    assert send(courier, "return '550 no'").last.code == 550
    assert names_in(courier) == {NAME}
    before = (courier.lib / "allfilters" / NAME).stat().st_ino
    courier.install_filter("other", STUB)  # courierfilter unlinks what it does not know
    courier.wait_for_socket("other")
    assert names_in(courier) == {NAME, "other"}
    assert (courier.lib / "allfilters" / NAME).stat().st_ino == before
    assert send(courier, "return '550 still filtered'").last.text == "still filtered"


def test_pitfall_06_a_dead_socket_in_the_other_directory_is_removed(courier: Courier) -> None:
    dead = courier.lib / "filters" / NAME
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    install_server(courier)
    courier.start()
    assert not dead.exists() and (courier.lib / "allfilters" / NAME).is_socket()
    assert send(courier, name="one").accepted and is_marked(wait_named(courier, "one"))


def test_pitfall_07_local_users_reach_the_socket_whatever_the_umask(courier: Courier) -> None:
    courier.start()
    install_server(courier)
    courier.courierfilter("stop")
    assert courier.run("sh", "-ec", "umask 077; courierfilter start").status == 0
    courier.enable_filtering("esmtp local")
    sent = courier.sendmail(BOB, ["alice@mail.test"], told(name="local"))
    assert sent.status == 0, sent.text
    assert is_marked(wait_named(courier, "local", "alice"))
    path = courier.lib / "allfilters" / NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o660 and (path.owner(), path.group()) == ("courier", "courier")


REPORT = """
import json, locale, tempfile
with tempfile.TemporaryFile() as file:
    file.write(b"x")
names = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "sysconfdir")
os.listdir(os.environ["HOME"])
os.listdir(os.getcwd())
return "550 " + json.dumps({"env": {name: os.environ.get(name) for name in names}, "uid": os.getuid(),
                            "encoding": locale.getpreferredencoding().lower(), "files": sys.getfilesystemencoding(),
                            "tool": os.system("ls / >/dev/null")})
"""


def test_pitfall_08_a_filter_finds_the_environment_that_courierfilter_lacks(courier: Courier) -> None:
    install_server(courier)
    courier.start()
    started_with = Path(f"/proc/{family(courier).guardian.host_pid}/environ").read_bytes().split(b"\0")
    given = {entry.partition(b"=")[0] for entry in started_with}
    assert not given & {b"HOME", b"USER", b"LANG", b"LC_ALL"}, "courierfilter gives more than it used to"
    seen = json.loads(send(courier, REPORT).last.text)
    environment = seen.pop("env")
    uid = int(courier.run("id", "-u", user="courier").text)
    assert seen == {"uid": uid, "encoding": "utf-8", "files": "utf-8", "tool": 0}
    assert all(environment.values()), environment
    assert "/usr/bin" in environment["PATH"].split(":") and environment["sysconfdir"] == "/etc/courier"


def test_pitfall_08_a_configuration_that_only_root_can_read_defers_mail(courier: Courier) -> None:
    install_server(courier)
    file = courier.etc / f"{NAME}.yaml"
    file.chmod(0o600)
    courier.start()
    courier.log.wait_for(r"pythonfilter\.yaml.*[Pp]ermission denied")
    assert str(send(courier).last) == UNAVAILABLE
    file.chmod(0o644)
    os.kill(family(courier).guardian.host_pid, signal.SIGHUP)
    courier.log.wait_for("generation 1 serves")
    assert send(courier, name="mended").accepted and is_marked(wait_named(courier, "mended"))
