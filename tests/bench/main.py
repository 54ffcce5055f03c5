"""The program behind dev/bench: runs the parts it is told to, prints their tables, and says which targets were reached.

    python3 tests/bench/main.py [--quick] [--json FILE] [--keep] [--record] [PART...]

Started by dev/bench when all is built. CI does not run it, because one slow run on a shared machine proves nothing.
Must never go on with a build of another commit when the results are kept.
"""
from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.parts import (  # noqa: E402  # needs the path above
    control_files, idle, large, memory, mime, nothing, pools, profile, queue, starting, timeouts, waiting)
from bench.session import Bench, write_result  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results")

PARTS: dict[str, Callable[[Bench], None]] = {
    "nothing": nothing.run, "mime": mime.run, "wait": waiting.run, "memory": memory.run, "start": starting.run,
    "idle": idle.run, "pools": pools.run, "queue": queue.run, "control-files": control_files.run, "large": large.run,
    "timeouts": timeouts.run, "profile": profile.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev/bench")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    if unknown := [name for name in options.parts if name not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if options.record and options.parts and "profile" not in options.parts:
        parser.error("--record needs the part profile")
    commit = git("rev-parse", "--short=12", "HEAD")
    if options.keep and (changed := git("status", "--porcelain", "--", ".", f":!{RESULTS.relative_to(TOP)}")):
        parser.error(f"--keep needs a checkout without changes, so that the commit says what was measured:\n{changed}")
    bench = Bench(options.quick, record=options.record)
    began, load_before = time.monotonic(), os.getloadavg()[0]
    bench.data = {"commit": commit, "machine": machine(), "quick": options.quick, "load_average_before": load_before}
    bench.show(f"{commit}{', quick: the figures say little' if options.quick else ''}\n{machine()}")
    for name in options.parts or PARTS:
        run_part(bench, name)
    bench.show("\n" + "\n".join(target.text() for target in bench.targets))
    bench.show(f"took {time.monotonic() - began:.0f} s, load average before {load_before:.1f}")
    if load_before > 1:
        bench.show("The machine had other work: trust CPU times and ratios, not rates.")
    for line in bench.wrong:
        bench.show(f"WRONG: {line}")
    if options.json:
        options.json.write_text(bench.as_json())
    if options.keep:
        keep(bench, commit)
    return bench.status()


def run_part(bench: Bench, name: str) -> None:
    """A part that fails is told; the others are not lost with it."""
    began = time.monotonic()
    try:
        PARTS[name](bench)
    except Exception as error:
        bench.progress("")
        traceback.print_exc()
        bench.wrong.append(f"part {name} failed: {type(error).__name__}: {error}")
    bench.data.setdefault("part_seconds", {})[name] = time.monotonic() - began


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{os.cpu_count()} x {next(names, platform.machine())}, Linux {platform.release()}"


def git(*words: str) -> str:
    """What git says about this checkout, which may belong to somebody else than the user who measures."""
    command = ["git", "-c", "safe.directory=*", *words]
    return subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def keep(bench: Bench, commit: str) -> None:
    """Writes the results where they are committed."""
    if not RESULTS.exists():
        RESULTS.mkdir()
        owner = TOP.stat()
        shutil.chown(RESULTS, owner.st_uid, owner.st_gid)
    stem = f"{datetime.date.today().isoformat()}-{commit}"
    write_result(RESULTS / f"{stem}.json", bench.as_json())
    write_result(RESULTS / f"{stem}.txt", bench.text())


if __name__ == "__main__":
    sys.exit(main())
