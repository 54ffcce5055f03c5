"""What courier.control reads in a worker, which has the control files open: always what the paths lead to."""
from __future__ import annotations

import textwrap

import pytest
from support.server import Server
from support.spool import records

ONE_WORKER = "pools: {default: {workers: 1}}\n"
CONTROLS = [records(sender="alice@example.com"), records(sender="dave@example.com")]

# `held`: the worker's descriptors of the files. The clock of a file system may tick slowly: a change that the kernel
# gives the same time as Courier's last one could not be seen, so none comes before the next tick.
BEFORE = """\
    import os, shutil
    from courier import control

    def descriptors_of(path):
        its = os.stat(path)
        return [int(fd) for fd in os.listdir('/proc/self/fd') if is_same(int(fd), its)]

    def is_same(fd, its):
        try:
            return os.path.samestat(os.fstat(fd), its)
        except OSError:
            return False

    def do_filter(body_path, control_paths):
        first, second = control_paths
        held = descriptors_of(first) + descriptors_of(second)
        assert len(held) == 2, held
        while True:
            with open(body_path + '.tick', 'w') as file:
                if os.fstat(file.fileno()).st_ctime_ns > os.stat(second).st_ctime_ns:
                    break
        os.unlink(body_path + '.tick')
"""

# What a filter does before it asks who sent the message, and what it is told then.
DONE_BEFORE = {
    "nothing": ("", "alice@example.com"),
    "closes all descriptors": ("os.closerange(3, 256)", "alice@example.com"),
    "puts others in their place": ("null = os.open('/dev/null', os.O_RDWR)\nfor fd in held: os.dup2(null, fd)",
                                   "alice@example.com"),
    "can only write them": ("fd = os.open(first, os.O_WRONLY)\nos.dup2(fd, held[0])", "alice@example.com"),
    "exchanges their descriptors": ("os.dup2(held[0], 100)\nos.dup2(held[1], held[0])\nos.dup2(100, held[1])",
                                    "alice@example.com"),
    "writes in place": ("with open(first, 'r+') as file:\n    text = file.read()\n    file.seek(0)\n"
                        "    file.write(text.replace('salice', 'scarol'))", "carol@example.com"),
    "renames another over it": ("shutil.copy(second, second + '.new')\nos.rename(second + '.new', first)",
                                "dave@example.com"),
    "moves it aside and writes another": ("os.rename(first, first + '.old')\nshutil.copy(second, first)",
                                          "dave@example.com"),
    "keeps a link and renames another over it": (
        "os.link(first, first + '.old')\nshutil.copy(second, second + '.new')\nos.rename(second + '.new', first)",
        "dave@example.com"),
    "exchanges them": ("os.rename(first, first + '.old')\nos.rename(second, first)\nos.rename(first + '.old', second)",
                       "dave@example.com"),
    "gives another list": ("control_paths = control_paths[::-1]", "dave@example.com"),
    "removes it": ("os.unlink(first)", "FileNotFoundError"),
    "moves it away": ("os.rename(first, first + '.old')", "FileNotFoundError"),
}
ASK = """
        try:
            return f'450 {control.get_sender(control_paths)}'
        except FileNotFoundError as error:
            return f'450 {type(error).__name__}'
"""


def source(before: str) -> str:
    return textwrap.dedent(BEFORE + textwrap.indent(before, " " * 8) + ASK)


@pytest.mark.parametrize("name", DONE_BEFORE)
def test_control_reads_what_the_paths_lead_to(name: str) -> None:
    before, expected = DONE_BEFORE[name]
    with Server(filters={"reads": source(before)}, config=ONE_WORKER) as server:
        assert [server.ask(controls=CONTROLS) for _ in range(3)] == [f"450 {expected}\n".encode()] * 3


def test_control_opens_no_file_that_the_worker_has_open() -> None:
    limited = "import resource\nlimits = resource.getrlimit(resource.RLIMIT_NOFILE)\n" \
              "resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))\n" \
              "sender = control.get_sender(control_paths)\n" \
              "resource.setrlimit(resource.RLIMIT_NOFILE, limits)\nreturn f'450 {sender}'"
    with Server(filters={"reads": source(limited)}, config=ONE_WORKER) as server:
        assert server.ask(controls=CONTROLS) == b"450 alice@example.com\n"
