"""What comes after a worker or a zygote died: another one, but no storm of them; and the filters that are not to blame.

How long the pauses are is shown by the unit tests of the policies, with a clock of their own.
"""
from __future__ import annotations

import os
import signal

import pytest
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.wait import wait_until

DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"
SAYS = "def do_filter(b, c): return '550 {}'\n"

# Dead about when it is ready, as long as the file is there.
DIES_YOUNG = """\
    import os, threading
    HERE = os.path.dirname(__file__)
    def init_filter():
        if os.path.exists(HERE + "/die"):
            threading.Timer(0.02, os._exit, (9,)).start()
    def do_filter(body_path, control_paths):
        return "550 alive"
    """


def test_workers_that_die_as_soon_as_they_are_ready_make_no_storm() -> None:
    with Server(filters={"young": DIES_YOUNG}, config="pools: {default: {workers: 1}}\n") as server:
        die = server.filter_directory / "die"
        die.touch()
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        server.wait_for_log("worker default/1 ended.*: exit status 9; the next one in 400ms")
        ended = [line for line in server.log_lines() if "worker default/1 ended" in line]
        assert len(ended) <= 8  # five may be replaced at once, the others 100, 200 and 400 ms later
        die.unlink()
        wait_until("a worker that lives", lambda: server.ask() == b"550 alive\n")


def test_a_worker_that_a_message_killed_is_replaced_at_once_each_time() -> None:
    config = "server: {poison: {kills: 0}}\npools: {default: {workers: 1, breaker: {failures: 0}}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as server:
        assert [server.ask(script("import os\nos._exit(3)")) for _ in range(12)] == [DEFERRED] * 12
        assert server.ask(script("reply = '550 alive'")) == b"550 alive\n"
        assert not [line for line in server.log_lines() if "the next one in" in line]


IMPORTS = {
    "ends the process": ("import os\nos._exit(4)\n", "exit status 4"),
    "is killed": ("import os\nos.kill(os.getpid(), 9)\n", r"signal 9 \(SIGKILL\)"),
    "hangs": ("import time\ntime.sleep(600)\n", "imports took longer than start_timeout"),
}
TWO_FILTERS = """
    pools: {default: {workers: 1, start_timeout: 2s}}
    filters: [{filter: broken, failure: {on_unavailable: %s}}, good]
    """


@pytest.mark.parametrize(("source", "told"), IMPORTS.values(), ids=IMPORTS)
def test_a_filter_whose_import_ends_its_zygote_is_unavailable_and_the_others_of_its_pool_work(
    source: str, told: str) -> None:
    filters = {"broken": source + SAYS.format("mended"), "good": SAYS.format("good")}
    with Server(filters=filters, config=TWO_FILTERS % "skip") as server:
        server.wait_for_log(f"ERR: pool default: zygote ended, in the import of broken: .*{told}")
        server.wait_for_log(f"ERR: filter broken is not available: its import ended the zygote: .*{told}")
        wait_until("the other filter", lambda: server.ask() == b"550 good\n")
        server.wait_for_log("filter broken: unavailable: its import ended the zygote: .*; policy skip")
        server.write_filter("broken", SAYS.format("mended"))
        server.signal(signal.SIGHUP)
        wait_until("the mended filter", lambda: server.ask() == b"550 mended\n")


def test_a_filter_whose_import_ends_its_zygote_gets_its_policy() -> None:
    filters = {"broken": "import os\nos._exit(4)\n", "good": SAYS.format("good")}
    with Server(filters=filters, config=TWO_FILTERS % "reject") as server:
        server.wait_for_log("filter broken is not available")
        assert server.ask() == b"554 5.3.0 Message refused: a mail filter failed\n"


def test_a_filter_that_was_killed_once_in_its_import_is_tried_again() -> None:
    # As when somebody else had killed the zygote: out of memory, or an administrator.
    source = """\
        import os
        DONE = os.path.dirname(__file__) + "/done"
        if not os.path.exists(DONE):
            open(DONE, "w").close()
            os.kill(os.getpid(), 9)
        def do_filter(b, c): return '550 alive'
        """
    filters = {"broken": source, "good": SAYS.format("good")}
    server = Server(filters=filters, config=TWO_FILTERS % "defer")
    server.filter_directory.chmod(0o777)
    with server:
        server.wait_for_log("zygote ended, in the import of broken")
        wait_until("the filter", lambda: server.ask() == b"550 alive\n")
