"""The control socket and pythonfilterctl: every command, as an administrator sees it.

Shown with the installed programs. Who may ask, and clients that do not behave: test_control_clients.py.
"""
from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support.ctl import FAILED, LIMIT, NO_SERVER, OK, USAGE, Ctl
from support.gate import GATE, Gate, wait_until_read
from support.server import Server
from support.wait import wait_until

VERSION = "def do_filter(body, controls):\n    return '550 version {number}'\n"
PAUSED = b"451 4.3.2 Mail filters are paused, please try again later\n"
TWO_WORKERS = "pools: {default: {workers: 2}}\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(filters={"gate": GATE}, config=TWO_WORKERS) as server:
        yield server


def test_status_tells_of_idle_workers(server: Server) -> None:
    ctl = Ctl(server)
    done = ctl.run("status")
    assert done.returncode == OK, done.stderr
    assert done.stdout.startswith("serving since ") and "default/2" in done.stdout
    status = ctl.status()
    assert status["state"] == "serving" and status["generation"] == 1 and status["problems"] == []
    assert status["pid"] == server.master_pid() and status["config_file"] == str(server.config_path)
    assert status["queue"] == {"waiting": 0, "limit": 1000} and status["messages_in_work"] == 0
    assert [pool["name"] for pool in status["pools"]] == ["default"]
    workers = ctl.workers()
    assert [worker["label"] for worker in workers] == ["default/1", "default/2"]
    assert {worker["pid"] for worker in workers} == set(server.worker_pids())
    assert all(worker["state"] == "idle" and worker["rss_bytes"] > 1 << 20 for worker in workers)


def test_status_tells_what_a_worker_does_and_for_whom(server: Server) -> None:
    ctl, gate = Ctl(server), Gate(server)
    with ExitStack() as stack:
        clients = [stack.enter_context(server.send(gate.message())) for _ in range(3)]
        gate.wait_for_held(2)
        wait_until_read(server)
        status = ctl.status()
        assert status["messages_in_work"] == 3 and status["queue"]["waiting"] == status["pools"][0]["waiting"] == 1
        for worker in status["pools"][0]["workers"]:
            assert worker["state"] == "busy" and worker["filter"] == "gate" and worker["state_seconds"] > 0
            assert worker["message_id"] != ""
        gate.open()
        for client in clients:
            assert client.read_reply() == b"200 Ok\n"
    assert sum(worker["served"] for worker in ctl.workers()) == 3


def test_status_tells_of_a_worker_that_died() -> None:
    crash = "import os, signal\ndef do_filter(body, controls):\n    os.kill(os.getpid(), signal.SIGSEGV)\n"
    with Server(filters={"crash": crash}, config="pools: {default: {workers: 1}}\n") as server:
        assert server.ask().startswith(b"451 ")
        ctl = Ctl(server)
        worker = ctl.workers()[0]
        assert worker["restarts"] == 1 and "SIGSEGV" in worker["last_failure"]["text"]
        stats = ctl.result("stats")
        assert stats["deferred"] == 1 and stats["policy_uses"] == {"crash": {"defer": 1}}
        [crash_stats] = ctl.result("filters")
        assert crash_stats["name"] == "crash" and crash_stats["crashes"] == 1 and crash_stats["runs"] == 0
        assert "SIGSEGV" in ctl.run("status").stdout


def test_stats_and_filters_count_what_was_decided(server: Server) -> None:
    ctl = Ctl(server)
    for verdict in ("", "", "550 no", "451 later", "200 yes"):
        server.ask(f"Verdict: {verdict}\n\nbody\n".encode())
    stats = ctl.result("stats")
    assert (stats["accepted"], stats["deferred"], stats["rejected"]) == (3, 1, 1)
    [gate] = ctl.result("filters")
    assert gate["name"] == "gate" and gate["runs"] == 5
    assert (gate["accepted"], gate["deferred"], gate["rejected"]) == (1, 1, 1)
    assert 0 < gate["p50_ms"] <= gate["p99_ms"] and gate["mean_ms"] > 0
    assert "accepted" in ctl.run("stats").stdout and "gate" in ctl.run("filters").stdout


def test_reload_returns_when_the_new_generation_serves() -> None:
    with Server(filters={"which": VERSION.format(number=1)}) as server:
        ctl = Ctl(server)
        server.write_filter("which", VERSION.format(number=2))
        assert ctl.result("reload") == {"generation": 2}
        assert server.ask() == b"550 version 2\n"
        assert ctl.status()["last_reload"]["result"] == "serves"


def test_reload_tells_why_it_was_given_up(server: Server) -> None:
    ctl = Ctl(server)
    server.write_filter("gate", "import no_such_module\n")
    done = ctl.run("reload")
    assert done.returncode == FAILED and "no_such_module" in done.stderr
    status = ctl.status()
    assert status["generation"] == 1 and status["last_reload"]["result"] == "given up"
    assert server.ask() == b"200 Ok\n"
    server.write_config("pools: {default: {wokers: 1}}\n", ["gate"])
    done = ctl.run("--socket", str(ctl.control_path), "reload")
    assert done.returncode == FAILED and "wokers" in done.stderr
    done = ctl.run("--json", "reload")
    assert done.returncode == FAILED and "wokers" in json.loads(done.stdout)["error"]


def test_reloads_at_the_same_time_are_all_answered(server: Server) -> None:
    ctl = Ctl(server)
    started = [ctl.start("reload") for _ in range(4)]
    server.signal(signal.SIGHUP)
    for process in started:
        process.communicate(timeout=LIMIT)
        assert process.returncode == OK


def test_drain_defers_new_messages_and_waits_for_the_others(server: Server) -> None:
    ctl, gate = Ctl(server), Gate(server)
    with server.send(gate.message("550 held")) as held:
        gate.wait_for_held(1)
        drain = ctl.start("drain")
        wait_until("the state", lambda: ctl.status()["state"] == "draining")
        assert server.ask() == PAUSED
        assert drain.poll() is None
        gate.open()
        assert held.read_reply() == b"550 held\n"
        assert drain.communicate(timeout=LIMIT) == ("", "") and drain.returncode == OK
    assert ctl.run("status").returncode == FAILED  # it runs, but not all is well
    assert ctl.run("resume").returncode == OK
    assert server.ask() == b"200 Ok\n"
    assert ctl.run("status").returncode == OK


def test_recycle_replaces_every_worker_once(server: Server) -> None:
    ctl = Ctl(server)
    before = set(server.worker_pids())
    assert ctl.run("recycle", "no_such_pool").returncode == FAILED
    assert ctl.run("recycle", "default").returncode == OK
    wait_until("fresh workers", lambda: len(server.worker_pids()) == 2 and not before & set(server.worker_pids()))
    fresh = set(server.worker_pids())
    assert server.ask() == b"200 Ok\n"
    assert set(server.worker_pids()) == fresh
    assert all(worker["restarts"] == 0 or not worker["last_failure"]["text"] for worker in ctl.workers())


def test_log_level_leaves_out_what_is_below(server: Server) -> None:
    ctl = Ctl(server)
    assert ctl.run("log-level", "loud").returncode == USAGE
    assert ctl.run("log-level").returncode == USAGE
    assert ctl.run("log-level", "warning").returncode == OK
    seen = len(server.log_lines())
    server.ask(b"Verdict: 550 unseen\n\nbody\n")
    assert ctl.run("log-level", "info").returncode == OK
    server.ask(b"Verdict: 550 seen\n\nbody\n")
    server.wait_for_log("550 seen", after=seen)
    assert not [line for line in server.log_lines()[seen:] if "unseen" in line]


@pytest.mark.parametrize("mode", ["courierfilter", "foreground"])
def test_stop_returns_when_the_server_has_stopped(mode: str) -> None:
    with Server(mode=mode, filters={"gate": GATE}) as server:
        ctl = Ctl(server)
        wait_until("the control socket", ctl.control_path.is_socket)  # mail is taken a moment before
        done = ctl.run("stop")
        assert done.returncode == OK, done.stderr
        assert server.wait_exit() == 0
        assert not ctl.control_path.exists() and not ctl.monitor_path.exists()
        assert server.socket_path.exists()  # on_stop: defer
        assert ctl.run("status").returncode == NO_SERVER


def test_a_server_that_was_killed_leaves_sockets_that_the_next_one_replaces(server: Server) -> None:
    ctl = Ctl(server)
    before = server.master_pid()
    os.kill(before, signal.SIGKILL)
    wait_until("another master", lambda: server.master_pid() not in (0, before))
    wait_until("its status", lambda: ctl.run("status").returncode == OK)
    assert ctl.status()["pid"] == server.master_pid()


def test_the_same_look_up_as_that_of_the_server_finds_the_socket(server: Server) -> None:
    ctl = Ctl(server)
    link = server.base / "pythonfilterctl"
    link.symlink_to(ctl.program)
    done = subprocess.run([str(link), "status"], env=ctl.environment(), capture_output=True, text=True, timeout=LIMIT,
                          check=False)
    assert done.returncode == OK, done.stderr


def test_help_names_every_command_and_a_wrong_one_is_an_error(server: Server) -> None:
    ctl = Ctl(server)
    text = ctl.run("--help").stdout
    for command in ("status", "stats", "filters", "reload", "drain", "resume", "stop", "recycle", "log-level",
                    "top", "doctor", "completion"):
        assert f"\n  {command} " in text
    assert ctl.run("no-such-command").returncode == USAGE
    assert ctl.run().returncode == USAGE


def test_top_shows_the_status_until_it_is_ended(server: Server) -> None:
    with Ctl(server).start("top") as top:
        assert top.stdout is not None
        assert top.stdout.readline().startswith("serving since ")
        while not top.stdout.readline().startswith("serving since "):
            pass
        top.terminate()


@pytest.mark.parametrize(("words", "completed"), [
    (["pythonfilterctl", "re"], ["reload", "resume", "recycle"]),
    (["pythonfilterctl", "--json", "stat"], ["status", "stats"]),
    (["pythonfilterctl", "log-level", "w"], ["warning"]),
    (["pythonfilterctl", "status", "--js"], ["--json"]),
])
def test_bash_completes_commands_and_words(server: Server, words: list[str], completed: list[str]) -> None:
    script = Ctl(server).run("completion").stdout
    script += f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _pythonfilterctl\n"
    script += "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=LIMIT, check=True)
    assert sorted(done.stdout.split()) == sorted(completed)


def findings(ctl: Ctl) -> tuple[int, dict[str, list[str]], str]:
    """Exit status, texts by level, and what Courier answers."""
    done = ctl.run("--json", "doctor")
    said = json.loads(done.stdout)
    texts: dict[str, list[str]] = {"good": [], "warning": [], "error": []}
    for finding in said["findings"]:
        texts[finding["level"]].append(finding["text"])
        assert (finding["level"] == "good") == (finding["mend"] == "")
    return done.returncode, texts, said["courier_answers"]


def test_doctor_finds_what_is_wrong_and_what_courier_would_answer(server: Server) -> None:
    ctl = Ctl(server)
    enablefiltering = server.etc / "enablefiltering"
    enablefiltering.write_text("esmtp local\n")
    status, texts, answer = findings(ctl)
    assert texts["error"] == [] and status == OK and answer == "what the filters say"
    assert any("filters/active" in text for text in texts["warning"])
    enablefiltering.write_text("esmtp,local\n")
    status, texts, answer = findings(ctl)
    assert status == FAILED and any("esmtp,local" in text for text in texts["error"])
    assert answer == "mail by SMTP passes unfiltered"
    enablefiltering.write_text("esmtp\n")
    stale = server.spool.path / "filters" / "another"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(stale))
    status, texts, answer = findings(ctl)
    assert status == FAILED and any("another" in text for text in texts["error"]) and answer.startswith("432 ")
    stale.unlink()
    ctl.run("drain")
    status, texts, answer = findings(ctl)
    assert status == FAILED and any("drained" in text for text in texts["error"]) and answer.startswith("451 ")
    assert "mend: pythonfilterctl resume" in ctl.run("doctor").stdout
    server.stop()
    status, texts, answer = findings(ctl)
    assert status == FAILED and answer.startswith("432 ")
    server.socket_path.unlink()
    status, texts, answer = findings(ctl)
    assert status == FAILED and answer.startswith("mail passes unfiltered")
    server.write_raw_config("filters: [gate\n")
    status, texts, answer = findings(ctl)
    assert status == FAILED and any(str(server.config_path) in text for text in texts["error"])


def test_a_stranger_at_the_socket_does_not_steer_the_terminal(server: Server) -> None:
    ctl, path = Ctl(server), server.base / "stranger"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.settimeout(LIMIT)
        with ctl.start("--socket", str(path), "metrics") as asking:
            client, _ = listening.accept()
            with client:
                client.settimeout(LIMIT)
                assert b"metrics" in client.recv(4096)
                client.sendall(b'{"ok": true, "result": {"text": "\\u001b[2Jcleared\\n"}}\n')
            assert asking.communicate(timeout=LIMIT) == ("?[2Jcleared\n", "")
