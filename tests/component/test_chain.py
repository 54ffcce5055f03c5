"""The chain: order, `for` across stages and pools, pending replies, and what happens behind a filter that died.

Filters are small and each test says what Courier gets. Must never let a half-written message pass.
"""
from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support.script_filter import script, script_filter
from support.server import Server
from support.spool import records

DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"
ACCEPTED = b"200 Ok\n"

NOTE = """\
    def do_filter(body_path, control_paths):
        print("ran {name}")
        return {reply!r}
    """


def note(name: str, reply: str = "") -> str:
    """A filter that logs that it ran."""
    return NOTE.format(name=name, reply=reply)


def ran(server: Server, after: int) -> list[str]:
    """Which filters ran for the last message, in order."""
    server.wait_for_log("^message id=", after=after)
    return [match[1] for line in server.log_lines()[after:] if (match := re.search(r"\] ran (\w+)$", line))]


REWRITE = """\
    def do_filter(body_path, control_paths):
        with open(body_path, "ab") as stream:
            stream.write(b"rewritten by {name}\\n")
        return ""
    """


def test_filters_run_in_order_across_pools_and_the_last_reply_counts() -> None:
    names = ["one", "two", "three", "four"]
    config = "pools: {a: {workers: 1}, b: {workers: 1}}\nfilters: [{filter: one, pool: a}, {filter: two, pool: b}," \
             " {filter: three, pool: b}, {filter: four, pool: a}]\n"
    filters = {name: note(name) for name in names[:3]} | {"four": note("four", "200 four")}
    with Server(filters=filters, config=config) as server:
        assert server.ask() == b"200 four\n"
        assert ran(server, 0) == names
        line = server.wait_for_log("^message id=")
        assert re.search(r" worker=a/1 filters=one:[\d.]+ms/[\d.]+ms,two:[\d.]+ms/[\d.]+ms,three:.*,four:", line)


@pytest.mark.parametrize(("reply", "answer"), [
    ("200 enough", b"200 enough\n"), ("000 all", b"000 all\n"), ("550 no", b"550 no\n"),
])
def test_a_reply_ends_the_chain(reply: str, answer: bytes) -> None:
    with Server(filters={"decides": note("decides", reply), "later": note("later")}) as server:
        assert server.ask() == answer
        assert ran(server, 0) == ["decides"]


FOR_CONFIG = """\
    pools: {{default: {{workers: 1}}, other: {{workers: 1}}}}
    filters:
      - {{filter: white, for: {bypassed}}}
      - near
      - {{filter: far, pool: other}}
      - {{filter: last, pool: {last_pool}}}
    """


def for_server(reply: str, bypassed: str, last: str = "", last_pool: str = "default") -> Server:
    filters = {"white": note("white", reply), "near": note("near"), "far": note("far"), "last": note("last", last)}
    return Server(filters=filters, config=FOR_CONFIG.format(bypassed=bypassed, last_pool=last_pool))


def test_for_bypasses_the_named_filters_across_stages_and_pools() -> None:
    with for_server("200 white", "[near, far]") as server:
        assert server.ask() == ACCEPTED, "the last filter ran and said nothing"
        assert ran(server, 0) == ["white", "last"]


def test_a_bypassed_filter_in_another_pool_is_not_asked() -> None:
    with for_server("200 white", "[far]") as server:
        assert server.ask() == ACCEPTED
        assert ran(server, 0) == ["white", "near", "last"]


def test_a_pending_accept_is_the_answer_when_nothing_else_runs() -> None:
    with for_server("200 white", "[near, far, last]") as server:
        assert server.ask() == b"200 white\n"
        assert ran(server, 0) == ["white"]


@pytest.mark.parametrize("last_pool", ["default", "other"])
def test_a_pending_accept_does_not_stand_against_a_later_refusal(last_pool: str) -> None:
    with for_server("200 white", "[near]", last="550 no", last_pool=last_pool) as server:
        assert server.ask() == b"550 no\n"
        assert ran(server, 0) == ["white", "far", "last"]


@pytest.mark.parametrize(("reply", "answer"), [("000 all", b"000 all\n"), ("450 no", b"450 no\n")])
def test_for_is_only_about_replies_that_begin_with_2(reply: str, answer: bytes) -> None:
    with for_server(reply, "[near]") as server:
        assert server.ask() == answer
        assert ran(server, 0) == ["white"]


def test_an_empty_for_is_no_for() -> None:
    with for_server("200 white", "[]") as server:
        assert server.ask() == b"200 white\n"
        assert ran(server, 0) == ["white"]


def test_a_filter_may_change_the_list_of_control_files_for_the_later_ones() -> None:
    changes = "def do_filter(b, controls):\n    controls.append('more')\n    return ''\n"
    looks = "def do_filter(b, controls): return f'550 {len(controls)} {type(controls).__name__} {type(b).__name__}'\n"
    with Server(filters={"changes": changes, "looks": looks}) as server:
        assert server.ask() == b"550 2 list str\n"


# --- After a death ----------------------------------------------------------------------------------------------------


def skip_config(*, pool: str = "default", last: bool = True) -> str:
    return f"""\
        pools: {{default: {{workers: 2}}, other: {{workers: 1}}}}
        filters:
          - rewrite
          - {{filter: dies, pool: {pool}, timeout: 300ms, failure: {{on_crash: skip, on_timeout: skip}}}}
          {"- last" if last else ""}
        """


LAST = """\
    def do_filter(body_path, control_paths):
        print("ran last")
        return "250 " + open(body_path).read().splitlines()[-1]
    """
CRASH = "import os; os._exit(1)"
STUCK = "import time; time.sleep(60)"


def skip_server(pool: str = "default", last: bool = True) -> Server:
    filters = {"rewrite": REWRITE.format(name="rewrite"), "dies": script_filter("dies"), "last": LAST}
    return Server(filters=filters, config=skip_config(pool=pool, last=last))


@pytest.mark.parametrize("text", [CRASH, STUCK], ids=["crash", "timeout"])
@pytest.mark.parametrize("pool", ["default", "other"])
def test_the_message_goes_on_behind_a_filter_that_died_with_what_came_before_it(pool: str, text: str) -> None:
    with skip_server(pool) as server:
        body = script(text + "\n#", only="dies")
        message = server.spool.message(body)
        assert server.ask_message(message) == b"250 #rewritten by rewrite\n"
        assert message.body == body + b"rewritten by rewrite\n", "rewritten once"
        assert ran(server, 0) == ["last"]
        server.wait_for_log("filter dies: (crash|timeout): .*; policy skip; message 0")


CHANGES = {
    "rewrites the body": "open(body_path, 'a').write('half a ')",
    "replaces the body":
        "import os, shutil\nshutil.copy(body_path, body_path + '.new')\nos.rename(body_path + '.new', body_path)",
    "appends a record": "open(control_paths[0], 'a').write('S0 ')",
    "removes the body": "import os\nos.unlink(body_path)",
}


@pytest.mark.parametrize("last", [True, False], ids=["more to come", "last in the chain"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("text", [CRASH, STUCK], ids=["crash", "timeout"])
def test_a_message_that_a_dead_filter_had_begun_to_change_is_deferred_whatever_the_policy(
        text: str, change: str, last: bool) -> None:
    with skip_server(last=last) as server:
        assert server.ask(script(change + "\n" + text + "\n#", only="dies")) == DEFERRED
        server.wait_for_log("filter dies: (crash|timeout): .*; policy skip; message 0")
        line = server.wait_for_log("^message id=")
        assert " verdict=defer " in line and "reason=" in line
        assert ran(server, 0) == []


def test_a_pending_accept_survives_the_death_of_a_later_filter() -> None:
    """The filter that died counts as one that ran and said ''; the bypasses of before it hold."""
    config = """\
        filters:
          - {filter: white, for: [bypassed]}
          - {filter: dies, failure: {on_crash: skip}}
          - bypassed
          - last
        """
    filters = {"white": note("white", "200 white"), "dies": script_filter("dies"),
               "bypassed": note("bypassed", "550 no"), "last": note("last")}
    with Server(filters=filters, config=config) as server:
        assert server.ask(script(CRASH, only="dies")) == ACCEPTED
        assert ran(server, 0) == ["white", "last"]


def test_several_deaths_in_one_chain() -> None:
    names = ["a", "b", "c"]
    filters = {name: "import os\ndef do_filter(b, c): os._exit(1)\n" for name in names}
    with Server(filters=filters | {"last": note("last", "200 end")}, config="failure: {on_crash: skip}\n") as server:
        assert server.ask() == b"200 end\n"
        lines = [server.wait_for_log(f"filter {name}: crash: exit status 1; policy skip") for name in names]
        assert len(set(lines)) == 3


# --- Files ------------------------------------------------------------------------------------------------------------


def test_records_that_a_filter_appended_are_there_for_the_next_and_in_the_log() -> None:
    drops = """\
        import courier.control as c
        def do_filter(b, paths):
            c.del_recipient(paths, 'bob@example.net')
            return ''
        """
    looks = "import courier.control as c\ndef do_filter(b, paths): return '550 ' + ' '.join(c.get_recipients(paths))\n"
    config = """\
        pools: {a: {workers: 1}, b: {workers: 1}}
        filters: [{filter: drops, pool: a}, {filter: looks, pool: b}]
        """
    with Server(filters={"drops": drops, "looks": looks}, config=config) as server:
        message = server.spool.message(controls=[records(recipients=["bob@example.net", "carol@example.net"])])
        assert server.ask_message(message) == b"550 carol@example.net\n"
        assert re.search(rb"^S0 \d+$", message.controls[0], re.MULTILINE)
        assert " to=<carol@example.net> " in server.wait_for_log("^message id=.* verdict=")
        assert "addr=<carol@example.net>" in server.wait_for_log("^pythonfilter looks reject")


@pytest.mark.parametrize("victim", ["body_path", "control_paths[0]"])
def test_pitfall_13_files_that_a_filter_makes_vanish_defer_the_message(victim: str) -> None:
    filters = {"removes": script_filter("removes"), "next": note("next")}
    with Server(filters=filters) as server:
        assert server.ask(script(f"import os\nos.unlink({victim})", only="removes")).startswith(b"451 4.3.0 ")
        assert ran(server, 0) == []
        assert server.ask(script("")) == ACCEPTED


@pytest.mark.parametrize("which", ["body", "control", "both"])
def test_pitfall_13_files_that_are_gone_defer_the_message_before_a_filter_sees_it(which: str) -> None:
    with Server(filters={"looks": note("looks")}) as server:
        message = server.spool.message()
        if which != "control":
            message.body_path.unlink()
        if which != "body":
            message.control_paths[0].unlink()
        assert server.ask_message(message) == b"451 4.3.0 Message files are not available to the mail filter\n"
        assert ran(server, 0) == []


def test_pitfall_13_a_body_that_belongs_to_another_control_file_is_not_filtered() -> None:
    """The paths were reused for a later message while this one waited."""
    with Server(filters={"looks": note("looks", "550 seen")}) as server:
        message = server.spool.message()
        control = message.control_paths[0]
        copy = Path(f"{control}.copy")
        copy.write_bytes(control.read_bytes())
        os.chown(copy, server.account.pw_uid, -1) if os.geteuid() == 0 else None
        copy.replace(control)
        assert server.ask_message(message) == b"451 4.3.0 Message files are not available to the mail filter\n"
        server.wait_for_log("reason=\".*does not belong to")


def test_pitfall_15_control_files_are_bytes_and_recipients_that_are_done_are_not_open() -> None:
    looks = """\
        import courier.control as c
        def do_filter(b, paths): return f'550 {c.get_sender(paths)} {c.get_recipients(paths)}'
        """
    control = records(sender="a@x.test", recipients=["done@y.test", "open@y.test"]) + b"S0 1795341886 r\n"
    with Server(filters={"looks": looks}) as server:
        assert server.ask(controls=[control]) == b"550 a@x.test ['open@y.test']\n"
        odd = control.replace(b"a@x", b"\xff@x")
        assert server.ask(controls=[odd]) == b"550 (malformed utf8):%FF@x.test ['open@y.test']\n"
        assert " from=<\\xff@x.test> to=<open@y.test> " in server.wait_for_log(r"^message id=.*xff")
