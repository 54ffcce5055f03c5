"""The extension under threads, forks and many calls: no record is torn, no descriptor or object is left behind."""
from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from courier import _native, control

Envelope = Callable[..., list[str]]

HEAD = "salice@example.com\nM1.2.3\n"
BOB = "rbob@example.net\nR\nNFD\n"
THREADS, CHANGES = 4, 25


def addresses(writer: int) -> list[str]:
    return [f"user{number}@writer{writer}.example.net" for number in range(CHANGES)]


def add_all(paths: list[str], writer: int) -> None:
    for address in addresses(writer):
        control.add_recipient(paths, address)


def assert_whole(paths: list[str], writers: int) -> None:
    """Every record of every writer is there, whole, and each writer's in their order."""
    lines = Path(paths[0]).read_text().removeprefix(HEAD).splitlines()
    assert [lines[i + 1:i + 3] for i in range(0, len(lines), 3)] == [["R", "N"]] * (writers * CHANGES)
    added = control.get_recipients(paths)
    assert len(added) == writers * CHANGES
    for writer in range(writers):
        assert [one for one in added if f"@writer{writer}." in one] == addresses(writer)


def test_threads_append_whole_records_while_others_read(envelope: Envelope) -> None:
    paths = envelope(HEAD)
    failed: list[BaseException] = []
    is_over = threading.Event()

    def read() -> None:
        try:
            while not is_over.is_set():
                data = control.get_control_data(paths)
                assert data["s"] == "alice@example.com" and all(one[0].endswith(".example.net") for one in data["r"])
        except BaseException as error:
            failed.append(error)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=add_all, args=(paths, writer)) for writer in range(THREADS)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    is_over.set()
    reader.join()
    assert failed == []
    assert_whole(paths, THREADS)


def test_children_of_fork_append_while_a_thread_of_the_parent_does(envelope: Envelope) -> None:
    paths = envelope(HEAD)
    thread = threading.Thread(target=add_all, args=(paths, 0))
    thread.start()
    children = []
    for writer in range(1, THREADS):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                add_all(paths, writer)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    thread.join()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)
    assert_whole(paths, THREADS)


def every_call(paths: list[str]) -> None:
    """Each function once, successes and failures."""
    control.get_control_data(paths)
    control.get_lines(paths, "r", 1)
    control.get_recipients(paths)
    control._get_recipients_from_file(paths[0])
    control.try_decode(b"\xff")
    control.del_recipient(paths, "nobody@example.net")
    status = os.stat(paths[0])
    _native._register_task_files([(paths[0], status.st_dev, status.st_ino + 1)])
    failing: list[Callable[[], object]] = [
        lambda: control.get_control_data([paths[0] + ".missing"]),
        lambda: control.get_control_data(paths + [paths[0] + ".missing"]),
        lambda: control.get_control_data([os.path.dirname(paths[0])]),
        lambda: control.add_recipient(paths, "a\nb"),
        lambda: control.add_recipient(paths, "not-this-file@example.net"),
    ]
    for call in failing:
        with pytest.raises((OSError, ValueError)):
            call()
    _native._register_task_files([])


def test_many_calls_leave_no_descriptor_and_no_object(envelope: Envelope) -> None:
    paths = envelope(HEAD + BOB * 20)
    every_call(paths)
    gc.collect()
    descriptors, blocks = len(os.listdir("/proc/self/fd")), sys.getallocatedblocks()
    for _ in range(200):
        every_call(paths)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert sys.getallocatedblocks() - blocks < 200  # less than one for each round


def test_results_belong_to_the_caller(envelope: Envelope) -> None:
    paths = envelope(HEAD + BOB)
    data = control.get_control_data(paths)
    data["s"] = data["new"] = "changed"
    data["r"][0][0] = "changed"
    data["r"].append("changed")
    again = control.get_control_data(paths)
    assert again["s"] == "alice@example.com" and again["r"] == [["bob@example.net", "", "FD"]] and "new" not in again
