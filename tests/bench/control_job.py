"""The job of dev/bench that reads control files: courier.control beside a straightforward reader in Python.

This file is a filter: only in a worker, behind its sandbox and with the message's files, do both cost what they cost a
site. Each message is read by both in turns, and the reply tells the two times. Must never let one of them read other
files than the other.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from courier import control

TURN_SECONDS = 0.05
TURNS = 2  # of each reader, for one message

Reader = Callable[[list[str]], dict[str, Any]]


def plain_reader(paths: list[str]) -> dict[str, Any]:
    """What somebody would write who needs the same result, and does not try to be fast."""
    data: dict[str, Any] = {**dict.fromkeys("sfU", ""), **dict.fromkeys("eMitEpWvXu"), **dict.fromkeys("w8mVT", False)}
    data["r"] = []
    for path in paths:
        with open(path, "rb") as file:
            lines = file.read().splitlines()
        columns: dict[str, list[str]] = {"r": [], "R": [], "N": []}
        done = set()
        for line in lines:
            letter, value = chr(line[0]), line[1:]
            if letter in columns:
                columns[letter].append(text(value))
            elif letter in "SF":
                done.add(int(value.split()[0]))
            elif path is paths[0] and letter in data:
                data[letter] = True if letter in "w8mVT" else text(value)
        recipients = zip(columns["r"], columns["R"], columns["N"])
        data["r"] += [list(one) for number, one in enumerate(recipients) if one[0] and number not in done]
    return data


def text(value: bytes) -> str:
    try:
        return value.strip().decode("utf-8")
    except UnicodeDecodeError:
        return control.try_decode(value)


def microseconds(reader: Reader, paths: list[str]) -> float:
    """The CPU time of one call, over as many as fit into a turn, and at least five."""
    count, begin = 0, time.process_time()
    while (passed := time.process_time() - begin) < TURN_SECONDS:
        for _ in range(5):
            reader(paths)
        count += 5
    return passed / count * 1e6


def do_filter(_body_path: str, control_paths: list[str]) -> str:
    """The CPU times of a call in us, of the plain reader and of courier.control, as a reply that refuses."""
    readers: list[Reader] = [plain_reader, control.get_control_data]
    if readers[0](control_paths) != readers[1](control_paths):
        return "550 5.6.0 the two readers disagree"
    times = [0.0, 0.0]
    for turn in range(TURNS):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            times[which] += microseconds(readers[which], control_paths) / TURNS
    return f"450 4.7.1 {times[0]:.2f} {times[1]:.2f}"
