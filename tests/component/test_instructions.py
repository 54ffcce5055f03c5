"""What a message costs the master, in instructions, is no more than what tests/bench/instructions.json says."""
from __future__ import annotations

import pytest
from bench import instructions
from bench.callgrind import Kind, instructions_per_message
from bench.instructions import Profile


def test_a_message_costs_the_master_what_is_recorded() -> None:
    master = Kind.master.value
    found = Profile(instructions.made_with(), {master: instructions_per_message(Kind.master)})
    if why := instructions.objection(Profile.recorded(), found, master):
        pytest.fail(why, pytrace=False)  # whole, where an assertion would show its beginning
