"""What a message costs the master, in instructions, is no more than what tests/bench/instructions.json says."""
from __future__ import annotations

import pytest
from bench import instructions
from bench.callgrind import Kind, instructions_per_message, short_name
from bench.instructions import Profile

HERE = {"compiler": "GCC 12.2.0", "libev": "4.33"}
RECORDED = Profile(HERE, {"master": {"malloc": 400.0, "Router::step": 600.0}})


def test_a_message_costs_the_master_what_is_recorded() -> None:
    master = Kind.master.value
    found = Profile(instructions.made_with(), {master: instructions_per_message(Kind.master)})
    if why := instructions.objection(Profile.recorded(), found, master):
        pytest.fail(why, pytrace=False)  # whole, where an assertion would show its beginning


@pytest.mark.parametrize(("malloc", "accepted"), [(300.0, True), (499.0, True), (501.0, False)])
def test_a_tenth_more_is_accepted(malloc: float, accepted: bool) -> None:
    found = Profile(HERE, {"master": {"malloc": malloc, "Router::step": 600.0}})
    assert (instructions.objection(RECORDED, found, "master") == "") == accepted


def test_an_objection_names_what_has_grown_most() -> None:
    found = Profile(HERE, {"master": {"malloc": 410.0, "Router::step": 580.0, "log": 300.0}})
    lines = instructions.objection(RECORDED, found, "master").splitlines()
    assert lines[0].startswith("a message costs the master 1,290 instructions, 29% more than the 1,000")
    assert [line.split()[:2] for line in lines[1:-1]] == [["+300", "log"], ["+10", "malloc"]]


def test_figures_of_another_compiler_are_not_compared() -> None:
    found = Profile({**HERE, "compiler": "GCC 13.1.0"}, RECORDED.costs)
    why = instructions.objection(RECORDED, found, "master")
    assert "compiler was 'GCC 12.2.0' and is 'GCC 13.1.0'" in why and "dev/bench profile --record" in why


@pytest.mark.parametrize(("name", "short"), [
    ("ev_run", "ev_run"),
    ("0x0000000000005ed0", "libev.so:0x0000000000005ed0"),
    ("pythonfilter::(anonymous namespace)::put(std::vector<char, std::allocator<char> >&) const", "pythonfilter::put"),
    ("std::_Function_handler<void (int), f(int)::{lambda(int)#1}>::_M_invoke(std::_Any_data const&, int&&)",
     "std::_Function_handler::_M_invoke"),
    ("operator new(unsigned long)", "new"),
    ("pythonfilter::Parser::feed(std::string_view) [clone .isra.0]", "pythonfilter::Parser::feed"),
])
def test_a_function_has_a_name_that_people_can_read(name: str, short: str) -> None:
    assert short_name(name, "libev.so") == short
