"""Part `control-files`: courier.control beside a straightforward reader in Python, for one recipient to 10,000.

Both read the same files in turns, and their results must be equal. Must never compare figures of different rounds.
"""
from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.figures import Series, Target, table
from bench.session import Bench, take_turns
from support.tree import installed_tree

PLAIN, OURS = "plain Python", "courier.control"
# Recipients, control files, and the most that courier.control may take of what the plain reader does.
CASES = ((1, 1, 1 / 2), (100, 1, 1 / 4), (10_000, 100, 0.1))
ROUND_SECONDS = 0.1

Reader = Callable[[list[str]], dict[str, Any]]
TryDecode = Callable[[bytes], str]


def run(bench: Bench) -> None:
    sys.path.insert(0, str(installed_tree() / "usr/lib/pythonfilter/python"))
    from courier import control

    rounds, seconds = bench.pick((15, ROUND_SECONDS), (3, ROUND_SECONDS / 2))
    readers: dict[str, Reader] = {PLAIN: partial(plain_reader, control.try_decode), OURS: control.get_control_data}
    rows: list[tuple[str, list[str]]] = []
    data: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as directory:
        for recipients, files, wanted in CASES:
            name = f"{recipients:,} recipient{'s' * (recipients > 1)} in {files} file{'s' * (files > 1)}"
            paths = write(Path(directory), recipients, files)
            if readers[PLAIN](paths) != readers[OURS](paths):
                bench.wrong.append(f"control-files: the two readers disagree about {name}")
            calls = {key: partial(microseconds, reader, paths, seconds) for key, reader in readers.items()}
            found = take_turns(bench, f"control files, {name}", rounds, [calls])
            plain, ours = Series(tuple(found[PLAIN])), Series(tuple(found[OURS]))
            ratio = ours.over(plain)
            rows.append((name, [plain.text(1), ours.text(1), ratio.text(3)]))
            data[name] = {"plain_us": plain, "control_us": ours, "ratio": ratio}
            bench.targets.append(Target(f"control-files: get_control_data() / a plain reader, {name}", wanted,
                                        ratio.median, at_most=True))
    bench.show("\n" + table("get_control_data(), CPU time in microseconds, and its cost over that of the plain reader",
                            [PLAIN, OURS, "ratio"], rows))
    bench.data["control-files"] = data


def plain_reader(try_decode: TryDecode, paths: list[str]) -> dict[str, Any]:
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
                columns[letter].append(text(try_decode, value))
            elif letter in "SF":
                done.add(int(value.split()[0]))
            elif path is paths[0] and letter in data:
                data[letter] = True if letter in "w8mVT" else text(try_decode, value)
        recipients = zip(columns["r"], columns["R"], columns["N"])
        data["r"] += [list(one) for number, one in enumerate(recipients) if one[0] and number not in done]
    return data


def text(try_decode: TryDecode, value: bytes) -> str:
    try:
        return value.strip().decode("utf-8")
    except UnicodeDecodeError:
        return try_decode(value)


def write(directory: Path, recipients: int, files: int) -> list[str]:
    """Control files as Courier writes them, with as many recipients in each."""
    each = recipients // files
    paths = [directory / f"control.{recipients}.{number}" for number in range(files)]
    for number, path in enumerate(paths):
        path.write_text(control_file(range(number * each, (number + 1) * each)))
    return [str(path) for path in paths]


def control_file(numbers: range) -> str:
    head = ("salice@example.com\nfdns; client.example.com (client.example.com [::ffff:192.0.2.1])\ne\nt\n"
            "M000000000010641D.000000006B02BEEE.00004104\n")
    each = (f"rrecipient{number}@example.net\nRrecipient{number}@example.net\nNFD\n" for number in numbers)
    tail = "OTCPREMOTEIP=::ffff:192.0.2.1\nusmtp\nE1795946862\np1795370862\nW1795356462\nT\n"
    return head + "".join(each) + tail


def microseconds(reader: Reader, paths: list[str], seconds: float) -> float:
    """The CPU time of one call, over as many as fit into a turn, and at least five."""
    count, begin = 0, time.process_time()
    while (passed := time.process_time() - begin) < seconds:
        for _ in range(5):
            reader(paths)
        count += 5
    return passed / count * 1e6
