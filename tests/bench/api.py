"""The rounds of `dev/bench api`: courier.control.get_control_data() beside a straightforward reader in Python.

A program (python3 tests/bench/api.py), started by dev/bench when all is built. Both read the same file in turns, and
their results must be equal. The targets stand here and nowhere else. Must never compare figures of different rounds.
"""
from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import Series, Target, table  # noqa: E402  # needs the path above
from support.tree import installed_tree  # noqa: E402

sys.path.insert(0, str(installed_tree() / "usr/lib/pythonfilter/python"))

from courier import control  # noqa: E402

WANTED = {1: 2.0, 100: 4.0}  # recipients, and how many times as fast
ROUNDS, QUICK_ROUNDS = 15, 3
ROUND_SECONDS = 0.1
MISSED = 3

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


def control_file(recipients: int) -> str:
    """As Courier writes it."""
    head = ("salice@example.com\nfdns; client.example.com (client.example.com [::ffff:192.0.2.1])\ne\nt\n"
            "M000000000010641D.000000006B02BEEE.00004104\n")
    each = (f"rrecipient{number}@example.net\nRrecipient{number}@example.net\nNFD\n" for number in range(recipients))
    tail = "OTCPREMOTEIP=::ffff:192.0.2.1\nusmtp\nE1795946862\np1795370862\nW1795356462\nT\n"
    return head + "".join(each) + tail


def microseconds(reader: Reader, paths: list[str]) -> float:
    """The time of one call, over as many as fit into a part of a round."""
    count, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < ROUND_SECONDS:
        for _ in range(20):
            reader(paths)
        count += 20
    return passed / count * 1e6


def measure(recipients: int, rounds: int, directory: Path) -> tuple[Series, Series]:
    """Microseconds of the plain reader and of courier.control, once per round."""
    path = directory / f"control.{recipients}"
    path.write_text(control_file(recipients))
    paths = [str(path)]
    if plain_reader(paths) != control.get_control_data(paths):
        sys.exit("dev/bench: the two readers disagree")
    figures = [(microseconds(plain_reader, paths), microseconds(control.get_control_data, paths))
               for _ in range(rounds)]
    plain, ours = zip(*figures)
    return Series(plain), Series(ours)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[tuple[str, list[str]]] = []
    targets: list[Target] = []
    data: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as directory:
        for recipients, wanted in WANTED.items():
            rounds = QUICK_ROUNDS if options.quick else ROUNDS
            plain, ours = measure(recipients, rounds, Path(directory))
            ratio = plain.over(ours)
            name = f"{recipients} recipient{'s' * (recipients > 1)}"
            rows.append((name, [plain.text(1), ours.text(1), ratio.text(2)]))
            targets.append(Target(f"get_control_data, {name}, times a plain reader", wanted, ratio.median))
            data[name] = {"plain": plain.as_json(), "control": ours.as_json(), "ratio": ratio.as_json()}
    title = "get_control_data, microseconds as median (min-max), and the ratio within each round"
    print(table(title, ["plain Python", "courier.control", "times as fast"], rows))
    print("\n" + "\n".join(target.text() for target in targets))
    if options.json:
        data["targets"] = [target.as_json() for target in targets]
        options.json.write_text(json.dumps(data, indent=2) + "\n")
    return 0 if all(target.reached for target in targets) else MISSED


if __name__ == "__main__":
    sys.exit(main())
