"""Pools of their own, written in place, and the environment of a pool: each filter has its own worker and variables.

Shown with filters that answer with their pid and with what they find in their environment.
"""
from __future__ import annotations

import re
import signal

from support.script_filter import SCRIPT_FILTER, script
from support.server import Server

LIMIT = 30.0
IN_PLACE = """
    filters:
      - script
      - {filter: pid, for: [pid], pool: {workers: 1, nice: 3}}
      - {filter: pid, pool: {workers: 1, start_timeout: 20s}}
    """
PIDS = """
    import os

    def do_filter(body, controls):
        print(f"filter {os.getpid()} nice {os.nice(0)}")
        return ""
    """
WITH_ENVIRONMENT = """
    pools: {default: {workers: 1, env: {OTHER: pool}}}
    filters:
      - first
      - filter: script
        pool:
          workers: 1
          env: {PYTHONHASHSEED: 0, SITE: "räume = {x}", KEPT: by the pool, EMPTY: ""}
    """


def test_a_filter_twice_with_pools_in_place_runs_in_two_processes() -> None:
    with Server(config=IN_PLACE, filters={"script": SCRIPT_FILTER, "pid": PIDS}) as server:
        assert server.ask(script("")) == b"200 Ok\n"
        first = server.wait_for_log(r"\[pid/1 .*filter (\d+) nice 3")
        second = server.wait_for_log(r"\[pid-2/1 .*filter (\d+) nice 0")
        assert len({re.search(r"filter (\d+)", line)[1] for line in (first, second)}) == 2  # type: ignore[index]
        assert len(server.zygote_pids()) == 3


def test_env_is_there_before_the_interpreter_and_for_this_pool_alone() -> None:
    first = "import os\ndef do_filter(body, controls):\n" \
            "    return '' if os.environ.get('OTHER') == 'pool' and 'SITE' not in os.environ else '550 first'\n"
    server = Server(config=WITH_ENVIRONMENT, filters={"first": first, "script": SCRIPT_FILTER},
                    environment={"KEPT": "by the server", "HANDED_ON": "yes"})
    with server:
        told = server.ask(script("""
            import os, subprocess, sys
            names = ("SITE", "KEPT", "EMPTY", "HANDED_ON", "OTHER")
            seed = sys.flags.hash_randomization
            child = subprocess.run(["/bin/sh", "-c", "echo $KEPT"], capture_output=True, text=True).stdout.strip()
            reply = "550 " + ascii([*map(os.environ.get, names), seed, child])
            """))
        assert told == b"550 ['r\\xe4ume = {x}', 'by the pool', '', 'yes', None, 0, 'by the pool']\n"


def test_the_environment_with_env_is_what_a_message_begins_with() -> None:
    with Server(config=WITH_ENVIRONMENT.replace("- first", ""), filters={"script": SCRIPT_FILTER}) as server:
        assert server.ask(script("import os\ndel os.environ['SITE']\nos.environ['KEPT'] = 'evil'")) == b"200 Ok\n"
        server.wait_for_log(r"the environment \((SITE, KEPT|KEPT, SITE)\)")
        look = script("import os\nreply = '550 ' + ascii([os.environ['SITE'], os.environ['KEPT']])")
        assert server.ask(look) == b"550 ['r\\xe4ume = {x}', 'by the pool']\n"


def test_a_reload_gives_new_workers_the_new_environment() -> None:
    config = "filters: [{filter: script, pool: {workers: 1, env: {X: %s}}}]\n"
    look = script("import os\nreply = '550 ' + os.environ['X']")
    with Server(config=config % "one", filters={"script": SCRIPT_FILTER}) as server:
        assert server.ask(look) == b"550 one\n"
        server.write_config(config % "two")
        server.signal(signal.SIGHUP)
        server.wait_for_log("generation 2 serves", timeout=LIMIT)
        assert server.ask(look) == b"550 two\n"
