"""The sample filters and XFilter over real messages in plain Python: nothing raises, is refused, or is altered.

Every 20th message of the corpus in a normal run, all of them with --full.
"""
from __future__ import annotations

import importlib
import io
import os
from collections import Counter
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from splicing import insert, parse, rewritten, texts
from support import corpus

from courier import _splice
from courier.xfilter import XFilter

EVERY = 20  # in a normal run: 303 messages
FILTERS = ("debug", "log_aliases", "whitelist_auth", "attachments")

Messages = Iterator[tuple[str, bytes]]


@pytest.fixture()
def messages(request: pytest.FixtureRequest) -> Messages:
    full = request.config.getoption("--full")
    try:
        first = next(corpus.messages())
    except corpus.CorpusMissing as error:
        if full:
            raise
        pytest.skip(str(error))
    assert first[1]
    return corpus.messages(1 if full else EVERY)


@pytest.fixture()
def control_paths(envelope: Callable[..., list[str]]) -> list[str]:
    return envelope("sa@b\nrbob@x\nRinfo@x\nN\nialice\n")


def test_the_filters_answer_every_message(
        messages: Messages, message: Callable[[bytes], str], control_paths: list[str], courier_settings: Path,
        capsys: pytest.CaptureFixture[str]) -> None:
    filters: dict[str, Any] = {name: importlib.import_module(f"pythonfilter.{name}") for name in FILTERS}
    for module in filters.values():
        module.init_filter()
    expected = {name: "200 Ok" if name == "whitelist_auth" else "" for name in FILTERS}
    for name, data in messages:
        path = message(data)
        answers = {filter_name: module.do_filter(path, control_paths) for filter_name, module in filters.items()}
        assert answers == expected, name
        capsys.readouterr()  # debug writes a lot


def look(message: Message) -> None:
    """All that a filter may do without changing anything."""
    for part in message.walk():
        part.get_payload(decode=True)
        part.set_payload(part.get_payload())
    for name in set(message.keys()):
        if len(message.get_all(name, [])) == 1:
            message.replace_header(name, message[name])


def test_xfilter_writes_back_what_was_only_looked_at_and_changes_what_it_is_asked_to(
        messages: Messages, message: Callable[[bytes], str], control_paths: list[str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # thousands of them take minutes on a slow disk
    for name, data in messages:
        path = message(data)
        before = os.stat(path)
        x = XFilter("test", path, control_paths)
        look(x.message)
        x.submit()
        assert (os.stat(path).st_ino, os.stat(path).st_mtime_ns) == (before.st_ino, before.st_mtime_ns), name
        x.message["X-Test"] = "1"
        x.submit()
        assert Path(path).read_bytes() == with_header(whole_lines(data), b"X-Test: 1\n"), name


def whole_lines(data: bytes) -> bytes:
    """Courier's files end in LF, and so do rewritten ones; one message of the corpus does not."""
    return data if data.endswith(b"\n") else data + b"\n"


def with_header(data: bytes, line: bytes) -> bytes:
    """The message with one more line at the end of its header, which is where the email package sees it end."""
    at = len(_splice.read(io.BytesIO(data))[0].header.raw)
    return data[:at] + line + data[at:]


def test_a_header_is_added_replaced_and_removed_alone(messages: Messages) -> None:
    counts: Counter[str] = Counter()
    for _, data in messages:
        added = rewritten(data, lambda message: message.__setitem__("X-Test", "1"))
        replaced = rewritten(added, lambda message: message.replace_header("X-Test", "2"))
        removed = rewritten(replaced, lambda message: message.__delitem__("X-Test"))
        counts["messages"] += 1
        counts["added"] += added == with_header(whole_lines(data), b"X-Test: 1\n")
        counts["replaced"] += replaced == with_header(whole_lines(data), b"X-Test: 2\n")
        counts["removed"] += removed == whole_lines(data)
        counts["first removed"] += first_removed(data)
    print(dict(counts))
    assert set(counts.values()) == {counts["messages"]}


def first_removed(data: bytes) -> bool:
    """Whether a header that came with the message goes alone."""
    original, message = _splice.read(io.BytesIO(data))
    if not original.header.fields:
        return True
    name = original.header.fields[0].name
    rest = [field.raw for field in original.header.fields if field.name.lower() != name.lower()]
    expected = original.header.prefix + b"".join(rest) + data[original.body:]
    return rewritten(data, lambda message: message.__delitem__(name)) == whole_lines(expected)


def test_a_changed_text_part_leaves_all_others_and_loses_nothing(messages: Messages) -> None:
    counts: Counter[str] = Counter()
    for name, data in messages:
        for number in range(len(texts(parse(data)))):
            counts["text parts"] += 1
            after = rewritten(data, lambda message: insert(texts(message)[number], "%CHANGED%\n"))
            assert after.count(b"%CHANGED%\n") == 1, name
            counts["all other bytes the same"] += after.replace(b"%CHANGED%\n", b"") == whole_lines(data)
            # Text is more than a block of a delivery status can hold: it becomes a block of its own.
            assert after.translate(None, b"\n").replace(b"%CHANGED%", b"") == data.translate(None, b"\n"), name
        counts["messages"] += 1
    print(dict(counts))
    assert counts["all other bytes the same"] >= 0.99 * counts["text parts"]
    assert counts["text parts"] >= counts["messages"]


def test_the_corpus_is_whole(messages: Messages) -> None:
    found = dict(corpus.messages())
    assert len(found) == corpus.SIZE
    assert not any(data.startswith(b"From ") for data in found.values())


def test_a_missing_corpus_is_said_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "DIRECTORY", tmp_path)
    with pytest.raises(corpus.CorpusMissing, match="dev/setup --corpus"):
        next(corpus.messages())
