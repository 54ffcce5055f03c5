"""The Debian package on a clean Debian 12 with a running Courier: installed, put to use, upgraded, removed, purged.

Everywhere the same promise: mail flows, none passes unfiltered while the filter is in use, and none is lost.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.booted import NAME, Booted
from support.clean_tree import clean_tree, libraries
from support.mta_server import BOB, EVE, MARK, STANDARD, STANDARD_CHAIN, names_of, told
from support.traffic import Traffic
from support.tree import CHECKOUT
from support.wait import wait_until

pytestmark = pytest.mark.full
PROGRAM = "/usr/sbin/pythonfilter"
SITE = f"filter_path: [/etc/courier/{NAME}.d]\n{STANDARD_CHAIN}"
BUILD_LIMIT = 600.0  # seconds


class Packages:
    """The package of this checkout, and the same with a higher version."""

    def __init__(self, place: Path) -> None:
        into = Path(os.environ.get("PYTHONFILTER_ROOT") or CHECKOUT / "build/root").resolve().parent
        done = subprocess.run(["dev/package", "--into", str(into)], cwd=CHECKOUT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD_LIMIT,
                              env={**os.environ, "DEB_BUILD_OPTIONS": "noautodbgsym"})
        assert done.returncode == 0, done.stdout
        self.first = Path(done.stdout.splitlines()[-1].removeprefix("dev/package: "))
        self.second = self._raise_version(place)

    def _raise_version(self, place: Path) -> Path:
        content = place / "content"
        subprocess.run(["dpkg-deb", "--raw-extract", self.first, content], check=True)
        control = content / "DEBIAN/control"
        version = next(line for line in control.read_text().splitlines() if line.startswith("Version: "))
        control.write_text(control.read_text().replace(version, version + ".1"))
        second = place / "second.deb"
        subprocess.run(["dpkg-deb", "-Znone", "--build", content, second], check=True, stdout=subprocess.DEVNULL)
        return second


class Background:
    """A function that runs while the test does something else."""

    def __init__(self, function: Callable[[], Path]) -> None:
        self._function = function
        self._result: Path | BaseException = RuntimeError("it has not run")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:  # for whoever asks for the result
            self._result = error

    def result(self) -> Path:
        self._thread.join()
        if isinstance(self._result, BaseException):
            raise self._result
        return self._result


@pytest.fixture(scope="module")
def made(courier_possible: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Packages]:
    """The clean tree and the packages, made side by side: one waits for the network, the other computes."""
    needed = libraries()
    tree = Background(lambda: clean_tree(needed))
    packages = Packages(tmp_path_factory.mktemp("packages"))
    return tree.result(), packages


@pytest.fixture
def packages(made: tuple[Path, Packages]) -> Packages:
    return made[1]


@pytest.fixture
def machine(made: tuple[Path, Packages]) -> Iterator[Booted]:
    """A clean machine on which Courier runs."""
    with Booted(machine=made[0]) as booted:
        booted.start_courier()
        yield booted


def install(machine: Booted, package: Path) -> str:
    """Returns what was printed."""
    shutil.copyfile(package, machine.path("/run/pythonfilter.deb"))
    return machine.run("dpkg", "--install", "/run/pythonfilter.deb").stdout


def write_site(machine: Booted, config: str = SITE) -> None:
    """The filters and the configuration of a site."""
    for name, source in STANDARD.items():
        machine.path(f"/etc/courier/{NAME}.d/{name}.py").write_text(source)
    machine.path(f"/etc/courier/{NAME}.yaml").write_text(config)


def put_to_use(machine: Booted, supervisor: str) -> None:
    write_site(machine, f"server: {{supervisor: {supervisor}}}\n{SITE}")
    if supervisor == "systemd":
        machine.systemctl("enable", "--now", NAME)
    machine.run("filterctl", "start", NAME)
    wait_until("the filter", lambda: is_filtered(machine), 30.0)


def deliver(machine: Booted, name: str) -> bytes:
    """Sends a message and returns it as it arrives."""
    assert str(machine.send(EVE, [BOB], told(name=name)).last).startswith("250 ")

    def arrived() -> list[bytes]:
        return [message for message in machine.messages("bob") if names_of([message]) == [name]]

    wait_until(f"the message {name}", arrived, 30.0)
    return arrived()[0]


def is_filtered(machine: Booted) -> bool:
    is_filtered.count += 1
    return MARK.encode() in deliver(machine, f"probe-{is_filtered.count}")


is_filtered.count = 0


def test_an_install_changes_nothing_until_the_administrator_says_so(machine: Booted, packages: Packages) -> None:
    printed = install(machine, packages.first)
    assert "`filterctl start pythonfilter`" in printed
    assert not machine.socket_path.exists()
    assert machine.run("systemctl", "is-enabled", NAME, check=False).stdout.strip() == "disabled"
    assert not is_filtered(machine)
    machine.run("filterctl", "start", NAME)  # with the configuration that came with the package
    wait_until("the socket", machine.socket_path.is_socket, 30.0)
    assert not is_filtered(machine)
    write_site(machine)
    machine.run("pythonfilterctl", "reload")
    assert is_filtered(machine)


@pytest.mark.parametrize("supervisor", ["auto", "systemd"])
def test_an_upgrade_replaces_every_process_and_refuses_nobody(machine: Booted, packages: Packages,
                                                              supervisor: str) -> None:
    install(machine, packages.first)
    put_to_use(machine, supervisor)
    before = machine.socket_path.stat().st_ino
    with Traffic(machine, "upgrade") as traffic:
        printed = install(machine, packages.second)
        traffic.wait_for(8)
    traffic.check(refusals=None)
    assert "still runs the old program" not in printed
    assert machine.socket_path.stat().st_ino == before
    programs = machine.run("sh", "-c", f"for p in $(pidof {NAME}); do "
                                       f"[ /proc/$p/exe -ef {PROGRAM} ] && echo new || echo old; done").stdout.split()
    # Guardian and master; the service, and what courierfilter started beside it, which serves nobody.
    assert sorted(programs) == (["new", "old"] if supervisor == "systemd" else ["new", "new"])


def test_an_upgrade_that_cannot_use_the_configuration_leaves_the_old_server(machine: Booted,
                                                                            packages: Packages) -> None:
    install(machine, packages.first)
    put_to_use(machine, "systemd")
    pid = machine.unit_property("MainPID")
    write_site(machine, "filters: [mark\n")
    assert "so the old one goes on" in install(machine, packages.second)
    assert machine.unit_property("MainPID") == pid
    assert is_filtered(machine)


@pytest.mark.parametrize("supervisor", ["auto", "systemd"])
def test_after_remove_and_purge_mail_flows_and_nothing_is_left(machine: Booted, packages: Packages,
                                                               supervisor: str) -> None:
    before = files(machine)
    install(machine, packages.first)
    put_to_use(machine, supervisor)
    with Traffic(machine, "remove") as traffic:
        printed = machine.run("dpkg", "--remove", NAME).stdout
        traffic.wait_for(8)
    traffic.check(refusals="4[35]", filtered=False)
    assert "mail passes without the filter pythonfilter" in printed
    assert not is_filtered(machine)
    assert machine.path(f"/etc/courier/{NAME}.yaml").exists()
    shutil.rmtree(machine.path(f"/etc/courier/{NAME}.d"))  # the site's own
    machine.run("dpkg", "--purge", NAME)
    assert files(machine) - before == set()
    machine.systemctl("restart", "courierfilter", "courier-mta")
    wait_until("esmtpd", lambda: machine.unit_property("ActiveState", "courier-mta") == "active", 30.0)
    assert not is_filtered(machine)


def files(machine: Booted) -> set[str]:
    """All files but those of the kernel, the log, the package manager's books and mail."""
    skip = "/proc /sys /dev /run /tmp /var/log /var/tmp /var/lib/dpkg /var/cache /var/lib/courier/tmp".split()
    skip += ["/var/lib/courier/msgs", "/var/lib/courier/msgq", "/var/lib/systemd"]
    pruned = [word for path in skip for word in ("-path", path, "-prune", "-o")]
    return set(machine.run("find", "/", *pruned, "-print").stdout.splitlines())


def test_what_a_site_has_of_the_older_daemon_stays(machine: Booted, packages: Packages) -> None:
    """Its link, and its configuration, which the server reads in the place of its own."""
    machine.run("ln", "-s", "/usr/local/bin/pythonfilter", f"/usr/lib/courier/filters/{NAME}")
    machine.path("/etc/pythonfilter.conf").write_text("log_aliases\n")
    assert "leads to another program" in install(machine, packages.first)
    assert os.readlink(machine.path(f"/usr/lib/courier/filters/{NAME}")) == "/usr/local/bin/pythonfilter"
    assert not machine.path(f"/etc/courier/{NAME}.yaml").exists()
    assert "log_aliases" in machine.run(PROGRAM, "check").stdout
    machine.run("dpkg", "--purge", NAME)
    assert machine.path("/etc/pythonfilter.conf").exists()
    assert os.readlink(machine.path(f"/usr/lib/courier/filters/{NAME}")) == "/usr/local/bin/pythonfilter"
