"""The pitfalls of messages, clients and numbers behind a real Courier. Each name has the row of the list of pitfalls;
row 10 is test_smtp_replies.
"""
from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from support.mta import Courier
from support.mta_server import (BOB, EVE, STANDARD, STANDARD_CHAIN, Held, family, hold, install_server, is_marked,
                                names_of, never_delivered, open_gate, raw_answer, send, socket_count, told, wait_family,
                                wait_named)
from support.namespaces import Process
from support.wait import wait_until

TOO_LONG = "451 4.3.0 Mail filters took too long, please try again later"
BUSY = "451 4.3.2 Mail filters are busy, please try again later"
TEAM = "team@mail.test"  # an alias for bob and alice


def start(mta: Courier, workers: int, more: str = "") -> None:
    install_server(mta, STANDARD, f"pools: {{default: {{workers: {workers}}}}}\n{more}{STANDARD_CHAIN}")
    mta.start()
    wait_family(mta, workers)


def sessions(mta: Courier) -> list[Process]:
    """esmtpd's processes, one for each SMTP session, oldest first."""
    living = [process for process in mta.processes("courieresmtpd") if process.command]
    return sorted(living, key=lambda process: process.pid)


def end_session(mta: Courier, session: Process) -> None:
    """What `esmtpd stop` does to a session: the filter's client is gone, and so are the message's files."""
    files = set(mta.queue())
    os.kill(session.host_pid, signal.SIGTERM)
    wait_until("submit to remove a message", lambda: set(mta.queue()) < files)


def test_messages_of_a_master_that_is_killed_are_deferred(courier: Courier) -> None:
    start(courier, 2)
    held = Held(courier, ["first", "second"])
    held.wait_in_filter()
    (master,) = family(courier).masters
    os.kill(master.host_pid, signal.SIGKILL)
    assert [held.answer(name)[:4] for name in held.names] == ["432 ", "432 "]


def test_pitfall_11_no_client_is_kept_after_its_reply(courier: Courier) -> None:
    start(courier, 2)
    (master,) = family(courier).masters
    free = socket_count(master)
    with courier.client() as client:
        for number in range(20):
            assert raw_answer(client, told("return '550 no'" if number % 2 else "")).startswith((b"250 ", b"550 "))
    wait_until("the master to have no client", lambda: socket_count(master) == free)


def test_pitfall_11_a_client_that_is_gone_harms_nobody(courier: Courier) -> None:
    start(courier, 2)
    before = wait_family(courier, 2)
    held = Held(courier, ["gone"], "return '550 ' + 9000 * 'x '")
    held.wait_in_filter()
    end_session(courier, sessions(courier)[-1])
    open_gate(courier)
    assert "ServerDisconnected" in held.answer("gone") or held.answer("gone").startswith("4")
    courier.log.wait_for("message id=.* verdict=")
    assert send(courier, name="next").accepted and is_marked(wait_named(courier, "next"))
    assert family(courier) == before


def test_pitfall_12_no_filter_holds_a_client_for_ever(courier: Courier) -> None:
    start(courier, 2, "server: {message_timeout: 2s}\n")
    begin = time.monotonic()
    held = Held(courier, [f"held-{number}" for number in range(5)])  # more than workers: the wait counts as well
    assert [held.answer(name) for name in held.names] == 5 * [TOO_LONG]
    assert time.monotonic() - begin < 12
    assert send(courier, name="next").accepted and is_marked(wait_named(courier, "next"))
    assert all(never_delivered(courier, name) for name in held.names)


def reuses_numbers(directory: Path) -> bool:
    """Whether a new file gets the number of one that was just removed; Courier's names are made of them."""
    numbers = []
    for _ in range(2):
        file = directory / ".probe"
        file.touch()
        numbers.append(file.stat().st_ino)
        file.unlink()
    return numbers[0] == numbers[1]


def test_pitfall_13_a_late_filter_touches_no_other_message(courier: Courier) -> None:
    """Its message is gone, and Courier uses the names again: what it writes must not reach the messages after it."""
    start(courier, 2)
    held = Held(courier, ["gone"], "control.add_recipient(control_paths, 'alice@mail.test')\n"
                "with open(body_path, 'ab') as file:\n    file.write(b'written late\\n')\nreturn ''")
    held.wait_in_filter()
    (body,) = [path.name for path in courier.lib.glob("tmp/*/D*")]
    end_session(courier, sessions(courier)[-1])
    later = [send(courier, "return '550 ' + os.path.basename(body_path)").last.text for _ in range(20)]
    assert body not in later, "a name was used again while a filter works on it"
    assert len(set(later)) < 20 or not reuses_numbers(courier.lib / "tmp"), "Courier uses names no more again"
    other = threading.Thread(target=send, args=(courier, hold("next") + "return ''"), kwargs={"name": "next"})
    other.start()
    courier.log.wait_for("holding next$")  # its files exist while the late filter writes
    mark = courier.log.mark()
    open_gate(courier)
    other.join()
    courier.log.wait_for("message id=", after=mark)
    message = wait_named(courier, "next")
    courier.wait_queue_empty()
    assert is_marked(message) and b"written late" not in message
    assert names_of(courier.messages("bob")) == ["next"] and courier.messages("alice") == []


def test_pitfall_13_who_hangs_up_in_the_queue_is_not_filtered(courier: Courier) -> None:
    start(courier, 1)
    (master,) = family(courier).masters
    free = socket_count(master)
    working = Held(courier, ["working"])
    working.wait_in_filter()
    waiting = Held(courier, ["doomed"])
    wait_until("the second client", lambda: socket_count(master) == free + 2)
    end_session(courier, sessions(courier)[-1])
    heir = Held(courier, ["heir"])  # may get the very names of the one before
    wait_until("the third client", lambda: len(courier.queue()) == 2)
    open_gate(courier)
    assert working.answer("working").startswith("250 Ok.") and heir.answer("heir").startswith("250 Ok.")
    assert not waiting.answer("doomed").startswith("2")
    assert is_marked(wait_named(courier, "heir")) and is_marked(wait_named(courier, "working"))
    assert [line for line in courier.log.lines() if line.text.endswith("holding heir")]
    assert not [line for line in courier.log.lines() if line.text.endswith("holding doomed")]


def test_pitfall_15_an_alias_that_is_done_already_is_no_recipient(courier: Courier) -> None:
    start(courier, 1)
    seen = courier.send(EVE, [TEAM], told("return '550 ' + ' '.join(sorted(control.get_recipients(control_paths)))"))
    assert str(seen.last) == "550 alice@mail.test bob@mail.test"
    removed = told("control.del_recipient(control_paths, 'alice@mail.test')\nreturn ''", name="removed")
    assert courier.send(EVE, [TEAM], removed).accepted
    assert is_marked(wait_named(courier, "removed"))
    courier.wait_queue_empty()
    assert courier.messages("alice") == []


def test_pitfall_15_an_address_that_is_no_utf_8_is_read_and_kept(courier: Courier) -> None:
    start(courier, 1)
    with courier.client() as client:
        client.send(b"MAIL FROM:<caf\xe9@example.com> SMTPUTF8\r\n")
        assert client.getreply()[0] == 250
        client.docmd(f"RCPT TO:<{BOB}>")
        source = "sys.stderr.write('sender ' + ascii(control.get_sender(control_paths)) + '\\n')\nreturn ''"
        assert client.data(told(source, name="latin").replace(b"\n", b"\r\n"))[0] == 250
    courier.log.wait_for(r"sender '\(malformed utf8\):caf%E9@example\.com'")
    message = wait_named(courier, "latin")
    assert is_marked(message) and b"Return-Path: <caf\xe9@example.com>" in message


def test_pitfall_15_the_clients_address_is_plain_and_may_be_missing(courier: Courier) -> None:
    """Mail that a .courier file forwards comes again, from nowhere."""
    start(courier, 2)
    courier.enable_filtering("esmtp local")
    forward = courier.run_dir / "home" / "alice" / ".courier"
    forward.write_text(f"{BOB}\n")
    forward.chmod(0o600)
    os.chown(forward, forward.parent.stat().st_uid, forward.parent.stat().st_gid)
    source = "sys.stderr.write('address %s\\n' % control.get_senders_ip(control_paths))\nreturn ''"
    assert courier.send(EVE, ["alice@mail.test"], told(source, name="forwarded")).accepted
    courier.log.wait_for(r"address 192\.0\.2\.1$")
    courier.log.wait_for("address None$")
    wait_named(courier, "forwarded")


def test_pitfall_21_clients_are_accepted_while_all_workers_are_busy(courier: Courier) -> None:
    start(courier, 1)
    (master,) = family(courier).masters
    free = socket_count(master)
    held = Held(courier, [f"held-{number}" for number in range(12)])
    wait_until("the master to have every client", lambda: socket_count(master) == free + 12)
    open_gate(courier)
    assert all(held.answer(name).startswith("250 Ok.") for name in held.names)
    courier.wait_queue_empty()
    messages = courier.messages("bob")
    assert sorted(names_of(messages)) == sorted(held.names) and all(map(is_marked, messages))


def test_pitfall_21_a_full_queue_is_answered_at_once(courier: Courier) -> None:
    start(courier, 1, "server: {queue: {limit: 2}}\n")
    (master,) = family(courier).masters
    free = socket_count(master)
    held = Held(courier, ["held-0"])
    held.wait_in_filter()
    waiting = Held(courier, ["held-1", "held-2"])
    wait_until("the queue to be full", lambda: socket_count(master) == free + 3)
    begin = time.monotonic()
    assert str(send(courier, name="too-many").last) == BUSY
    assert time.monotonic() - begin < 4  # Courier tries for 5 s when nobody accepts
    open_gate(courier)
    answers = [clients.answer(name) for clients in (held, waiting) for name in clients.names]
    assert all(answer.startswith("250 Ok.") for answer in answers), answers
    assert never_delivered(courier, "too-many")


SENDMAILS = 90
_MANY = f"""
message=$(cat)
for number in $(seq {SENDMAILS}); do
    printf '%s\\n' "$message" | /usr/sbin/sendmail -f {BOB} {BOB} &
    list="$list $!"
done
failed=0
for pid in $list; do wait $pid || failed=$((failed + 1)); done
echo "$failed failed"
"""


@pytest.mark.parametrize("clients", [40])
def test_pitfall_22_all_that_courier_can_have_in_work_comes_at_once(courier: Courier, clients: int) -> None:
    """All sessions of one esmtpd, and local mail, which has no limit."""
    courier.enable_filtering("esmtp local")
    start(courier, 2)
    (master,) = family(courier).masters
    free = socket_count(master)
    held = Held(courier, [f"held-{number}" for number in range(clients)])
    printed: list[str] = []
    message = told(hold("local") + "return ''", name="local")
    local = threading.Thread(target=lambda: printed.append(
        courier.run("sh", "-c", _MANY, user="bob", stdin=message, timeout=60).text))
    local.start()
    wait_until("the master to have every client", lambda: socket_count(master) == free + clients + SENDMAILS, 40)
    assert len(list(Path(f"/proc/{master.host_pid}/task").iterdir())) < 10  # no thread for each
    open_gate(courier)
    local.join()
    assert [held.answer(name)[:7] for name in held.names] == clients * ["250 Ok."]
    assert printed == ["0 failed\n"]
    messages = courier.wait_messages("bob", clients + SENDMAILS, 60)
    assert len(messages) == clients + SENDMAILS and all(map(is_marked, messages))
