"""courier.control: what filters read of the envelope and change in it, on Courier's records and on broken ones."""
from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier import _native, control

Envelope = Callable[..., list[str]]

HEAD = "salice@example.com\nfdns; helo (host [::ffff:192.0.2.1])\ne\nt\nM0001.0002.0003\n"
BOB = "rbob@example.net\nRrfc822;info@example.net\nNFD\n"
CAROL = "rcarol@example.net\nR\nN\n"
TAIL = "ibob@login\nORELAYCLIENT=\nOTCPREMOTEIP=::ffff:192.0.2.1\nuauthsmtp\nE1795946862\np1795370862\nW1795356462\nT\n"


def test_the_head_of_an_ordinary_message(envelope: Envelope) -> None:
    paths = envelope(HEAD + BOB + TAIL)
    assert control.get_sender(paths) == "alice@example.com"
    assert control.get_senders_mta(paths) == "dns; helo (host [::ffff:192.0.2.1])"
    assert control.get_senders_ip(paths) == "192.0.2.1"
    assert control.get_auth_user(paths) == "bob@login"
    assert control.get_lines(paths, "O") == ["RELAYCLIENT=", "TCPREMOTEIP=::ffff:192.0.2.1"]


def test_what_is_not_there_is_none_and_what_is_empty_is_empty(envelope: Envelope) -> None:
    nothing, empty = envelope("uesmtp\n", "s\nf\ni\n")
    functions: list[Callable[[list[str]], str | None]] = [
        control.get_sender, control.get_senders_mta, control.get_auth_user]
    for function in functions:
        assert function([nothing]) is None
        assert function([empty]) == ""
    assert control.get_senders_ip([nothing]) is None


def test_tuples_and_path_objects_are_taken(envelope: Envelope) -> None:
    paths = envelope(HEAD + BOB)
    assert control.get_sender(tuple(paths)) == control.get_sender([Path(paths[0])]) == "alice@example.com"


@pytest.mark.parametrize("keywords", [{"body_path": "D1"}, {"body_file": "D1"}])
def test_the_second_argument_of_get_auth_user_has_two_names(envelope: Envelope, keywords: dict[str, str]) -> None:
    assert control.get_auth_user(envelope("iuser\n"), **keywords) == "user"
    assert control.get_auth_user(envelope("iuser\n"), "D1") == "user"


@pytest.mark.parametrize(("record", "expected"), [
    ("192.0.2.1", "192.0.2.1"),
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("2001:DB8:0::1", "2001:db8::1"),
    ("fe80::1%eth0", "fe80::1%eth0"),
])
def test_addresses_of_clients(envelope: Envelope, record: str, expected: str) -> None:
    assert control.get_senders_ip(envelope(f"OTCPREMOTEIP={record}\n")) == expected


@pytest.mark.parametrize("record", ["bogus", "", "1.2.3.04", "[192.0.2.1]"])
def test_a_bad_address_of_a_client_is_a_value_error(envelope: Envelope, record: str) -> None:
    with pytest.raises(ValueError):
        control.get_senders_ip(envelope(f"OTCPREMOTEIP={record}\n"))


def test_a_limit_holds_over_all_files(envelope: Envelope) -> None:
    paths = envelope("ra\nrb\n", "rc\n")
    assert control.get_lines(paths, "r") == ["a", "b", "c"]
    assert control.get_lines(paths, "r", 1) == ["a"]
    assert control.get_lines(paths, "r", 3) == ["a", "b", "c"]


def test_keys_are_one_ascii_letter(envelope: Envelope) -> None:
    paths = envelope("ra\n")
    assert control.get_lines(paths, "ra") == control.get_lines(paths, "") == []
    with pytest.raises(UnicodeEncodeError):
        control.get_lines(paths, "é")


def test_a_missing_file_is_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        control.get_sender([str(tmp_path / "nowhere")])


def test_many_files_are_read_in_order_wherever_they_lie(tmp_path: Path) -> None:
    # The same names in each directory.
    paths = [tmp_path / directory / f"{name}\N{LATIN SMALL LETTER E WITH ACUTE}"
             for directory in ("one", "other", "one/below", "last") for name in range(15)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Fewer than in the first file, then more.
        path.write_text("".join(f"r{number}.{line}@example.net\nR\nN\n" for line in range(number % 7 + 2)))
    wanted = [f"{number}.{line}@example.net" for number in range(60) for line in range(number % 7 + 2)]
    for kind in (str, bytes, Path):
        names = [kind(path) for path in paths]
        assert control.get_recipients(names) == wanted
        assert [data[0] for data in control.get_control_data(names)["r"]] == wanted
    paths[50].unlink()
    with pytest.raises(FileNotFoundError) as caught:
        control.get_recipients(paths)
    assert caught.value.filename == paths[50]


def test_nobody_sees_a_result_that_is_not_whole(tmp_path: Path) -> None:
    bob = ["bob@example.net", "", ""]

    class Curious(os.PathLike[str]):
        def __fspath__(self) -> str:
            gc.collect()
            lists = [one for one in gc.get_objects() if type(one) is list and one and one[0] == bob]
            seen.append(len(lists))
            return str(path)

    seen: list[int] = []
    path = tmp_path / "control"
    path.write_text("rbob@example.net\nR\nN\n" * 3)
    assert control.get_control_data([Curious()] * 4)["r"] == [bob] * 12
    assert seen == [0] * 4
    assert gc.isenabled()


def test_nobody_sees_a_recipient_that_is_not_whole(tmp_path: Path) -> None:
    """An address that is not UTF-8 makes an exception inside, for which the collector may begin."""
    path = tmp_path / "control"
    path.write_bytes(b"rbob@example.net\nRb\xffb\nN\n" * 20)
    looks, lacking = 0, 0

    def look(phase: str, _: object) -> None:
        nonlocal looks, lacking
        looks += 1
        lacking += sum(type(one) is list and len(gc.get_referents(one)) < len(one) for one in gc.get_objects(0))

    threshold = gc.get_threshold()
    gc.callbacks.append(look)
    gc.set_threshold(1)
    try:
        assert len(control._get_recipients_from_file(str(path))) == 20
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(look)
    assert looks > 0 and lacking == 0


def test_bytes_that_are_no_utf8_are_shown_and_written_back(envelope: Envelope) -> None:
    assert control.try_decode(b" t\xebst-is\xf6-8859@h\n") == "(malformed utf8):t%EBst-is%F6-8859@h"
    assert control.try_decode("é b\0".encode()) == "é b\0"
    paths = envelope(b"rb\xffb c@remote.test\nR\nN\n")
    shown, = control.get_recipients(paths)
    assert shown == "(malformed utf8):b%FFb+c@remote.test"
    control.add_recipient(paths, shown)
    assert Path(paths[0]).read_bytes().count(b"rb\xffb c@remote.test\n") == 2


@given(st.binary(max_size=40).filter(lambda raw: raw and not set(raw) & set(b"\n\r\0") and raw == raw.strip()))
def test_every_address_survives_the_way_there_and_back(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("control") / "c"
    path.write_bytes(b"")
    control.add_recipient([str(path)], control.try_decode(raw))
    assert path.read_bytes() == b"r" + raw + b"\nR\nN\n"


def test_recipients_of_all_files_but_done_ones(envelope: Envelope) -> None:
    alias = "rlist@example.net\nR\nNN\nI2 R 250 Ok - delivered to alias.\nS2 1795000000 r\n"
    paths = envelope(HEAD + BOB + CAROL + alias + TAIL, HEAD + CAROL + "F0 1795000000\n" + BOB)
    bob = ["bob@example.net", "rfc822;info@example.net", "FD"]
    assert control.get_recipients_data(paths) == [bob, ["carol@example.net", "", ""], bob]
    assert control.get_recipients(paths) == ["bob@example.net", "carol@example.net", "bob@example.net"]


@pytest.mark.parametrize("done", ["Sx", "S", "S-1 5", "S9 5", "F99999999999999999999 5", "D0 5", "S1"])
def test_marks_without_a_good_number_count_for_nobody(envelope: Envelope, done: str) -> None:
    expected = ["bob@example.net"] if done == "S1" else ["bob@example.net", "carol@example.net"]
    assert control.get_recipients(envelope(BOB + CAROL + done + "\n")) == expected


def test_numbers_count_r_records_as_courier_does(envelope: Envelope) -> None:
    paths = envelope("r\nR\nN\n" + BOB + CAROL)
    control.del_recipient(paths, "carol@example.net")
    assert control.get_recipients(paths) == ["bob@example.net"]
    assert "\nS2 " in Path(paths[0]).read_text()


def test_control_data_of_an_ordinary_message(envelope: Envelope) -> None:
    data = control.get_control_data(envelope(HEAD + BOB + TAIL, HEAD + CAROL))
    assert data == {
        "s": "alice@example.com", "f": "dns; helo (host [::ffff:192.0.2.1])", "U": "", "e": "", "t": "",
        "M": "0001.0002.0003", "i": "bob@login", "E": "1795946862", "p": "1795370862", "W": "1795356462", "v": None,
        "X": None, "u": "authsmtp", "w": False, "8": False, "m": False, "V": False, "T": True,
        "r": [["bob@example.net", "rfc822;info@example.net", "FD"], ["carol@example.net", "", ""]],
    }


def test_control_data_of_nothing(envelope: Envelope) -> None:
    data = control.get_control_data(envelope(""))
    assert data["s"] == data["f"] == data["U"] == "" and data["M"] is None and data["T"] is False and data["r"] == []
    with pytest.raises(IndexError):
        control.get_control_data([])


def test_the_last_record_wins_in_control_data_and_the_first_elsewhere(envelope: Envelope) -> None:
    paths = envelope("sfirst\nslast\n")
    assert control.get_control_data(paths)["s"] == "last"
    assert control.get_sender(paths) == "first"


def test_added_recipients_stand_at_the_end_of_the_last_file(envelope: Envelope) -> None:
    paths = envelope(BOB, CAROL.rstrip("\n"))
    control.add_recipient(paths, "dave@example.net")
    control.add_recipient_data(paths, ["eve@example.net", "all@example.net", "N"])
    assert Path(paths[0]).read_text() == BOB
    added = "rdave@example.net\nR\nN\nreve@example.net\nRall@example.net\nNN\n"
    assert Path(paths[1]).read_text() == CAROL + added


@pytest.mark.parametrize("data", [
    ["a@b\nS0 1", "", ""], ["a@b", "x\ry", ""], ["a@b", "", "\0"], ["", "", ""], ["a@b", ""], ["a@b", "", "", ""],
    ["\udcff@b", "", ""],
])
def test_values_that_would_break_a_record_are_refused(envelope: Envelope, data: list[str]) -> None:
    paths = envelope(BOB)
    with pytest.raises(ValueError):
        control.add_recipient_data(paths, data)
    assert Path(paths[0]).read_text() == BOB


def test_removal_appends_the_two_records_of_a_silent_success(envelope: Envelope) -> None:
    paths = envelope(BOB + CAROL, CAROL)
    inode = os.stat(paths[0]).st_ino
    before = int(time.time())
    control.del_recipient(paths, "carol@example.net")
    notice, success = Path(paths[0]).read_text().removeprefix(BOB + CAROL).splitlines()
    assert notice.startswith("I1 R 250 ")
    word, when = success.split(" ")
    assert word == "S1" and before <= int(when) <= time.time()
    assert os.stat(paths[0]).st_ino == inode
    assert control.get_recipients(paths) == ["bob@example.net", "carol@example.net"]


def test_removal_by_all_three_values(envelope: Envelope) -> None:
    paths = envelope(BOB + "rbob@example.net\nR\nN\n")
    control.del_recipient_data(paths, ["bob@example.net", "", ""])
    assert control.get_recipients_data(paths) == [["bob@example.net", "rfc822;info@example.net", "FD"]]
    control.del_recipient_data(paths, ["bob@example.net", "other", "FD"])
    assert len(control.get_recipients(paths)) == 1
    with pytest.raises(ValueError):
        control.del_recipient_data(paths, ["bob@example.net"])


def test_removing_nobody_changes_nothing(envelope: Envelope) -> None:
    paths = envelope(BOB)
    control.del_recipient(paths, "Bob@example.net")
    assert Path(paths[0]).read_text() == BOB


def test_files_of_another_message_are_not_written(envelope: Envelope) -> None:
    """In the server: the path was reused meanwhile, or the message is over."""
    paths = envelope(BOB)
    status = os.stat(paths[0])
    _native._register_task_files([(paths[0], status.st_dev, status.st_ino + 1)])
    try:
        with pytest.raises(OSError, match="another message"):
            control.add_recipient(paths, "x@example.net")
        _native._register_task_files([(paths[0], status.st_dev, status.st_ino)])
        control.add_recipient(paths, "x@example.net")
        _native._clear_task_files()
        with pytest.raises(OSError, match="another message"):
            control.del_recipient(paths, "x@example.net")
    finally:
        _native._register_task_files([])


@given(st.binary(max_size=300))
def test_no_bytes_in_a_control_file_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("control") / "c"
    path.write_bytes(content)
    data = control.get_control_data([path])
    assert data["r"] == control.get_recipients_data([path])
    assert [one[0] for one in data["r"]] == control.get_recipients([path])


@pytest.mark.parametrize(("old", "new"), [
    ("getLines", "get_lines"), ("getSendersMta", "get_senders_mta"), ("getSendersIP", "get_senders_ip"),
    ("getSender", "get_sender"), ("getRecipients", "get_recipients"), ("getRecipientsData", "get_recipients_data"),
    ("getControlData", "get_control_data"), ("addRecipient", "add_recipient"),
    ("addRecipientData", "add_recipient_data"), ("delRecipient", "del_recipient"),
    ("delRecipientData", "del_recipient_data"), ("getAuthUser", "get_auth_user"),
])
def test_old_names(old: str, new: str) -> None:
    assert getattr(control, old) is getattr(control, new)
