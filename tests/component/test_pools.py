"""Pools: which workers a pool has, when one is replaced, and what it may use.

Every message brings the Python text that the filter runs. Must never measure how long something takes.
"""
from __future__ import annotations

import re
from pathlib import Path

from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.wait import wait_until

WHO = script("import os\nreply = f'550 {os.getpid()}'")


def test_a_worker_that_must_serve_no_further_message_is_replaced() -> None:
    text = """\
        import resource, threading, time
        def later():  # between two messages: what a filter changes in its message is put back
            time.sleep(0.2)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        threading.Thread(target=later).start()
        """
    with Server(filters={"script": SCRIPT_FILTER}, config="pools: {default: {workers: 1}}\n") as server:
        first = server.ask(WHO)
        server.ask(script(text))
        limits = Path(f"/proc/{int(first.split()[1])}/limits")
        wait_until("the limit", lambda: re.search(r"Max open files +3 ", limits.read_text()))
        assert server.ask(WHO).startswith(b"451 ")  # its files cannot be opened: so the worker notices
        server.wait_for_log(r"worker default/1 is replaced: no free descriptors, a filter leaks them")
        second = server.ask(WHO)
        assert second.startswith(b"550 ") and second != first


def pid_of(reply: bytes) -> int:
    return int(reply.split()[1])


def test_a_worker_that_has_served_its_messages_is_replaced_and_no_message_waits_for_that() -> None:
    config = "pools: {default: {workers: 1, recycle: {messages: 5}}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as server:
        pids = [pid_of(server.ask(WHO)) for _ in range(5)]
        server.wait_for_log("worker default/1 is replaced: it has served 5 messages")
        assert len(set(pids)) == 1
        assert pid_of(server.ask(WHO)) not in pids


HOLDS = """\
    import os, time
    HERE = os.path.dirname(__file__)
    def init_filter():
        if os.path.exists(HERE + "/hold"):
            print("replacement waits", flush=True)
            while os.path.exists(HERE + "/hold"):
                time.sleep(0.01)
    def do_filter(body_path, control_paths):
        return f"550 {os.getpid()}"
    """


def test_the_old_worker_serves_until_its_replacement_is_ready() -> None:
    # The replacement's init_filter waits until the test has seen the old one serve on.
    config = "pools: {default: {workers: 1, recycle: {messages: 2}}}\n"
    with Server(filters={"held": HOLDS}, config=config) as server:
        hold = server.filter_directory / "hold"
        hold.touch()
        old = pid_of(server.ask())
        assert pid_of(server.ask()) == old
        server.wait_for_log("replacement waits")
        assert [pid_of(server.ask()) for _ in range(3)] == [old] * 3
        hold.unlink()
        server.wait_for_log("worker default/1 is replaced: it has served 2 messages")
        assert pid_of(server.ask()) != old


def test_a_worker_that_has_grown_is_replaced() -> None:
    config = "pools: {default: {workers: 1, recycle: {rss: 120MiB}}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as server:
        first = pid_of(server.ask(WHO))
        server.ask(script("import builtins\nbuiltins.kept = b'x' * (200 << 20)"))
        for _ in range(18):
            assert pid_of(server.ask(WHO)) == first
        server.wait_for_log(r"worker default/1 is replaced: it holds \d+MiB of memory")
        assert pid_of(server.ask(WHO)) != first


def test_a_memory_limit_below_a_fresh_worker_replaces_nobody_and_is_told_once() -> None:
    config = "pools: {default: {workers: 2, recycle: {rss: 1MiB}}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as server:
        server.wait_for_log("recycle.rss of 1MiB is not heeded: a fresh worker has")
        pids = {pid_of(server.ask(WHO)) for _ in range(45)}
        assert len(pids) == 1  # the one used last is used again
        lines = server.log_lines()
        assert sum("is not heeded" in line for line in lines) == 1
        assert not any("is replaced" in line for line in lines)


def replaced(server: Server) -> list[str]:
    return [line for line in server.log_lines() if "is replaced: " in line]


def test_a_worker_that_has_reached_its_age_is_replaced_even_without_work() -> None:
    config = "pools: {default: {workers: 2, recycle: {age: 1s}}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as server:
        first = set(server.worker_pids())
        server.wait_for_log("worker default/. is replaced: it has reached its age, recycle.age is 1s")
        wait_until("other workers", lambda: len(server.worker_pids()) == 2 and first.isdisjoint(server.worker_pids()))


def test_workers_that_reach_their_age_under_load_cost_no_message() -> None:
    config = "pools: {default: {workers: 2, recycle: {age: 1s}}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as server:
        replies: list[bytes] = []

        def enough() -> bool:
            replies.append(server.ask(WHO))
            return len(replaced(server)) >= 3

        wait_until("three replacements", enough, 20.0)
        assert all(reply.startswith(b"550 ") for reply in replies)
        assert len(set(replies)) > 1


def test_the_replacement_of_an_old_worker_is_ready_first() -> None:
    config = "pools: {default: {workers: 1, recycle: {age: 1s}}}\n"
    with Server(filters={"held": HOLDS}, config=config) as server:
        hold = server.filter_directory / "hold"
        hold.touch()
        old = pid_of(server.ask())
        server.wait_for_log("replacement waits")
        assert [pid_of(server.ask()) for _ in range(3)] == [old] * 3
        hold.unlink()
        server.wait_for_log("worker default/1 is replaced: it has reached its age")
        assert pid_of(server.ask()) != old


def test_a_worker_with_too_many_open_files_is_replaced_and_no_message_is_lost() -> None:
    config = "pools: {default: {workers: 1, recycle: {open_files: 50}}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as server:
        first = pid_of(server.ask(WHO))
        server.ask(script("import builtins\nbuiltins.kept = [open('/dev/null') for _ in range(50)]"))
        for _ in range(18):
            assert pid_of(server.ask(WHO)) == first
        server.wait_for_log("worker default/1 is replaced: it has more than 50 open files")
        assert pid_of(server.ask(WHO)) != first


def test_a_number_of_open_files_below_a_fresh_worker_replaces_nobody_and_is_told_once() -> None:
    config = "pools: {default: {workers: 2, recycle: {open_files: 3}}}\n"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as server:
        server.wait_for_log("recycle.open_files of 3 is not heeded: a fresh worker has more already")
        assert len({pid_of(server.ask(WHO)) for _ in range(45)}) == 1
        assert sum("is not heeded" in line for line in server.log_lines()) == 1
        assert not replaced(server)


def test_a_worker_that_leaves_slowly_is_not_waited_for() -> None:
    # After each message its worker asks for its end, and takes its time over what it left to atexit.
    text = """\
        import atexit, os, time
        atexit.register(time.sleep, 600)
        os.nice(1)
        time.sleep(0.01)  # so that the worker looks at what was changed
        reply = f"550 {os.getpid()}"
        """
    with Server(filters={"script": SCRIPT_FILTER}, config="pools: {default: {workers: 1}}\n") as server:
        replies = [server.ask(script(text), timeout=4.0) for _ in range(4)]
        assert len(set(replies)) == 4 and all(reply.startswith(b"550 ") for reply in replies)
        server.wait_for_log("worker default/. ended: took too long to leave")


LIMITED = """\
pools:
  default:
    workers: 1
    nice: 7
    limits: {memory: 2GiB, files: 64, file_size: 1MiB}
"""


def test_limits_and_nice_hold_in_the_worker() -> None:
    text = """\
        import os, resource
        names = ("RLIMIT_AS", "RLIMIT_NOFILE", "RLIMIT_FSIZE")
        reply = f"550 {[resource.getrlimit(getattr(resource, name)) for name in names]} {os.nice(0)}"
        """
    with Server(filters={"script": SCRIPT_FILTER}, config=LIMITED) as server:
        gib, mib = 1 << 30, 1 << 20
        expected = f"550 {[(2 * gib, 2 * gib), (64, 64), (mib, mib)]} 7\n"
        assert server.ask(script(text)) == expected.encode()


def test_what_is_over_a_limit_is_an_error_in_the_filter_and_the_worker_lives_on() -> None:
    with Server(filters={"script": SCRIPT_FILTER}, config=LIMITED) as server:
        first = server.ask(WHO)
        for text, error in [
            ("b'x' * (3 << 30)", "MemoryError"),
            ("kept = [open('/dev/null') for _ in range(99)]", "OSError: .Errno 24. Too many open files"),
            ("import tempfile\ntempfile.TemporaryFile(buffering=0).write(b'x' * (1 << 20))\n"
             "stream = tempfile.TemporaryFile(buffering=0)\nfor _ in range(3): stream.write(b'x' * (1 << 19))",
             "OSError: .Errno 27. File too large"),
        ]:
            assert server.ask(script(text)).startswith(b"451 ")
            server.wait_for_log(f"filter script: exception: {error}.*; policy defer")
        assert server.ask(WHO) == first


def test_a_worker_whose_memory_is_nearly_used_up_is_replaced_before_a_message_needs_it() -> None:
    config = "pools: {default: {workers: 1, limits: {memory: 512MiB}}}\n"
    leak = "import mmap, sys\nsys.kept = mmap.mmap(-1, 450 << 20)\nreply = '550 kept'"
    with Server(filters={"script": SCRIPT_FILTER}, config=config) as server:
        first = server.ask(WHO)
        assert server.ask(script("import mmap\nmmap.mmap(-1, 450 << 20).close()\nreply = '550 given back'")) \
            == b"550 given back\n"
        assert server.ask(WHO) == first
        assert server.ask(script(leak)) == b"550 kept\n"
        server.wait_for_log("worker default/1 is replaced: filters have left less than an eighth of its memory")
        assert server.ask(WHO) != first
