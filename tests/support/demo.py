"""dev/run, after the build: starts the server, has messages answered, and shows what happened to each.

Started by dev/run as a program: demo.py [--courier] [FILE...]. Exit status 0 when every message got exactly one reply,
and each sample the one it is made for. Must never leave a process or a directory behind; the log stays in
build/run.log.
"""
from __future__ import annotations

import argparse
import email
import email.utils
import os
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import demo_report as report  # noqa: E402  # needs the path above
from support import server, tree  # noqa: E402
from support.mta import Courier  # noqa: E402
from support.spool import records  # noqa: E402
from support.syslog_socket import LogLine  # noqa: E402

SAMPLES = Path(__file__).with_name("samples")
EXPECTED = {"clean": "accept", "exe-attachment": "reject", "crash-please": "defer"}  # sample: verdict
OWN_FILTER = "crash_on_request"
CHAIN = [OWN_FILTER, "attachments"]
CHAIN_LINE = f"filters: [{', '.join(CHAIN)}]\n"
BOB = "bob@mail.test"
MAX_SOCKET_PATH = 107
LOG = tree.CHECKOUT / "build" / "run.log"


@dataclass(frozen=True)
class Mail:
    """One message to send."""

    name: str
    content: bytes
    expected: str  # verdict, or empty when any will do

    @property
    def sender(self) -> str:
        """The address in its From field, if that is a plain one."""
        address = email.utils.parseaddr(str(email.message_from_bytes(self.content).get("From", "")))[1]
        return address if re.fullmatch(r"[\w.+=-]+@[\w.-]+", address, re.ASCII) else "eve@example.com"


def read_mail(path: Path) -> Mail:
    """Line ends become LF, and an mbox's "From " line goes, as on their way through Courier."""
    content = path.read_bytes().replace(b"\r\n", b"\n")
    content = re.sub(rb"\AFrom [^\n]*\n", b"", content)
    expected = EXPECTED.get(path.stem, "") if path.resolve().parent == SAMPLES.resolve() else ""
    return Mail(path.name, content if content.endswith(b"\n") else content + b"\n", expected)


def main() -> int:
    parser = argparse.ArgumentParser(description="Has messages answered by the server that dev/build installed.")
    parser.add_argument("--courier", action="store_true", help="through a private Courier: SMTP in, Maildir out")
    parser.add_argument("message", nargs="*", type=Path, help="a file with one message; default: the samples")
    options = parser.parse_args()
    try:
        mails = [read_mail(path) for path in options.message or [SAMPLES / f"{name}.eml" for name in EXPECTED]]
        return through_courier(mails) if options.courier else on_private_spool(mails)
    except (OSError, RuntimeError, AssertionError, tree.NotBuilt) as error:  # TimeoutError is an OSError
        print(f"dev/run: {error}", file=sys.stderr)
        return 1


def on_private_spool(mails: list[Mail]) -> int:
    """Asks the server the way Courier does: over its socket, with the paths of files in a spool."""
    user = server.mail_user()[0].pw_name
    os.environ["PYTHONFILTER_ROOT"] = str(tree.readable_tree(user))
    begin = time.monotonic()
    running = server.Server(parent=place(user), config=CHAIN_LINE,
                            filters={OWN_FILTER: (SAMPLES / f"{OWN_FILTER}.py").read_text()})
    results: list[report.Result] = []
    try:
        with running:
            say(f"the server is ready after {time.monotonic() - begin:.2f} s; user {user}, spool {running.spool.path}, "
                f"filters {', '.join(CHAIN)}")
            for mail in mails:
                results.append(ask(running, mail))
                report.show(results[-1])
    finally:
        report.show_log(running.log_lines(), LOG)
    return report.conclude(results)


def ask(running: server.Server, mail: Mail) -> report.Result:
    mark = len(running.log_lines())
    begin = time.monotonic()
    reply = running.ask(mail.content, [records(sender=mail.sender, recipients=[BOB])], timeout=300.0)
    seconds = time.monotonic() - begin
    line = running.wait_for_log(report.MESSAGE, after=mark)
    return report.Result(mail.name, mail.expected, reply, seconds, line)


def place(user: str) -> Path:
    """Where the private spool goes: build/, or /tmp where the mail user or a socket's name cannot get there."""
    build = tree.CHECKOUT / "build"
    longest = len(str(build / "pythonfilter-test-12345678" / "spool" / "allfilters" / ".pythonfilter"))
    if tree.searchable(build, user) and longest <= MAX_SOCKET_PATH:
        return build
    why = "is too long a name for a socket" if longest > MAX_SOCKET_PATH else f"cannot be entered by the user {user}"
    say(f"the spool is in {tempfile.gettempdir()}, because {build} {why}")
    return Path(tempfile.gettempdir())


def through_courier(mails: list[Mail]) -> int:
    """Sends the messages by SMTP to a Courier of our own and looks into the Maildir."""
    root = tree.readable_tree()
    results: list[report.Result] = []
    with Courier() as mta:
        mta.configure(f"pythonfilter.d/{OWN_FILTER}.py", (SAMPLES / f"{OWN_FILTER}.py").read_bytes())
        mta.configure("pythonfilter.yaml", f"filter_path: [/etc/courier/pythonfilter.d]\n{CHAIN_LINE}")
        mta.install_filter("pythonfilter", root / tree.PROGRAM, tree=root)
        try:
            begin = time.monotonic()
            mta.start()
            say(f"Courier and the server are ready after {time.monotonic() - begin:.2f} s; filters {', '.join(CHAIN)}")
            for mail in mails:
                results.append(send(mta, mail))
                report.show(results[-1])
            accepted = sum(result.verdict == "accept" for result in results)
            report.show_maildir(BOB, mta.wait_messages("bob", accepted) if accepted else [])
            mta.wait_queue_empty()
            arrived = len(mta.messages("bob"))
        finally:
            report.show_log([log_text(line) for line in mta.log.lines("courierfilter")], LOG)
    status = report.conclude(results)
    if arrived != accepted:
        say(f"{accepted} accepted, but {arrived} delivered")
    return status if arrived == accepted else 1


def send(mta: Courier, mail: Mail) -> report.Result:
    mark = mta.log.mark()
    begin = time.monotonic()
    dialogue = mta.send(mail.sender, [BOB], mail.content, timeout=300.0)
    seconds = time.monotonic() - begin
    reply = dialogue.last
    lines = reply.text.splitlines() or [""]
    text = "".join(f"{reply.code}{'-' if line is not lines[-1] else ' '}{line}\n" for line in lines).encode()
    line = ""  # no message line: Courier refused it before any filter
    if dialogue.data is not None:
        line = mta.log.wait_for(report.MESSAGE, after=mark).text
    return report.Result(mail.name, mail.expected, text, seconds, line)


def log_text(line: LogLine) -> str:
    return line.text if line.priority == "info" else f"{line.priority}: {line.text}"


def say(text: str) -> None:
    print(f"dev/run: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
