"""A filter that harms the server itself, with the rights of its user: kills or stops the master, the guardian, its
zygote, its siblings.

The default sandbox keeps it from doing so (test_sandbox.py), so here there is none. What is shown: somebody brings back
what was killed, every message is answered or its client sees the connection end (which Courier answers with 432), and
no message is accepted that the filter refuses.
"""
from __future__ import annotations

import signal

import pytest
from bench.load import RIGHT, Load, run_load
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.spool import Message
from support.wait import wait_until

CLIENTS = 16
CONFIG = "pools: {default: {workers: 4, timeout: 1s, sandbox: off}}\n"
PARENTS = """
import os, signal
def parent(pid): return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
zygote = os.getppid()
master = parent(zygote)
guardian = parent(master)
siblings = [int(pid) for pid in open(f"/proc/{zygote}/task/{zygote}/children").read().split()]
"""
DEEDS = {
    "kills the master": "os.kill(master, signal.SIGKILL)",
    "terminates the master": "os.kill(master, signal.SIGTERM)",
    "kills the master and its zygote": "os.kill(master, signal.SIGKILL)\nos.kill(zygote, signal.SIGKILL)",
    "kills its zygote": "os.kill(zygote, signal.SIGKILL)",
    "stops its zygote": "os.kill(zygote, signal.SIGSTOP)",
    "kills its siblings": "for pid in siblings:\n    if pid != os.getpid(): os.kill(pid, signal.SIGKILL)",
    "stops its siblings": "for pid in siblings:\n    if pid != os.getpid(): os.kill(pid, signal.SIGSTOP)",
}
LOSES_CLIENTS = {"kills the master", "kills the master and its zygote", "terminates the master"}
ALLOWED = tuple(f"451 4.3.{text}, please try again later" for text in (
    "0 Mail filter failed", "0 Mail filters are starting", "2 Mail filters are stopping"))


@pytest.mark.parametrize("deed", DEEDS)
def test_no_message_is_accepted_unfiltered(deed: str) -> None:
    with Server(filters={"script": SCRIPT_FILTER}, config=CONFIG) as server:
        verdicts = [f"550 ordinary {number}" for number in range(CLIENTS)]
        messages = [server.spool.message(script(f"reply = {verdict!r}")) for verdict in verdicts]
        with Load(server.socket_path, messages, clients=CLIENTS, seconds=1.5, replies=verdicts,
                  allowed=ALLOWED) as load:
            hostile = server.spool.message(script(PARENTS + DEEDS[deed] + "\nreply = '250 done'"))
            assert server.ask_message(hostile) in (b"", b"250 done\n", *(f"{text}\n".encode() for text in ALLOWED))
            result = load.finish()
        assert not result.wrong and not result.malformed and not result.timeouts and RIGHT in result.replies
        if deed not in LOSES_CLIENTS:
            assert result.eof == result.refused == 0
        wait_until("every verdict right again", lambda: rights(server, messages, verdicts), 15)
        assert server.stop() == 0


def rights(server: Server, messages: list[Message], verdicts: list[str]) -> bool:
    result = run_load(server.socket_path, messages, clients=CLIENTS, count=10 * CLIENTS)
    return set(result.replies) == set(verdicts) and not result.unanswered


def test_a_stopped_master_is_told_to_go_on() -> None:
    with Server(filters={"script": SCRIPT_FILTER}, config=CONFIG) as server:
        for _ in range(3):
            after, pid = server.log_mark(), server.master_pid()
            assert server.ask(script(PARENTS + "os.kill(master, signal.SIGSTOP)\nreply = '550 done'")) == b"550 done\n"
            server.wait_for_log("the master was stopped by a signal; it is told to go on", after=after)
            assert server.ask(script("reply = '550 next'")) == b"550 next\n" and server.master_pid() == pid


def test_without_its_guardian_the_master_goes_on() -> None:
    with Server(filters={"script": SCRIPT_FILTER}, config=CONFIG) as server:
        assert server.ask(script(PARENTS + "os.kill(guardian, signal.SIGKILL)\nreply = '550 done'")) == b"550 done\n"
        assert server.wait_exit() == -signal.SIGKILL
        assert [server.ask(script(f"reply = '550 {n}'")) for n in range(8)] == [b"550 %d\n" % n for n in range(8)]


@pytest.mark.parametrize("deed", DEEDS)
def test_the_default_sandbox_denies_it(deed: str) -> None:
    with Server(filters={"script": SCRIPT_FILTER}, config=CONFIG.replace(", sandbox: off", "")) as server:
        before = server.master_pid(), server.zygote_pids(), server.worker_pids()
        deed = "\n    ".join(f"{PARENTS}\n{DEEDS[deed]}".splitlines())
        text = f"try:\n    {deed}\n    reply = '250 done'\nexcept PermissionError:\n    reply = '550 denied'"
        assert server.ask(script(text)) == b"550 denied\n"
        assert (server.master_pid(), server.zygote_pids(), server.worker_pids()) == before
