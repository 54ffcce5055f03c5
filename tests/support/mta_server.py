"""The real server behind a private Courier, with a filter that marks mail and one that does what the message says.

Used by tests/e2e. A delivered message proves that it was filtered by MARK: the filter `mark` writes the queue id there,
which no client can know beforehand. Must never change the installed tree.
"""
from __future__ import annotations

import base64
import os
import re
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import tree
from .mta import Courier
from .namespaces import Process
from .processes import descriptors
from .smtp import Client, Dialogue
from .wait import wait_until

NAME = "pythonfilter"
FILTERS = "/etc/courier/pythonfilter.d"
EVE, BOB, ALICE = "eve@example.com", "bob@mail.test", "alice@mail.test"
MARK = "X-Filter-Mark"
GATE = "gate.open"  # below /etc/courier; see HOLD

# What the message itself tells a filter to do: the body of a function, in a header field named after the filter.
TOLD_FILTER = """\
import base64, os, signal, sys, time
import courier.control as control

HEAD = b"x-do-" + __name__.rpartition(".")[2].encode() + b":"

def do_filter(body_path, control_paths):
    with open(body_path, "rb") as message:
        for line in message:
            if line == b"\\n":
                break
            if line.lower().startswith(HEAD):
                source = base64.b64decode(line[len(HEAD):]).decode()
                names = dict(globals(), body_path=body_path, control_paths=control_paths)
                exec("def act():\\n" + "".join("    " + row + "\\n" for row in source.splitlines()), names)
                return names["act"]()
    return ""
"""
MARK_FILTER = f"""\
import courier.xfilter

def do_filter(body_path, control_paths):
    message = courier.xfilter.XFilter("mark", body_path, control_paths)
    message.get_message()["{MARK}"] = message.get_control_data()["M"]
    return message.submit()
"""
STANDARD = {"mark": MARK_FILTER, "told": TOLD_FILTER}
STANDARD_CHAIN = "filters: [mark, told]\n"


def hold(name: str, limit: float = 50.0) -> str:
    """For TOLD_FILTER: says "holding NAME" in the log, then waits until open_gate()."""
    return f"""\
sys.stderr.write("holding {name}\\n")
end = time.monotonic() + {limit}
while not os.path.exists("/etc/courier/{GATE}"):
    if time.monotonic() > end:
        return "550 the gate stayed closed"
    time.sleep(0.005)
"""


def open_gate(mta: Courier) -> None:
    mta.configure(GATE, "")


def told(source: str = "", *, name: str = "message", to: str = "told") -> bytes:
    """A message that tells the filter `to` what to do; the name is in its subject."""
    order = f"X-Do-{to}: {base64.b64encode(source.encode()).decode()}\n" if source else ""
    return (f"From: Eve <{EVE}>\nTo: Bob <{BOB}>\nSubject: <{name}>\nMessage-ID: <{name}@example.com>\n"
            f"Date: Mon, 02 Jun 2025 09:15:00 +0200\n{order}\nbody of {name}\n").encode()


def install_server(mta: Courier, filters: Mapping[str, str] = STANDARD, config: str = STANDARD_CHAIN, *,
                   path: bool = True) -> None:
    """Puts the server, its configuration and the filters in place; Courier may run already.

    Args:
        config: The content of pythonfilter.yaml; the filters' directory is put before it.
        path: False: `config` has a filter_path of its own, or wants none.
    """
    for name, source in filters.items():
        mta.configure(f"{NAME}.d/{name}.py", source)
    mta.configure(f"{NAME}.yaml", (f"filter_path: [{FILTERS}]\n" if path else "") + config)
    install_program(mta)


def install_program(mta: Courier, *, start: bool = True) -> None:
    """The program alone."""
    root = tree.readable_tree()
    mta.install_filter(NAME, root / tree.PROGRAM, tree=root, start=start)


# The server's processes

@dataclass(frozen=True)
class Family:
    """The processes of one server, from what courierfilter started downwards."""

    guardian: Process
    masters: list[Process]
    zygotes: list[Process]
    workers: list[Process]

    @property
    def everybody(self) -> list[Process]:
        return [self.guardian, *self.masters, *self.zygotes, *self.workers]


def family(mta: Courier) -> Family:
    """Who lives now; zombies do not count."""
    living = [process for process in mta.processes() if process.command]
    (guardian,) = [process for process in mta.filter_processes() if process.named(NAME)]

    def children(parents: list[Process]) -> list[Process]:
        numbers = {process.pid for process in parents}
        return [process for process in living if process.ppid in numbers]

    masters = children([guardian])
    zygotes = children(masters)
    return Family(guardian, masters, zygotes, children(zygotes))


def wait_family(mta: Courier, workers: int, timeout: float = 20.0) -> Family:
    """Waits until master and zygote live and have that many workers."""
    def whole() -> Family | None:
        found = family(mta)
        complete = len(found.masters) == len(found.zygotes) == 1 and len(found.workers) == workers
        return found if complete else None

    return wait_until(f"a server with {workers} workers", whole, timeout) or family(mta)


def kill(process: Process) -> None:
    """Ends one process outright and waits until it is no more than a zombie."""
    os.kill(process.host_pid, signal.SIGKILL)
    wait_until(f"the end of {process.pid}", lambda: not _lives(process.host_pid))


def _lives(host_pid: int) -> bool:
    try:
        state = Path(f"/proc/{host_pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def socket_count(process: Process) -> int:
    """How many sockets a process has open; each client of the master is one."""
    return sum(target.startswith("socket:") for target in descriptors(process.host_pid).values())


def reload_server(mta: Courier) -> None:
    """SIGHUP to the process that courierfilter knows; waits for the next generation."""
    mark = mta.log.mark()
    os.kill(family(mta).guardian.host_pid, signal.SIGHUP)
    mta.log.wait_for("generation [0-9]+ serves", after=mark)


# Mail

def names_of(messages: list[bytes]) -> list[str]:
    """The names of told() messages."""
    return [match[1].decode() for message in messages for match in re.finditer(rb"^Subject: <(.*)>$", message, re.M)]


def is_marked(message: bytes) -> bool:
    """Whether the filter `mark` has seen it: exactly one mark, with the id that Courier gave to this message."""
    marks = re.findall(rb"^X-Filter-Mark: (\S+)$", message, re.M)
    received = re.search(rb"^  id ([0-9A-F.]+); ", message, re.M)
    return received is not None and marks == [received[1]]


def wait_named(mta: Courier, name: str, user: str = "bob", timeout: float = 15.0) -> bytes:
    """The delivered message of that name."""
    def found() -> bytes | None:
        return next((message for message in mta.messages(user) if names_of([message]) == [name]), None)

    return wait_until(f"the delivery of {name}", found, timeout) or b""


def never_delivered(mta: Courier, name: str) -> bool:
    """Whether a message that was refused is nowhere: neither in the queue nor in a mailbox."""
    mta.wait_queue_empty()
    return not any(name in names_of(mta.messages(user)) for user in ("bob", "alice"))


def send(mta: Courier, source: str = "", *, name: str = "message", to: str = "told", timeout: float = 60.0) -> Dialogue:
    """One told() message from Eve to Bob."""
    return mta.send(EVE, [BOB], told(source, name=name, to=to), timeout=timeout)


class Held:
    """A client for each name, all at once; the filter holds each message until open_gate(), then does `then`."""

    def __init__(self, mta: Courier, names: Sequence[str], then: str = "return ''", timeout: float = 60.0) -> None:
        self.names = list(names)
        self._mta = mta
        self._mark = mta.log.mark()
        self._answers: dict[str, str] = {}
        self._threads = {name: threading.Thread(target=self._send, args=(name, then, timeout)) for name in names}
        for thread in self._threads.values():
            thread.start()

    def _send(self, name: str, then: str, timeout: float) -> None:
        try:
            self._answers[name] = str(send(self._mta, hold(name) + then, name=name, timeout=timeout).last)
        except Exception as problem:  # is the answer, for the test to judge
            self._answers[name] = f"{type(problem).__name__}: {problem}"

    def wait_in_filter(self) -> None:
        """Until a filter holds every one of them."""
        for name in self.names:
            self._mta.log.wait_for(f"holding {name}$", after=self._mark)

    def answer(self, name: str) -> str:
        """What that client saw, or what went wrong; waits for it."""
        self._threads[name].join()
        return self._answers[name]


def raw_answer(client: Client, message: bytes, rcpts: tuple[str, ...] = (BOB,)) -> bytes:
    """Sends one message in a session and returns the answer to its data, byte by byte as it came."""
    for command, code in ((f"MAIL FROM:<{EVE}>", 250), *((f"RCPT TO:<{rcpt}>", 250) for rcpt in rcpts), ("DATA", 354)):
        answer = client.docmd(command)
        assert answer[0] == code, f"{command}: {answer}"
    stuffed = re.sub(rb"(?m)^\.", b"..", message)
    client.send(stuffed.replace(b"\n", b"\r\n") + b".\r\n")
    assert client.file is not None
    lines = [client.file.readline()]
    while lines[-1][3:4] == b"-":
        lines.append(client.file.readline())
    return b"".join(lines)
