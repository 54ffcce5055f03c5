"""courier.xfilter: what stays of a message that a filter changes, what is refused, and nothing ever half written."""
from __future__ import annotations

import doctest
import os
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import pytest

from courier import _native, _replace, control
from courier.xfilter import DummyXFilter, InitError, XFilter, XFilterError

Envelope = Callable[..., list[str]]
Write = Callable[[bytes], str]

PLAIN = (b"Received: from a\n\tby b; Mon, 1 Jan 2024 00:00:00 +0000\nSubject:   spaced\nX-Long: " + b"word " * 40 +
         b"\nX-Raw: \xff8-bit\nFrom:a@b\n\nBody \xfe\r\nFrom here\n")
MIME = (b"Subject: parts\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX\n\npreamble\n--XX  \n\nfirst\n"
        b"--XX\nContent-Type: text/html\n\n<p>second</p>\n--XX--\nepilogue\n")


@pytest.fixture()
def opened(envelope: Envelope, message: Write) -> Callable[[bytes], XFilter]:
    """An XFilter on a message of these bytes."""
    return lambda content: XFilter("test", message(content), envelope("sa@b\nrb@c\nR\nN\n"))


Opened = Callable[[bytes], XFilter]


def content(x: XFilter) -> bytes:
    return Path(x.body_path).read_bytes()


def test_the_example_runs(message: Write, envelope: Envelope) -> None:
    names = {"XFilter": XFilter, "body_path": message(b"Subject: hello\n\nbody\n"), "control_paths": envelope("s\n")}
    (example,) = doctest.DocTestFinder(recurse=False).find(XFilter, "XFilter", globs=names)
    assert doctest.DocTestRunner().run(example) == (0, 5)
    assert Path(str(names["body_path"])).read_bytes() == b"Subject: hello\nX-Filtered-By: example\n\nbody\n"


def test_what_a_filter_sees(opened: Opened) -> None:
    x = opened(PLAIN)
    assert isinstance(x.get_message(), Message) and x.get_message() is x.message
    assert x.message["From"] == "a@b" and x.message["subject"] == "spaced"
    assert x.filter_name == "test" and x.get_control_data() == control.get_control_data(x.control_paths)


@pytest.mark.parametrize("data", [
    PLAIN, MIME, b"Subject: a\n\n", b"Subject: a\n", b"\nbody only\n", b"no header here\nSubject: x\n\nbody\n",
    b"From mbox line\nSubject: a\n\nb\n", b"Subject: a\r\nTo: b\r\n\r\nbody\r\n", b"Subject: a\rX-Evil: 1\n\nb\n",
    b"Content-Type: multipart/mixed; boundary=XX\n\n--XX\n\nnever closed\n", b"A: 1\n: no name\nB: 2\n\nb\n",
    b" folded\nA: 1\n\n", b"",
])
def test_without_a_change_the_file_is_not_touched(opened: Opened, data: bytes) -> None:
    x = opened(data)
    before = os.stat(x.body_path)
    assert x.submit() == ""
    assert content(x) == data
    assert _replace.identity(os.stat(x.body_path)) == _replace.identity(before)


def test_untouched_fields_and_the_body_keep_their_bytes(opened: Opened) -> None:
    x = opened(PLAIN)
    x.message["X-New"] = "1"
    del x.message["subject"]
    assert x.submit() == ""
    header, _, body = PLAIN.partition(b"\n\n")
    assert content(x) == header.replace(b"Subject:   spaced\n", b"") + b"\nX-New: 1\n\n" + body


def test_replacing_a_header_keeps_the_others_in_order(opened: Opened) -> None:
    x = opened(PLAIN)
    x.message.replace_header("Subject", "new")
    x.submit()
    assert content(x) == PLAIN.replace(b"Subject:   spaced", b"Subject: new")


def test_a_changed_part_changes_the_body_only(opened: Opened) -> None:
    x = opened(MIME)
    x.message.get_payload(1).set_payload("<p>changed</p>")
    x.submit()
    assert content(x).startswith(MIME[:MIME.index(b"\n\n")])
    assert b"<p>changed</p>" in content(x) and b"second" not in content(x) and b"\nepilogue\n" in content(x)


def test_another_message_takes_its_place(opened: Opened) -> None:
    x = opened(MIME)
    other = Message()
    other["Subject"] = "other"
    other.set_payload("text\n")
    x.set_message(other)
    x.submit()
    assert content(x) == b"Subject: other\n\ntext\n"


def test_submitting_twice(opened: Opened) -> None:
    x = opened(PLAIN)
    for value in ("1", "2"):
        x.message["X-Count"] = value
        x.submit()
    assert content(x) == PLAIN.replace(b"\n\nBody", b"\nX-Count: 1\nX-Count: 2\n\nBody")
    before = os.stat(x.body_path).st_ino
    x.submit()
    assert os.stat(x.body_path).st_ino == before


def test_owner_and_mode_are_kept_and_nothing_is_left_beside(opened: Opened) -> None:
    x = opened(PLAIN)
    os.chmod(x.body_path, 0o640)
    before = os.stat(x.body_path)
    names = set(os.listdir(os.path.dirname(x.body_path)))
    x.message["X-New"] = "1"
    x.submit()
    after = os.stat(x.body_path)
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert set(os.listdir(os.path.dirname(x.body_path))) == names


@pytest.mark.parametrize("value", ["a\nX-Evil: 1", "a\r", "a\0b", 5, None, "a\n\nbody", "a\n", b"bytes"])
def test_values_that_are_no_header_are_refused_and_the_message_stays(opened: Opened, value: object) -> None:
    x = opened(PLAIN)
    x.message["X-New"] = value
    with pytest.raises(XFilterError):
        x.submit()
    assert content(x) == PLAIN


@pytest.mark.parametrize("name", ["", "a b", "a:b", "\u00e9", "a\n"])
def test_names_that_are_none_are_refused(opened: Opened, name: str) -> None:
    x = opened(PLAIN)
    x.message[name] = "x"
    with pytest.raises(XFilterError):
        x.submit()
    assert content(x) == PLAIN


@pytest.mark.parametrize("replacement", [None, "text", Message()])
def test_what_is_no_message_is_refused(opened: Opened, replacement: Message) -> None:
    x = opened(PLAIN)
    x.set_message(replacement)
    with pytest.raises(XFilterError):
        x.submit()
    assert content(x) == PLAIN


def test_a_message_that_somebody_else_changed_is_refused(opened: Opened) -> None:
    x = opened(PLAIN)
    Path(x.body_path).write_bytes(b"Subject: other\n\nother\n")
    x.message["X-New"] = "1"
    with pytest.raises(XFilterError, match="somebody else"):
        x.submit()
    assert content(x) == b"Subject: other\n\nother\n"


def test_a_failing_disk_leaves_the_message(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    x = opened(PLAIN)
    x.message["X-New"] = "1"
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(XFilterError, match="No space left"):
        x.submit()
    assert content(x) == PLAIN
    assert [name for name in os.listdir(os.path.dirname(x.body_path)) if name.startswith(".")] == []


def test_files_of_another_message_are_neither_read_nor_written(opened: Opened, envelope: Envelope) -> None:
    """In the server: the list of the message's files follows a rewrite, and ends with the message."""
    x = opened(PLAIN)
    status = os.stat(x.body_path)
    _native._register_task_files([(x.body_path, status.st_dev, status.st_ino)])
    try:
        x.message["X-New"] = "1"
        x.submit()
        status = os.stat(x.body_path)
        assert _native._task_file_id(x.body_path) == (status.st_dev, status.st_ino)
        XFilter("next", x.body_path, x.control_paths)
        _native._clear_task_files()
        with pytest.raises(InitError, match="another message"):
            XFilter("late", x.body_path, x.control_paths)
        x.message["X-Late"] = "1"
        with pytest.raises(XFilterError, match="another message"):
            x.submit()
        assert b"X-Late" not in content(x)
    finally:
        _native._register_task_files([])


def test_files_that_cannot_be_read_are_an_init_error(message: Write, envelope: Envelope, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    wrong: list[tuple[str, list[str]]] = [(missing, envelope("s\n")), (message(PLAIN), [missing]), (message(PLAIN), [])]
    for body, controls in wrong:
        with pytest.raises(InitError):
            XFilter("test", body, controls)


def test_the_dummy_writes_nothing(message: Write, envelope: Envelope) -> None:
    x = DummyXFilter("test", message(PLAIN), envelope("s\n"))
    x.message["X-New"] = "1"
    assert x.submit() == "" and content(x) == PLAIN


def test_old_names() -> None:
    assert XFilter.getMessage is XFilter.get_message
    assert XFilter.setMessage is XFilter.set_message
    assert XFilter.getControlData is XFilter.get_control_data
