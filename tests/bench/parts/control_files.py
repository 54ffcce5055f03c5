"""Part `control-files`: courier.control beside a straightforward reader in Python, for one recipient to 10,000.

Both read the same files in turns, in a worker: control_job.py. Must never compare figures of different rounds.
"""
from __future__ import annotations

from functools import partial
from pathlib import Path

from bench.figures import Series, Target, table
from bench.filter_server import FilterServer, pool
from bench.session import Bench, take_turns
from support.spool import Message, records

JOB = Path(__file__).parents[1] / "control_job.py"  # a filter: it imports courier, which only a worker has
ANSWER = "450 4.7.1 "
PLAIN, OURS = "plain Python", "courier.control"
# Recipients, control files, and the most that courier.control may take of what the plain reader does.
CASES = ((1, 1, 1 / 2), (100, 1, 1 / 4), (10_000, 100, 0.1))


def run(bench: Bench) -> None:
    rounds = bench.pick(15, 3)
    rows: list[tuple[str, list[str]]] = []
    data: dict[str, object] = {}
    with FilterServer({"control_job": JOB.read_text()}, pool(1)) as server:
        for recipients, files, wanted in CASES:
            name = f"{recipients:,} recipient{'s' * (recipients > 1)} in {files} file{'s' * (files > 1)}"
            message = server.server.spool.message(controls=control_files(recipients, files))
            turn = partial(times, server, message)
            found = take_turns(bench, f"control files, {name}", rounds, [{name: turn}])
            plain, ours = (Series(tuple(one[which] for one in found[name])) for which in (0, 1))
            ratio = ours.over(plain)
            rows.append((name, [plain.text(1), ours.text(1), ratio.text(3)]))
            data[name] = {"plain_us": plain, "control_us": ours, "ratio": ratio}
            bench.targets.append(Target(f"control-files: get_control_data() / a plain reader, {name}", wanted,
                                        ratio.median, at_most=True))
    bench.show("\n" + table("get_control_data(), CPU time in microseconds, and its cost over that of the plain reader",
                            [PLAIN, OURS, "ratio"], rows))
    bench.data["control-files"] = data


def times(server: FilterServer, message: Message) -> tuple[float, float]:
    """Of the plain reader and of courier.control, in us, as the filter tells them.

    Raises:
        RuntimeError: The filter has told something else, as that the two disagree.
    """
    reply = server.server.ask_message(message).decode()
    if not reply.startswith(ANSWER):
        raise RuntimeError(f"{len(message.control_paths)} control files: the filter says {reply!r}")
    plain, ours = reply.removeprefix(ANSWER).split()
    return float(plain), float(ours)


def control_files(recipients: int, files: int) -> list[bytes]:
    """Control files as Courier writes them, with as many recipients in each."""
    each = recipients // files
    return [records(recipients=[f"recipient{number}@example.net" for number in range(first, first + each)])
            .replace(b"\nN\n", b"\nNFD\n") for first in range(0, recipients, each)]
