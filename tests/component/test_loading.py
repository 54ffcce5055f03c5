"""From a name in the configuration to hooks that are called: where filters are found, what init may do, what fails.

A filter that cannot be loaded never makes mail pass, and the log says what to mend. Must never need a particular stock
filter to exist but `debug`.
"""
from __future__ import annotations

import re
import time

import pytest
from support.server import Server
from support.wait import wait_until

DEFERRED = b"451 4.3.0 Mail filter failed, please try again later\n"
ACCEPTED = b"200 Ok\n"
SAYS = "def do_filter(body_path, control_paths): return '550 {}'\n"


# --- Names and hooks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "reply"), [
    ("def do_filter(b, c): return '550 new'\n", b"550 new\n"),
    ("def doFilter(b, c): return '550 old'\n", b"550 old\n"),
    ("def init_filter():\n    global word\n    word = 'new'\ndef do_filter(b, c): return '550 ' + word\n",
     b"550 new\n"),
    ("def initFilter():\n    global word\n    word = 'old'\ndef doFilter(b, c): return '550 ' + word\n", b"550 old\n"),
    ("def init_filter():\n    global do_filter\n    do_filter = lambda b, c: '550 made by init'\n",
     b"550 made by init\n"),
    ("class Filter:\n    def __call__(self, b, c): return '550 object'\ndo_filter = Filter()\n", b"550 object\n"),
], ids=["do_filter", "doFilter", "init_filter", "initFilter", "hook made by init", "callable object"])
def test_hooks_of_either_spelling(source: str, reply: bytes) -> None:
    with Server(filters={"spelled": source}) as server:
        assert server.ask() == reply


def test_both_spellings_in_one_module_are_both_called_the_old_one_first() -> None:
    source = """\
        calls = []
        def init_filter(): calls.append("init_filter")
        def initFilter(): calls.append("initFilter")
        def doFilter(b, c):
            calls.append("doFilter")
            return ""
        def do_filter(b, c): return "550 " + " ".join(calls)
        """
    with Server(filters={"both": source}, config="pools: {default: {workers: 1}}\n") as server:
        assert server.ask() == b"550 initFilter init_filter doFilter\n"
        assert "filters=both:" in (line := server.wait_for_log("^message id=")) and line.count("both:") == 2


def test_a_reply_of_the_old_spelling_ends_the_chain_before_the_new_one() -> None:
    source = "def doFilter(b, c): return '550 old'\ndef do_filter(b, c): return '550 new'\n"
    with Server(filters={"both": source}) as server:
        assert server.ask() == b"550 old\n"


@pytest.mark.parametrize("name", ["with-dash", "with_underscore", "CamelCase", "f00"])
def test_names(name: str) -> None:
    with Server(filters={name: SAYS.format(name)}) as server:
        assert server.ask() == b"550 %s\n" % name.encode()


@pytest.mark.parametrize("name", ["package.module", "package.deep.module"])
def test_a_dotted_name_is_a_module_of_a_package(name: str) -> None:
    server = Server(config=f"filters: [{name}]\n")
    path = server.filter_directory.joinpath(*name.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True)
    for parent in {path.parent, path.parent.parent} - {server.filter_directory}:
        (parent / "__init__.py").touch()
    path.write_text(SAYS.format("{__name__}").replace("'550", "f'550"))
    with server:
        assert server.ask() == b"550 pythonfilter.%s\n" % name.encode()


def test_a_sites_directory_comes_before_the_stock_filters_and_may_import_its_neighbours() -> None:
    debug = "import site_words\ndef do_filter(b, c): return '550 ' + site_words.WORD\n"
    filters = {"debug": debug, "site_words": "WORD = 'mine'\n"}
    with Server(filters=filters, config="filters: [debug]\n") as server:
        assert server.ask() == b"550 mine\n"


def test_a_stock_filter_needs_no_directory() -> None:
    with Server(config="filters: [debug]\n") as server:
        assert server.ask() == ACCEPTED
        assert "filters=debug:" in server.wait_for_log("^message id=")


def test_a_module_of_the_standard_library_is_not_hidden_by_a_filter_of_its_name() -> None:
    uses = "import json\ndef do_filter(b, c): return json.loads('\"550 library\"')\n"
    filters = {"json": SAYS.format("mine"), "uses": uses}
    with Server(filters=filters, config="filters: [uses, json]\n") as server:
        assert server.ask() == b"550 library\n"


def test_the_same_module_in_two_pools_has_two_sets_of_globals() -> None:
    source = """\
        count = 0
        def do_filter(b, c):
            global count
            count += 1
            print('count', count)
            return ''
        """
    config = """\
        pools: {a: {workers: 1}, b: {workers: 1}}
        filters: [{filter: counts, pool: a}, {filter: counts, pool: b}]
        """
    with Server(filters={"counts": source}, config=config) as server:
        server.ask()
        for pool in "ab":
            server.wait_for_log(rf"\[{pool}/1 [0-9A-F.]+\] count 1$")


def test_what_init_filter_says_is_logged_once_for_a_generation() -> None:
    source = """\
        import sys
        def init_filter(): sys.stderr.write('Initialized the "said" filter\\n')
        def do_filter(b, c):
            import os
            os._exit(1)
        """
    with Server(filters={"said": source}, config="pools: {default: {workers: 4}}\n") as server:
        assert [server.ask() for _ in range(3)] == [DEFERRED] * 3
        wait_until("four workers", lambda: len(server.worker_pids()) == 4)
        wait_until("the last one's ready", lambda: server.ask() == DEFERRED)
        assert sum("Initialized the" in line for line in server.log_lines()) == 1
        server.wait_for_log(r'^\[default\] Initialized the "said" filter$')


# --- What goes wrong --------------------------------------------------------------------------------------------------

LIFE = "def do_filter(b, c): return ''\n"
BROKEN = {
    "missing module": (None, r"filter module broken not found \(looked in .*filters.d, .*\)"),
    "missing import": ("import no_such_module\n" + LIFE, "needs the module no_such_module, which is not there"),
    "missing name": ("from os import no_such_name\n" + LIFE, "cannot be imported: ImportError: .*no_such_name"),
    "syntax": ("def do_filter(b, c) return ''\n", "filter broken cannot be imported: .*SyntaxError"),
    "raises at import": ("raise OSError('no licence')\n", "filter broken cannot be imported: OSError: no licence"),
    "exits at import": ("import sys\nsys.exit('bye')\n", "tried to end the program .*: SystemExit: bye"),
    "no hook": ("x = 1\n", r"filter broken \(.*/broken.py\) defines neither do_filter nor doFilter"),
    "init raises": ("def init_filter(): raise OSError('no scanner')\n" + LIFE,
                    "init_filter of .* failed: OSError: no scanner"),
    "init exits": ("import sys\ndef init_filter(): sys.exit(1)\n" + LIFE, "init_filter of .* failed: SystemExit: 1"),
    "init of AttributeError": ("def init_filter(): None.x\n" + LIFE, "init_filter of .* failed: AttributeError: "),
    "old init raises": ("def initFilter(): raise OSError('old')\n" + LIFE, "initFilter of .* failed: OSError: old"),
}


@pytest.mark.parametrize(("source", "told"), BROKEN.values(), ids=BROKEN)
def test_a_filter_that_cannot_be_loaded_gets_the_policy_and_the_others_go_on(source: str | None, told: str) -> None:
    before = "def do_filter(b, c):\n    print('ran before')\n    return ''\n"
    filters = {"before": before, "after": SAYS.format("after")}
    if source is not None:
        filters["broken"] = source
    config = "filters: [before, {filter: broken, failure: {on_unavailable: %s}}, after]\n"
    with Server(filters=filters, config=config % "defer") as server:
        server.wait_for_log(f"ERR: filter broken is not available: .*({told})", timeout=1)
        assert server.ask() == DEFERRED
        assert server.wait_for_log("filter broken: unavailable: .*; policy defer; message 0")
        server.wait_for_log(r"\] ran before$")
    with Server(filters=filters, config=config % "skip") as server:
        assert server.ask() == b"550 after\n"


HOPELESS = {
    "init hangs": ("import time\ndef init_filter(): time.sleep(600)\n" + LIFE,
                   "worker default/1 ended before it was ready, in init_filter of broken: was not ready in time"),
    "init exits hard": ("import os\ndef init_filter(): os._exit(4)\n" + LIFE,
                        r"worker default/1 ended before it was ready, in init_filter of broken: exit status 4"),
    "init crashes": ("import ctypes\ndef init_filter(): ctypes.string_at(0)\n" + LIFE,
                     r"worker default/1 ended before it was ready, in init_filter of broken: signal 11 \(SIGSEGV\)"),
}


@pytest.mark.parametrize(("source", "told"), HOPELESS.values(), ids=HOPELESS)
def test_a_filter_that_takes_its_worker_along_stops_its_pool_only(source: str, told: str) -> None:
    config = """\
        pools: {default: {workers: 1, start_timeout: 1s}, other: {workers: 1}}
        filters: [{filter: other, pool: other}, broken]
        """
    others = "def do_filter(b, c): return '550 other' if 'refuse' in open(b).read() else ''\n"
    with Server(filters={"other": others, "broken": source}, config=config) as server:
        server.wait_for_log(f"ERR: .*{told}")
        began = time.monotonic()
        assert server.ask() == DEFERRED
        assert server.ask(b"Subject: refuse\n\n") == b"550 other\n"
        assert time.monotonic() - began < 5.0
        assert server.wait_for_log("filter broken: unavailable: its pool has no worker; policy defer")


def test_the_log_shows_where_init_filter_hangs() -> None:
    source = "import time\ndef init_filter():\n    x = 1\n    time.sleep(600)\n" + LIFE
    with Server(filters={"hangs": source}, config="pools: {default: {workers: 1, start_timeout: 1s}}\n") as server:
        server.wait_for_log(r"^WARN: .*File \".*/hangs.py\", line 4 in init_filter")


# --- preload: auto ----------------------------------------------------------------------------------------------------

TAINTS = {
    "a file": ("import os\nfile = open(os.devnull)\n", r"descriptor \d+ \(/dev/null\)"),
    "a socket": ("import socket\nsock = socket.socket()\n", r"descriptor \d+ \(socket:"),
    "a thread": ("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n",
                 r"thread \d+"),
    "a process": ("import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\n", r"process \d+ \("),
    "an alarm": ("import signal\nsignal.signal(signal.SIGALRM, lambda *_: None)\nsignal.alarm(500)\n",
                 "an alarm timer"),
}


@pytest.mark.parametrize(("source", "told"), TAINTS.values(), ids=TAINTS)
def test_an_import_that_cannot_be_shared_is_done_in_each_worker(source: str, told: str) -> None:
    head = "import os\nprint('imported by', os.getpid())\n"
    tail = "def do_filter(b, c): return f'550 {os.getpid()}'\n"
    with Server(filters={"opens": head + source + tail}, config="pools: {default: {workers: 2}}\n") as server:
        line = server.wait_for_log("WARN: pool default: .*while it was imported, so each worker imports for itself")
        assert re.search(told, line)
        pid = int(server.ask().split()[1])
        assert pid in server.worker_pids()
        server.wait_for_log(f"imported by {pid}")
        assert not any("ERR" in each for each in server.log_lines())


def test_an_import_that_only_reads_is_shared() -> None:
    source = """\
        import os, email, sqlite3
        print('imported by', os.getpid())
        open(os.devnull).close()
        def do_filter(b, c): return ''
        """
    with Server(filters={"reads": source}, config="pools: {default: {workers: 3}}\n") as server:
        assert server.ask() == ACCEPTED
        assert sum("imported by" in line for line in server.log_lines()) == 1
        assert f"imported by {server.zygote_pids()[0]}" in "\n".join(server.log_lines())


def test_preload_no_imports_in_each_worker() -> None:
    source = "import os\nprint('imported by', os.getpid())\ndef do_filter(b, c): return ''\n"
    with Server(filters={"plain": source}, config="pools: {default: {workers: 3, preload: no}}\n") as server:
        wait_until("each to say so", lambda: sum("imported by" in line for line in server.log_lines()) == 3)
