"""The filter attachments: blocked names wherever they hide, harmless mail, and no message that makes it raise."""
from __future__ import annotations

import io
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courier import config
from pythonfilter import _archives, attachments

Write = Callable[[bytes], str]
Verdict = Callable[[bytes], str]


@pytest.fixture()
def verdict(message: Write) -> Verdict:
    """What the filter says to a message."""
    return lambda content: attachments.do_filter(message(content), [])


@pytest.fixture()
def restored() -> Iterator[None]:
    """The default pattern again, afterwards."""
    before = attachments.blocked_pattern
    yield
    attachments.blocked_pattern = before


def with_part(header: bytes, content: bytes = b"content") -> bytes:
    """A message of a text and a second part with these header lines."""
    head = b"Subject: a\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX\n\n"
    return (head + b"--XX\n\ntext\n--XX\n" + header + b"\n\n" + content + b"\n--XX--\n")


def attached(content: bytes, **header: str) -> bytes:
    """A message with this content attached in base64, without a name unless one is given."""
    whole = MIMEMultipart()
    part = MIMEApplication(content)
    if header:
        part.add_header("Content-Disposition", "attachment", **header)
    whole.attach(part)
    return whole.as_bytes()


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


EXE = {"bad.exe": b"MZ"}

BLOCKED = [
    b'Content-Disposition: attachment; filename="bad.exe"',
    b"Content-Disposition: attachment; filename=BAD.EXE",
    b'Content-Type: application/octet-stream; name="bad.pif"',
    b'Content-Disposition: inline\nContent-Type: text/plain; name="bad.vbs"',
    b'Content-Disposition: attachment; filename="bad.exe "',
    b'Content-Disposition: attachment; filename="bad.exe."',
    b'Content-Disposition: attachment; filename="bad\n name.exe"',
    b"Content-Disposition: attachment; filename*=utf-8''b%C3%A4d.exe",
    b"Content-Disposition: attachment; filename*0=bad.; filename*1=exe",
    b"Content-Disposition: attachment; filename*0*=utf-8''bad%2E; filename*1*=e%78e",
    b'Content-Disposition: attachment; filename="=?utf-8?B?YmFkLmV4ZQ==?="',
    b'Content-Disposition: attachment; filename="=?utf-8?Q?bad=2Ee?= =?utf-8?Q?xe?="',
    b'Content-Disposition: attachment; filename="=?bogus?Q?bad.exe?="',
    b'Content-Disposition: attachment; filename="=?idna?Q?bad.exe?="',
    b'Content-Disposition: attachment; filename="=?utf-8?B?YmFkLmV4ZQ?="',
    b'Content-Disposition: attachment; filename="=?utf-8?B?=E9?=bad.exe"',
    b"Content-Disposition: attachment; filename*=bogus''bad.exe",
    b"Content-Disposition: attachment; filename*=idna''bad.exe",
    b"Content-Disposition: attachment; filename*=a%00b''x; filename*=\0''bad.exe",
    b"Content-Disposition: attachment; filename*=x; filename*0=bad.exe",
    b"Content-Disposition: attachment; filename*0=bad; filename*" + b"9" * 5000 + b"=.exe",
    b'Content-Disposition: attachment; filename="\xe9\xff.exe"',
    b'Content-Type: message/rfc822; name="bad.exe"',
    b"Content-Type: multipart/mixed\nContent-Disposition: attachment; filename=bad.exe",
    b"Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=bad.exe",
    b"Content-Transfer-Encoding: x-uuencode\nContent-Disposition: attachment; filename=bad.exe",
]


@pytest.mark.parametrize("header", BLOCKED)
def test_blocked_names(verdict: Verdict, header: bytes) -> None:
    assert verdict(with_part(header)) == attachments.REFUSAL


@pytest.mark.parametrize("header", [
    b"Content-Type: text/plain", b"Content-Disposition: attachment; filename=good.pdf",
    b"Content-Disposition: attachment; filename=exe", b"Content-Disposition: attachment; filename=bad.exe.txt",
    b'Content-Disposition: attachment; filename=""', b"Content-Disposition: attachment; filename",
    b"Content-Disposition: attachment; filename=good.txt\nContent-Type: text/plain; name=other.exe",
])
def test_harmless_names(verdict: Verdict, header: bytes) -> None:
    assert verdict(with_part(header)) == ""


def test_the_message_itself_may_be_the_attachment(verdict: Verdict) -> None:
    assert verdict(b"Content-Type: application/octet-stream; name=bad.exe\n\nMZ") == attachments.REFUSAL


def test_parts_of_forwarded_messages(verdict: Verdict) -> None:
    inner = with_part(b"Content-Disposition: attachment; filename=bad.exe")
    assert verdict(with_part(b"Content-Type: message/rfc822; name=forwarded.eml", inner)) == attachments.REFUSAL


def test_parts_behind_a_broken_one(verdict: Verdict) -> None:
    broken = b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n\xff\xff\xff\nM\n--XX\n"
    broken += b"Content-Type: x/y; name=bad.exe"
    assert verdict(with_part(broken)) == attachments.REFUSAL


@pytest.mark.parametrize("content", [
    zipped(EXE), zipped(EXE, zipfile.ZIP_STORED), zipped({"dir/sub/BAD.Exe": b""}),
    zipped({"inner.zip": zipped(EXE)}), zipped({"a.zip": zipped({"b.zip": zipped(EXE)})}),
    zipped({"a.zip": zipped(EXE)}, zipfile.ZIP_STORED),
    zipped(EXE)[:50], zipped(EXE)[37:], b"MZ self-extracting " + zipped(EXE), zipped({"\u00e4.exe": b""}),
])
def test_names_in_zip_archives(verdict: Verdict, content: bytes) -> None:
    assert verdict(attached(content)) == attachments.REFUSAL
    assert verdict(attached(content, filename="data.bin")) == attachments.REFUSAL


def test_harmless_archives(verdict: Verdict) -> None:
    assert verdict(attached(zipped({"a.txt": b"text", "b.zip": zipped({"c.txt": b""})}))) == ""


def nested(depth: int) -> bytes:
    content = zipped({"a.txt": b"text"})
    for _ in range(depth):
        content = zipped({"a.zip": content})
    return content


LOCAL_HEADER = b"PK\x03\x04" + bytes(4) + b"\x08\0" + bytes(16)


@pytest.mark.parametrize("content", [
    nested(6),
    zipped({"a.zip": zipped({"a.txt": b""}) + bytes(64 << 20)}),
    (LOCAL_HEADER + b"\0\0\0\0") * 100_001,
    (LOCAL_HEADER + b"\xff\xff\0\0") * 60_000,
], ids=["deep", "large", "many", "overlapping"])
def test_archives_that_are_bombs(verdict: Verdict, content: bytes) -> None:
    assert verdict(attached(content)) == attachments.TOO_MUCH


def test_a_bomb_takes_only_its_share_of_memory(verdict: Verdict) -> None:
    """256 MiB, packed twice."""
    content = zipped({"a.zip": zipped({"a.txt": b""}) + bytes(256 << 20)})
    data = attached(content)
    tracemalloc.start()
    try:
        assert verdict(data) == attachments.TOO_MUCH
        assert tracemalloc.get_traced_memory()[1] < 128 << 20
    finally:
        tracemalloc.stop()


def test_a_message_that_is_gone_is_deferred(tmp_path: Path) -> None:
    assert attachments.do_filter(str(tmp_path / "D1"), []).startswith("451 4.3.0 ")


def test_a_message_nested_too_deeply_is_refused_or_read(verdict: Verdict) -> None:
    for depth in (50, 2000):
        head = b"".join(b"Content-Type: multipart/mixed; boundary=B%d\n\n--B%d\n" % (n, n) for n in range(depth))
        answer = verdict(head + b"Content-Disposition: attachment; filename=bad.exe\n\nMZ\n")
        assert answer[:4] == "554 ", depth
        assert (answer == attachments.REFUSAL) == (depth == 50)


def test_forwarded_forwarded_messages(verdict: Verdict) -> None:
    answer = verdict(b"Content-Type: message/rfc822\n\n" * 3000 + b"Content-Type: x/y; name=bad.exe\n\n")
    assert answer[:4] == "554 "


def test_a_sites_own_pattern(verdict: Verdict, courier_settings: Path, restored: None) -> None:
    modules = courier_settings / "modules"
    modules.write_text("[attachments.py]\nblocked_pattern = r'^secret'\nunused = 1\n")
    config._standard_config_paths = str(modules)
    attachments.init_filter()
    assert verdict(with_part(b"Content-Disposition: attachment; filename=bad.exe")) == ""
    assert verdict(with_part(b"Content-Disposition: attachment; filename=SECRET.txt")) == attachments.REFUSAL
    assert verdict(with_part(b"Content-Disposition: attachment; filename=a-secret.txt")) == ""


def test_a_pattern_that_is_none_stops_the_start(courier_settings: Path, restored: None) -> None:
    modules = courier_settings / "modules"
    modules.write_text("[attachments.py]\nblocked_pattern = '('\n")
    config._standard_config_paths = str(modules)
    with pytest.raises(re.error):
        attachments.init_filter()


class FakeLibarchive:
    """Lists what stands in the data, one entry a line: `size name`; "end" is where the archive is damaged."""

    class ArchiveError(Exception):
        pass

    class Entry:
        def __init__(self, line: bytes) -> None:
            size, _, name = line.partition(b" ")
            self.size = int(size) if size else None
            self.pathname = name if name.startswith(b"\xff") else name.decode() or None

    class Reader:
        def __init__(self, data: bytes) -> None:
            self.data = data

        def __enter__(self) -> Iterator[FakeLibarchive.Entry]:
            for line in self.data.splitlines():
                if line == b"end":
                    raise FakeLibarchive.ArchiveError
                yield FakeLibarchive.Entry(line)

        def __exit__(self, *_: object) -> None:
            pass

    memory_reader = Reader


@pytest.mark.parametrize(("content", "answer"), [
    (b"5 a.txt\n6 bad.exe", attachments.REFUSAL), (b" \xff.exe", attachments.REFUSAL),
    (b" \nend\n5 bad.exe", ""), (b"2000000000 a\n5 b", attachments.TOO_MUCH),
    (b"1 a\n" * 100_001, attachments.TOO_MUCH),
    (b"end", ""), (b"", ""),
])
def test_other_archives_take_libarchive(
        verdict: Verdict, monkeypatch: pytest.MonkeyPatch, content: bytes, answer: str) -> None:
    assert verdict(attached(content)) == ""
    monkeypatch.setattr(_archives, "_libarchive", FakeLibarchive)
    assert verdict(attached(content)) == answer


PIECES = st.sampled_from([
    b"Content-Type: multipart/mixed; boundary=XX\n", b"Content-Type: message/rfc822\n", b"\n", b"--XX\n", b"--XX--\n",
    b"Content-Disposition: attachment; filename", b"*", b"0", b"=", b"''", b"=?utf-8?B?", b"?=", b"\xff", b"\0",
    b"\r", b";", b'"', b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: x-uuencode\n",
    b"begin 644 a\n", b"%ff", b"utf-16", b"PK\x03\x04", LOCAL_HEADER, b"PK\x01\x02", b"M" * 61 + b"\n",
    b"Content-Type", b": ", b"name", b"unicode_escape", b"\\x",
])


@given(st.lists(PIECES, max_size=25))
@settings(max_examples=1500)
def test_no_message_makes_it_raise(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(b"".join(pieces))
    assert attachments.do_filter(str(path), []) in ("", attachments.REFUSAL, attachments.TOO_MUCH)


@given(st.binary(max_size=200))
def test_no_archive_makes_it_raise(content: bytes) -> None:
    names = list(_archives.entries(LOCAL_HEADER + content + zipped(EXE), _archives.Budget()))
    assert "bad.exe" in names
