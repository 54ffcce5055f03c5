"""Profile: instructions per message that were recorded in the checkout, and what has changed since.

instructions.json is for the comparison, instructions.txt for people; `dev/bench profile --record` writes both. The
figures hold for one compiler, its options, and the libraries in which half of the instructions are: with others there
is nothing to compare, and that is told as an error, not as a growth. Must never run a server.
"""
from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from support.tree import PROGRAM, installed_tree

RECORD = Path(__file__).with_name("instructions.json")
LIST = RECORD.with_suffix(".txt")
AGAIN = "record again: dev/bench profile --record"
MOST = 1.10  # times the recorded figure
BUILD_OPTIONS = ("buildtype", "optimization", "debug", "b_ndebug", "b_lto", "b_sanitize", "cpp_std", "cpp_args")
TOLD = 15    # functions that have grown
LISTED = 60  # functions in instructions.txt
SMALLEST = 1.0  # instructions: functions with less are rare paths, which no recording needs to know

Costs = Mapping[str, float]  # instructions per message by function, without what it calls


def made_with() -> dict[str, str]:
    """What the figures of this build depend on besides the source."""
    tree = installed_tree()
    compiler = re.search(rb"GCC: \([^)]*\) ([\d.]+)|clang version ([\d.]+)", (tree / PROGRAM).read_bytes())
    options = json.loads((tree.parent / "meson" / "meson-info" / "intro-buildoptions.json").read_text())
    values = {option["name"]: option["value"] for option in options}
    libev = ctypes.CDLL("libev.so.4")
    valgrind = subprocess.run(["valgrind", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return {
        "compiler": compiler.group().decode() if compiler else "unknown",
        **{name: str(values[name]) for name in BUILD_OPTIONS},
        "libc": str(os.confstr("CS_GNU_LIBC_VERSION")),
        "libev": f"{libev.ev_version_major()}.{libev.ev_version_minor()}",
        "valgrind": valgrind,
        "machine": os.uname().machine,
    }


class Profile:
    """Instructions per message, by process and function, and what they depend on."""

    def __init__(self, with_: Mapping[str, str], costs: Mapping[str, Costs]) -> None:
        self.made_with, self.costs = dict(with_), {kind: dict(found) for kind, found in costs.items()}

    @classmethod
    def recorded(cls) -> Profile:
        """The one in the checkout."""
        data = json.loads(RECORD.read_text())
        return cls(data["made_with"], {kind: found["functions"] for kind, found in data["instructions"].items()})

    def total(self, kind: str) -> float:
        return sum(self.costs[kind].values())

    def as_json(self) -> str:
        instructions = {kind: {"all": round(self.total(kind)), "functions": _sorted(found)}
                        for kind, found in self.costs.items()}
        return json.dumps({"made_with": self.made_with, "instructions": instructions}, indent=1) + "\n"

    def as_text(self) -> str:
        """For each process the functions with most instructions."""
        lines = [f"{name}: {value}" for name, value in self.made_with.items()]
        for kind, found in self.costs.items():
            lines += ["", f"{kind}: {self.total(kind):,.0f} instructions per message; within the function itself:"]
            lines += [f"{cost:8,.0f}  {name}" for name, cost in list(_sorted(found).items())[:LISTED]]
        return "\n".join(lines) + "\n"


def _sorted(costs: Costs) -> dict[str, float]:
    """Most first, without what is too little to tell, which is one entry."""
    kept = {name: round(cost, 1) for name, cost in costs.items() if cost >= SMALLEST}
    rest = round(sum(cost for name, cost in costs.items() if name not in kept), 1)
    return dict(sorted(kept.items(), key=lambda item: -item[1])) | ({"(others)": rest} if rest else {})


def objection(recorded: Profile, found: Profile, kind: str) -> str:
    """Why `found` cannot be accepted, for people; "" when it can."""
    others = [f"{name} was {recorded.made_with.get(name)!r} and is {value!r}"
              for name, value in found.made_with.items() if recorded.made_with.get(name) != value]
    if others:
        return f"{RECORD.name} says nothing about this build: {'; '.join(others)}. So {AGAIN}"
    before, now = recorded.total(kind), found.total(kind)
    if now <= MOST * before:
        return ""
    return (f"a message costs the {kind} {now:,.0f} instructions, {now / before - 1:.0%} more than the {before:,.0f} of"
            f" {RECORD.name}; {MOST - 1:.0%} more are allowed. Most have grown:\n{growth(recorded, found, kind)}\n"
            f"If it has to be so, {AGAIN}")


def growth(recorded: Profile, found: Profile, kind: str) -> str:
    """The functions that have grown most, one on a line."""
    before, now = recorded.costs[kind], found.costs[kind]
    grown = sorted(((now[name] - before.get(name, 0.0), name) for name in now), reverse=True)[:TOLD]
    return "\n".join(f"{more:+8,.0f}  {name} ({before.get(name, 0.0):,.0f} -> {now[name]:,.0f})"
                     for more, name in grown if more >= SMALLEST)
