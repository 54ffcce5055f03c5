"""`pythonfilterctl metrics`: what a monitoring system reads, while the server is under load, and as a file.

The texts are read by Prometheus' own programs: promtool, and the strict parser of its Python library.
"""
from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus
from support.asking import Load
from support.ctl import NO_SERVER, OK, USAGE, Ctl
from support.gate import GATE, Gate
from support.server import Server
from support.wait import wait_until

OTHER = """
import os, signal
def do_filter(body, controls):
    with open(body, encoding='utf-8') as message:
        word = message.readline().partition('Do: ')[2].strip()
    if word == 'crash': os.kill(os.getpid(), signal.SIGKILL)
    if word == 'raise': raise ValueError(word)
    return ''
"""
CONFIG = """
pools:
  default: {workers: 2}
  other: {workers: 1}
filters:
  - gate
  - {filter: other, pool: other}
"""
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(filters={"gate": GATE, "other": OTHER}, config=CONFIG) as server:
        yield server


def samples_of(text: str, *, strict: bool = True) -> Samples:
    """Every sample, by name and labels; the strict parser takes OpenMetrics and nothing else."""
    families = openmetrics(text) if strict else prometheus(text)
    found: Samples = {}
    for family in families:
        assert family.documentation and family.type in ("counter", "gauge", "histogram"), family.name
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples["pythonfilter_" + name, frozenset(labels.items())]


def metrics(ctl: Ctl) -> Samples:
    done = ctl.run("metrics")
    assert done.returncode == OK, done.stderr
    return samples_of(done.stdout)


def promtool(text: str) -> str:
    """What `promtool check metrics` complains of."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False,
                          timeout=60)
    return f"{done.returncode} {done.stdout}{done.stderr}"


def test_under_load_both_formats_are_read_without_a_complaint(server: Server) -> None:
    ctl = Ctl(server)
    with Load(server, 16) as load:
        wait_until("some answers", lambda: len(load.replies) > 100)
        texts = [ctl.run("metrics").stdout for _ in range(5)]
        old_texts = [ctl.run("metrics", "prometheus").stdout for _ in range(5)]
    assert set(load.finish()) == {b"200 Ok\n"}
    for text in texts:
        assert value(samples_of(text), "messages_total", verdict="accept") >= 100 and text.endswith("\n# EOF\n")
    for text in old_texts:
        assert value(samples_of(text, strict=False), "messages_total", verdict="accept") >= 100
        assert promtool(text) == "0 "


def test_the_numbers_are_those_of_what_happened(server: Server) -> None:
    ctl = Ctl(server)
    for text in ("\n\nbody\n", "Verdict: 550 no\n\nbody\n", "Verdict: 451 later\n\nbody\n", "Do: raise\n\nbody\n",
                 "Do: crash\n\nbody\n"):
        server.ask(text.encode())
    with server.connect() as client:
        client.send(b"\n")
        client.read_reply()
    found = metrics(ctl)
    assert value(found, "up") == value(found, "state", state="serving") == 1
    assert [value(found, "messages_total", verdict=each) for each in ("accept", "reject", "defer")] == [1, 1, 3]
    assert value(found, "filter_decisions_total", filter="gate", verdict="reject") == 1
    assert value(found, "filter_failures_total", filter="other", event="error") == 1
    assert value(found, "filter_failures_total", filter="other", event="crash") == 1
    assert value(found, "policy_uses_total", event="crash", action="defer") == 1
    assert value(found, "filter_run_seconds_count", filter="gate") == 5
    assert value(found, "filter_run_seconds_count", filter="other") == 2
    assert value(found, "message_duration_seconds_count") == 5
    assert value(found, "queue_wait_seconds_count", pool="default") >= 5
    assert value(found, "filter_breaker", filter="other", state="closed") == 1
    assert value(found, "connections_total") == 6 and value(found, "connections_without_message_total") == 1
    assert value(found, "worker_ends_total", pool="other") == value(found, "worker_failures_total", pool="other") == 1
    assert value(found, "pool_resident_memory_bytes", pool="default") > 1 << 20
    assert value(found, "reloads_total", result="serves") == 0
    assert value(found, "filter_cpu_seconds_total", filter="gate") > 0


def test_gauges_follow_and_counters_outlive_a_reload(server: Server) -> None:
    ctl, gate = Ctl(server), Gate(server)
    with server.send(gate.message()) as client:
        gate.wait_for_held(1)
        found = metrics(ctl)
        assert value(found, "workers", pool="default", state="busy") == value(found, "messages_in_work") == 1
        assert value(found, "workers", pool="default", state="idle") == 1 and value(found, "open_connections") == 1
        gate.open()
        client.read_reply()
    before = metrics(ctl)
    ctl.result("reload")
    wait_until("the old generation to be gone", lambda: len(ctl.status()["pools"]) == 2)
    after = metrics(ctl)
    assert value(after, "reloads_total", result="serves") == 1 and value(after, "generation") == 2
    assert value(after, "worker_starts_total", pool="default") == 4
    assert value(after, "worker_failures_total", pool="default") == 0
    counters = {key for key in before if key[0].endswith(("_total", "_count", "_bucket"))}
    assert [key for key in counters if after[key] < before[key]] == []


def test_the_file_is_replaced_whole_and_tells_of_a_server_that_is_gone(server: Server) -> None:
    ctl, path = Ctl(server), server.base / "pythonfilter.prom"
    done = ctl.run("metrics", "--into", str(path))
    assert (done.returncode, done.stdout, done.stderr) == (OK, "", "")
    assert value(samples_of(path.read_text(), strict=False), "up") == 1
    assert promtool(path.read_text()) == "0 " and path.stat().st_mode & 0o777 == 0o644
    with path.open() as before:
        assert ctl.run("metrics", "openmetrics", "--into", str(path)).returncode == OK
        assert "# EOF" not in before.read() and path.read_text().endswith("# EOF\n")
    server.stop()
    assert ctl.run("metrics", "--into", str(path)).returncode == NO_SERVER
    assert samples_of(path.read_text(), strict=False) == {("pythonfilter_up", frozenset()): 0}
    assert [each.name for each in server.base.glob("pythonfilter.prom*")] == ["pythonfilter.prom"]
    done = ctl.run("metrics", "--into", str(server.base / "nowhere" / "file"))
    assert "nowhere/file: No such file or directory" in done.stderr
    os.mkfifo(pipe := server.base / "pipe")
    done = ctl.run("metrics", "--into", str(pipe))
    assert "pipe is no regular file: it is not replaced" in done.stderr and pipe.is_fifo()


def test_the_socket_that_only_looks_tells_them_and_another_format_is_refused(server: Server) -> None:
    assert b"pythonfilter_up 1" in Ctl(server).ask(b'{"command": "metrics"}\n', monitor=True)
    assert Ctl(server).run("metrics", "xml").returncode == USAGE
