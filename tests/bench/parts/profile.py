"""Part `profile`: instructions per message in master and worker, compared with those that are recorded.

A count, which other load does not change: CI compares the master's too (tests/component/test_instructions.py).
`--record` writes what was found in the place of what was recorded. Must never be told from a run of another build.
"""
from __future__ import annotations

from bench import instructions
from bench.callgrind import Kind, instructions_per_message
from bench.figures import Target, table
from bench.instructions import Profile
from bench.session import Bench, write_result
from support.tree import installed_tree


def run(bench: Bench) -> None:
    costs = {}
    for one in Kind:
        bench.progress(f"instructions per message in the {one.value}")
        costs[one.value] = instructions_per_message(one, installed_tree().parent / f"callgrind.out.{one.value}")
    found = Profile(instructions.made_with(), costs)
    recorded = Profile.recorded() if instructions.RECORD.exists() else found
    bench.show("\n" + table("Instructions per message", ["recorded", "now"], [
        (kind, [f"{profile.total(kind):,.0f}" for profile in (recorded, found)]) for kind in costs]))
    for kind in costs:
        if more := instructions.growth(recorded, found, kind):
            bench.show(f"What has grown most in the {kind}, within the function itself:\n{more}")
    if bench.record:
        write_result(instructions.RECORD, found.as_json())
        write_result(instructions.LIST, found.as_text())
    elif why := instructions.objection(recorded, found, Kind.master.value):
        bench.wrong.append(f"profile: {why}")
    bench.data["profile"] = {"made_with": found.made_with, "instructions": found.costs}
    ratio = found.total("master") / (found if bench.record else recorded).total("master")
    bench.targets.append(Target("profile: instructions per message in the master / the recorded ones",
                                instructions.MOST, ratio, at_most=True))
