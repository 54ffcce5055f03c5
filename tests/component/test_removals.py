"""Removed recipients: whatever a filter did to take one off a message, the log names it, message and filter.

Shown with the installed program. Filters remove recipients by the API, by hand, and die afterwards.
"""
from __future__ import annotations

import re

import pytest
from support.script_filter import SCRIPT_FILTER, script
from support.server import Server
from support.spool import records

ACCEPTED = b"200 Ok\n"
ID = r"[0-9A-F]{16}\.[0-9A-F]{16}\.[0-9A-F]{8}"
PASS = "def do_filter(body, controls):\n    return ''\n"
REMOVE = """
    import courier.control

    def do_filter(body_path, control_paths):
        courier.control.del_recipient(control_paths, "bob@example.net")
        return ""
"""
DIE = "import os\ndef do_filter(body, controls):\n    os._exit(9)\n"


def removed(server: Server, after: int = 0) -> list[tuple[str, str]]:
    """Filter and recipient of each removal that the log tells, up to the line about the message."""
    server.wait_for_log("^message .* verdict=", after=after)
    pattern = re.compile(rf"message id={ID} filter=(\S+) removed (.*)")
    return [match.groups() for line in server.log_lines()[after:] if (match := pattern.fullmatch(line))]  # type: ignore


def test_recipients_removed_by_the_api_are_logged_by_message_and_filter() -> None:
    with Server(filters={"before": PASS, "remove": REMOVE, "behind": PASS}) as server:
        assert server.ask(controls=[records(recipients=["ann@x", "bob@example.net"])]) == ACCEPTED
        assert removed(server) == [("remove", "recipient <bob@example.net>")]
        line = server.wait_for_log(r" removed=1 verdict=accept ")
        assert " to=<ann@x> " in line


def test_a_message_without_recipients_is_told_apart() -> None:
    with Server(filters={"remove": REMOVE}) as server:
        assert server.ask(controls=[records(recipients=["bob@example.net"])]) == ACCEPTED
        assert removed(server) == [("remove", "recipient <bob@example.net>")]
        server.wait_for_log(r" to= size=\d+ removed=1\(all\) verdict=accept ")


def test_nothing_is_told_of_what_stays() -> None:
    text = """
        import courier.control
        courier.control.del_recipient(control_paths, "bob@example.net")
        courier.control.add_recipient(control_paths, "bob@example.net")
        courier.control.add_recipient(control_paths, "eve@example.net")
    """
    with Server(filters={"script": SCRIPT_FILTER}) as server:
        assert server.ask(script(text)) == ACCEPTED
        assert removed(server) == []
        assert " removed=" not in server.wait_for_log("^message .* verdict=accept")


def test_records_written_by_hand_and_hostile_addresses_are_logged() -> None:
    """A failure record, a NUL that hides what follows, and an address that would like to be a log line."""
    control = records(recipients=["ann@x", "b>\x1b[2J WARN: forged", "cid@y"])
    escaped = r"recipient <b\x3e\x1b[2J\x20WARN:\x20forged>"
    after = 0
    with Server(filters={"script": SCRIPT_FILTER}) as server:
        for text, told in [
            ("open(control_paths[0], 'ab').write(b'F1 550 no\\n')", [escaped]),
            ("text = open(control_paths[0], 'rb').read()\n"
             "open(control_paths[0], 'r+b').write(text.replace(b'rann@x', b'xann@x'))", ["recipient <ann@x>"]),
            ("text = open(control_paths[0], 'rb').read()\n"
             "open(control_paths[0], 'r+b').write(text.replace(b'rcid', b'\\0cid'))", ["recipient <cid@y>"]),
        ]:
            assert server.ask(script(text), [control]) == ACCEPTED
            assert removed(server, after) == [("script", what) for what in told]
            after = server.log_mark()


def test_more_than_the_log_takes_are_counted() -> None:
    everybody = [f"user{number}@example.net" for number in range(700)]
    text = "open(control_paths[0], 'ab').write(b''.join(b'S%d 250 Ok\\n' % number for number in range(699)))"
    with Server(filters={"script": SCRIPT_FILTER}) as server:
        assert server.ask(script(text), [records(recipients=everybody)]) == ACCEPTED
        told = removed(server)
        assert told[:500] == [("script", f"recipient <{user}>") for user in everybody[:500]]
        assert told[500:] == [("script", "and 199 more recipients")]
        assert " removed=699 verdict=accept " in server.wait_for_log(" verdict=accept ")


@pytest.mark.parametrize("before", ["", "{filter: start, pool: other}, "], ids=["at the start", "behind another pool"])
def test_what_a_filter_removed_is_told_although_the_next_one_kills_the_worker(before: str) -> None:
    config = f"""
        failure: {{on_crash: skip}}
        pools: {{other: {{workers: 1}}}}
        filters: [{before}remove, die, {{filter: end, pool: other}}]
    """
    with Server(filters={"start": PASS, "remove": REMOVE, "die": DIE, "end": PASS}, config=config) as server:
        assert server.ask(controls=[records(recipients=["ann@x", "bob@example.net"])]) == ACCEPTED
        assert removed(server) == [("remove", "recipient <bob@example.net>")]
        server.wait_for_log(r" to=<ann@x> size=\d+ removed=1 verdict=accept ")


def test_each_filter_is_told_with_what_it_removed_also_when_the_message_is_refused() -> None:
    filters = {"first": REMOVE, "second": REMOVE.replace("bob@example.net", "ann@x").replace('""', '"550 no"')}
    with Server(filters=filters) as server:
        assert server.ask(controls=[records(recipients=["ann@x", "bob@example.net", "cid@y"])]) == b"550 no\n"
        assert removed(server) == [("first", "recipient <bob@example.net>"), ("second", "recipient <ann@x>")]
        server.wait_for_log(r" to=<cid@y> size=\d+ removed=2 verdict=reject by=second ")


def test_another_file_in_the_place_of_one_is_read_by_the_next_pool() -> None:
    replaces = """
        import os
        def do_filter(body_path, control_paths):
            path = control_paths[1]
            with open(path) as old, open(path + '.new', 'w') as new:
                new.write(old.read().replace('bob@example.net', 'eve@example.net'))
            os.rename(path + '.new', path)
            return ""
    """
    removes_ann = REMOVE.replace("bob@example.net", "ann@x")
    config = "filters: [{filter: replaces, pool: {workers: 1}}, {filter: removes, pool: {workers: 1}}]\n"
    with Server(filters={"replaces": replaces, "removes": removes_ann}, config=config) as server:
        assert server.ask(controls=[records(recipients=["ann@x"]), records()]) == ACCEPTED
        assert removed(server) == [("removes", "recipient <ann@x>")]
        server.wait_for_log(r" to=<eve@example.net> size=\d+ removed=1 verdict=accept ")


# A few recipients go with the task from pool to pool, many or very long ones are read again by each worker.
OTHERS = {"none": [], "some": [f"u{n}@y" for n in range(14)], "many": [f"u{n}@y" for n in range(40)],
          "a very long one": ["u" * 3000 + "@y"]}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("last, ending", [(PASS, "accept "), (DIE, 'defer by=last reason="crash in last"')],
                         ids=["passes", "dies"])
def test_each_filter_is_told_with_what_it_removed_also_across_pools(name: str, last: str, ending: str) -> None:
    names = ["first", "ann", "between", "bob", "last"]
    removes_ann = REMOVE.replace("bob@example.net", "ann@x")
    filters = dict(zip(names, [PASS, removes_ann, PASS, REMOVE, last]))
    chain = ", ".join(f"{{filter: {filter}, pool: {{workers: 1}}}}" for filter in names)
    with Server(filters=filters, config=f"filters: [{chain}]\n") as server:
        server.ask(controls=[records(recipients=["ann@x", "bob@example.net", "cid@y", *OTHERS[name]])])
        assert removed(server) == [("ann", "recipient <ann@x>"), ("bob", "recipient <bob@example.net>")]
        assert re.search(rf" from=<alice@example.com> to=<cid@y>.* size=66 removed=2 verdict={ending}",
                         server.wait_for_log("^message .* verdict="))
