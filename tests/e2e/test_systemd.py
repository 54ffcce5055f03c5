"""The server as a service of Debian's systemd, which runs as process 1 of a booted copy of this machine, with Courier.

Everywhere the same promise: the socket is never missing, no message passes unfiltered, and none is lost.
"""
from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.booted import NAME, Booted
from support.mta_server import BOB, EVE, STANDARD, told
from support.traffic import Traffic
from support.wait import wait_until

CONFIG = "server: {supervisor: systemd}\npools: {default: {workers: 2}}\nfilters: [mark, told]\n"
UNIT = f"/lib/systemd/system/{NAME}.service"


@pytest.fixture(scope="module")
def machine(courier_possible: None) -> Iterator[Booted]:
    with Booted(filters=STANDARD, config=CONFIG) as booted:
        booted.systemctl("start", NAME)
        booted.start_courier()
        yield booted


@pytest.fixture
def service(machine: Booted) -> Iterator[Booted]:
    """The machine, with the service running before and after the test."""
    machine.systemctl("start", NAME)
    yield machine
    machine.systemctl("reset-failed", NAME)
    machine.systemctl("start", NAME)


@contextmanager
def configured(machine: Booted, text: str) -> Iterator[None]:
    """Another configuration for a while."""
    path = machine.path(f"/etc/courier/{NAME}.yaml")
    good = path.read_text()
    path.write_text(text)
    try:
        yield
    finally:
        path.write_text(good)


def test_it_is_ready_when_systemd_says_so(service: Booted) -> None:
    assert service.unit_property("ActiveState") == "active" and service.unit_property("SubState") == "running"
    status = service.unit_property("StatusText")
    assert re.fullmatch(r"\d+ messages in work, \d+ accepted, \d+ deferred, \d+ rejected", status)
    assert service.unit_property("NFileDescriptorStore") == "1"
    with Traffic(service, "ready") as traffic:
        traffic.wait_for(4)
    traffic.check(refusals=None)


def test_courierfilter_has_a_process_that_only_waits(service: Booted) -> None:
    courierfilter = service.unit_property("MainPID", "courierfilter")
    children = service.run("pgrep", "--parent", courierfilter, "--exact", NAME).stdout
    assert len(children.split()) == 1
    assert service.run("pgrep", "--parent", children.strip(), check=False).stdout == ""


def test_nothing_of_systemd_is_in_the_environment_of_filters(service: Booted) -> None:
    source = ("names = [name for name in os.environ if name[:6] in ('NOTIFY', 'LISTEN', 'WATCHD')]\n"
              "return '550 ' + ','.join(names) + '.'")
    assert str(service.send(EVE, [BOB], told(source, name="environment")).last).endswith("550 .")


def test_a_reload_puts_the_configuration_in_force(service: Booted) -> None:
    with Traffic(service, "reload") as traffic:
        service.systemctl("reload", NAME)  # returns when the new workers serve
        # The server has written it by now; journald reads when it likes.
        wait_until("the line", lambda: re.search("generation [2-9][0-9]* serves", service.journal()), 10.0)
        traffic.wait_for(8)
    traffic.check(refusals=None)


def test_a_reload_that_fails_says_so_and_changes_nothing(service: Booted) -> None:
    with configured(service, "filters: [mark, no_such_filter]\n"):
        assert service.run("systemctl", "reload", NAME, check=False).returncode != 0
        assert "no_such_filter" in service.journal()
        assert service.unit_property("ActiveState") == "active"
        assert str(service.send(EVE, [BOB], told(name="unharmed")).last).startswith("250 ")


def test_a_restart_keeps_the_socket_and_refuses_nobody(service: Booted) -> None:
    before = service.socket_path.stat().st_ino
    with Traffic(service, "restart") as traffic:
        for _ in range(3):
            service.systemctl("restart", NAME)
            traffic.wait_for(8)
    assert service.socket_path.stat().st_ino == before
    traffic.check(refusals=None)


def test_after_a_crash_it_is_started_again(service: Booted) -> None:
    restarts = int(service.unit_property("NRestarts"))
    with Traffic(service, "crash") as traffic:
        os.kill(service.main_pid(), signal.SIGKILL)
        wait_until("the restart", lambda: int(service.unit_property("NRestarts")) > restarts, 20.0)
        wait_until("the service", lambda: service.unit_property("ActiveState") == "active", 20.0)
        traffic.wait_for(8)
    traffic.check(refusals="432 ")


def test_a_server_that_stands_still_is_restarted(service: Booted) -> None:
    drop_in = service.path(f"/run/systemd/system/{NAME}.service.d/watchdog.conf")
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("[Service]\nWatchdogSec=2s\n")
    service.systemctl("daemon-reload")
    service.systemctl("restart", NAME)
    restarts = int(service.unit_property("NRestarts"))
    try:
        with Traffic(service, "watchdog") as traffic:
            os.kill(service.main_pid(), signal.SIGSTOP)
            wait_until("the watchdog", lambda: int(service.unit_property("NRestarts")) > restarts, 30.0)
            wait_until("the service", lambda: service.unit_property("ActiveState") == "active", 20.0)
            traffic.wait_for(8)
        traffic.check(refusals="432 ")
        assert "Watchdog timeout" in service.journal()
    finally:
        drop_in.unlink()
        service.systemctl("daemon-reload")
        service.systemctl("restart", NAME)


def test_while_it_is_stopped_mail_waits_at_the_sender(service: Booted) -> None:
    service.systemctl("stop", NAME)
    with Traffic(service, "stopped") as traffic:
        assert service.unit_property("ActiveState") == "inactive"
        assert all(answer.startswith("432 ") for answer in traffic.answers.values())
        service.systemctl("start", NAME)
        traffic.wait_for(8)
    traffic.check(refusals="432 ")


def test_a_configuration_that_cannot_be_used_is_not_tried_again_and_again(service: Booted) -> None:
    with configured(service, "filters: [mark\n"):
        assert service.run("systemctl", "restart", NAME, check=False).returncode != 0
        assert service.unit_property("ActiveState") == "failed" and service.unit_property("ExecMainStatus") == "78"
        assert str(service.send(EVE, [BOB], told(name="misconfigured")).last).startswith("432 ")
        assert f"{NAME}.yaml:2:" in service.journal()


def test_what_courierfilter_does_leaves_the_service_alone(service: Booted) -> None:
    """`courierfilter restart` and `filterctl start` clear away the sockets of filters that are not linked as active."""
    service.run("ln", "-sf", "/usr/lib/courier/filters/perlfilter", "/usr/lib/courier/filters/other")
    pid = service.unit_property("MainPID")
    with Traffic(service, "courierfilter") as traffic:
        service.run("courierfilter", "restart")
        service.run("filterctl", "start", "other", check=False)
        service.run("filterctl", "stop", "other", check=False)
        traffic.wait_for(8)
        service.systemctl("restart", "courierfilter")
        wait_until("esmtpd", lambda: service.unit_property("ActiveState", "courier-mta") == "active", 30.0)
    assert service.unit_property("MainPID") == pid
    assert service.socket_path.is_socket()
    assert str(service.send(EVE, [BOB], told(name="after")).last).startswith("250 ")


def test_at_boot_it_comes_before_courierfilter(service: Booted) -> None:
    service.systemctl("enable", NAME, "courier-mta", "courierfilter")
    service.systemctl("stop", "courier-mta", "courierfilter", "courier", NAME)
    service.socket_path.unlink()
    service.systemctl("start", "multi-user.target")  # all in one transaction, as at boot
    ready = int(service.unit_property("ActiveEnterTimestampMonotonic"))
    assert 0 < ready <= int(service.unit_property("ExecMainStartTimestampMonotonic", "courierfilter"))
    wait_until("a message", lambda: str(service.send(EVE, [BOB], told(name="boot")).last).startswith("250 "), 20.0)


def test_the_mail_user_may_ask_at_the_control_socket_and_a_filter_may_not(service: Booted) -> None:
    """Also where the unit hides other users' processes."""
    asked = service.run("runuser", "-u", "courier", "--", "pythonfilterctl", "status", check=False)
    assert asked.returncode == 0, asked.stdout + asked.stderr
    source = ("import subprocess\n"
              "done = subprocess.run(['/usr/sbin/pythonfilterctl', 'status'], capture_output=True)\n"
              "return '550 %d' % done.returncode")
    assert str(service.send(EVE, [BOB], told(source, name="asks")).last) == "550 77"


def test_the_journal_gets_fields(service: Booted) -> None:
    service.send(EVE, [BOB], told("sys.stderr.write('printed\\n')\nreturn '550 5.7.1 told'", name="fields"))

    def entries(**wanted: str) -> list[dict[str, str]]:
        printed = service.run("journalctl", "--unit", NAME, "--output", "json", "--no-pager").stdout
        found = [json.loads(line) for line in printed.splitlines()]
        return [entry for entry in found if wanted.items() <= entry.items()]

    def lines() -> list[dict[str, str]]:
        return [entry for entry in entries(PYTHONFILTER_FILTER="told") if entry["MESSAGE"].endswith("] printed")]

    wait_until("what the filter printed", lines)
    message = {name: lines()[0][f"PYTHONFILTER_{name}"] for name in ("MESSAGE_ID", "WORKER", "POOL")}
    assert message["POOL"] == "default" and message["WORKER"].startswith("default/")
    wanted = {f"PYTHONFILTER_{name}": value for name, value in message.items()}
    wanted |= {"PYTHONFILTER_VERDICT": "reject", "PYTHONFILTER_FILTER": "told", "PRIORITY": "6",
               "SYSLOG_IDENTIFIER": NAME}
    wait_until("the message", lambda: any(entry["MESSAGE"].startswith("message id=") for entry in entries(**wanted)))


def test_doctor_knows_the_service(service: Booted) -> None:
    found = service.run("pythonfilterctl", "doctor", check=False).stdout
    assert f"good     {NAME}.service is active" in found and "systemd keeps the socket" in found
    with configured(service, CONFIG.replace("systemd", "auto")):
        found = service.run("pythonfilterctl", "doctor", check=False).stdout
        assert "error    systemd and courierfilter both start this server" in found
        assert f"mend: systemctl disable --now {NAME}" in found


def test_the_unit_is_sound(service: Booted) -> None:
    done = service.run("systemd-analyze", "verify", "--man=no", UNIT)
    assert done.stdout + done.stderr == ""
    score = re.search(r"exposure level for \S+: ([0-9.]+)",
                      service.run("systemd-analyze", "security", "--no-pager", NAME).stdout)
    assert score is not None and float(score.group(1)) <= 2.0
