"""What courier.control reads in a worker, which has the control files open, and keeps what it has read of those that
were not written just now: always what the paths lead to."""
from __future__ import annotations

import textwrap

import pytest
from support.server import Server
from support.spool import Message, records
from support.wait import wait_until

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


def wait_until_settled(message: Message) -> None:
    """Until each change of a control file gives it another time, whatever the clock of the file system."""
    tick = message.body_path.with_suffix(".tick")
    written = max(path.stat().st_ctime_ns for path in message.control_paths)

    def is_later() -> bool:
        tick.touch()
        return tick.stat().st_ctime_ns > written + 50_000_000

    wait_until("a later time of the file system", is_later)
    tick.unlink()


@pytest.mark.parametrize("settled", [False, True], ids=["just written", "settled"])
@pytest.mark.parametrize("name", DONE_BEFORE)
def test_control_reads_what_the_paths_lead_to(name: str, settled: bool) -> None:
    before, expected = DONE_BEFORE[name]
    with Server(filters={"reads": source(before)}, config=ONE_WORKER) as server:
        for _ in range(3):
            message = server.spool.message(controls=CONTROLS)
            if settled:
                wait_until_settled(message)
            assert server.ask_message(message) == f"450 {expected}\n".encode()
            message.remove()


def test_control_does_not_read_again_what_the_worker_has_read() -> None:
    counts = "def reads():\n    with open('/proc/self/io') as file:\n" \
             "        return int(file.read().split('syscr:')[1].split()[0])\n" \
             "before, none = reads(), reads()\n" \
             "count = len(control.get_recipients(control_paths))\n" \
             "again = (reads() - none) - (none - before)\n" \
             "control.add_recipient(control_paths, 'new@example.net')\n" \
             "return f'450 {count} recipients, {again} reads, then {len(control.get_recipients(control_paths))}'"
    many = [records(recipients=[f"r{n}@example.net" for n in range(3000)])] * 2
    with Server(filters={"reads": source(counts)}, config=ONE_WORKER) as server:
        message = server.spool.message(controls=many)
        wait_until_settled(message)
        assert server.ask_message(message) == b"450 6000 recipients, 0 reads, then 6001\n"


def test_the_workers_of_later_pools_are_told_what_a_few_records_say() -> None:
    looks = """\
        from courier import control

        last = 0

        def bytes_read():
            with open('/proc/self/io') as file:
                return int(file.read().split()[1])

        def do_filter(body_path, control_paths):
            global last
            before = bytes_read() - last
            sender = control.get_sender(control_paths)
            last = bytes_read()
            return f'450 {sender} {"read" if before > 30000 else "told"}'
    """
    config = "filters: [{filter: passes, pool: {workers: 1}}, {filter: looks, pool: {workers: 1}}]\n"
    passes = "def do_filter(body_path, control_paths):\n    return ''\n"
    long = ["x" * 40000]
    many = [records(sender="many@x", recipients=[f"r{n}@x" for n in range(40)], extra=long)]
    few = [records(sender="few@x", extra=long)]
    with Server(filters={"passes": passes, "looks": looks}, config=config) as server:
        replies = []
        for controls in (many, many, few, many, few, few):
            message = server.spool.message(controls=controls)
            wait_until_settled(message)
            replies.append(server.ask_message(message))
        assert replies[1:] == [f"450 {text}\n".encode() for text in
                               ("many@x read", "few@x told", "many@x read", "few@x told", "few@x told")]


def test_control_opens_no_file_that_the_worker_has_open() -> None:
    limited = "import resource\nlimits = resource.getrlimit(resource.RLIMIT_NOFILE)\n" \
              "resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))\n" \
              "sender = control.get_sender(control_paths)\n" \
              "resource.setrlimit(resource.RLIMIT_NOFILE, limits)\nreturn f'450 {sender}'"
    with Server(filters={"reads": source(limited)}, config=ONE_WORKER) as server:
        assert server.ask(controls=CONTROLS) == b"450 alice@example.com\n"
