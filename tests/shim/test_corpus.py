"""The sample filters and XFilter over real messages in plain Python: nothing raises, is refused, or is altered.

Every 20th message of the corpus in a normal run, all of them with --full.
"""
from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import corpus

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


def test_xfilter_changes_what_it_is_asked_to(
        messages: Messages, message: Callable[[bytes], str], control_paths: list[str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # thousands of them take minutes on a slow disk
    for name, data in messages:
        path = message(data)
        x = XFilter("test", path, control_paths)
        x.message["X-Test"] = "1"
        x.submit()
        after = Path(path).read_bytes()
        assert after.count(b"X-Test: 1\n") == 1, name
        assert after.replace(b"X-Test: 1\n", b"").rstrip(b"\n") == data.rstrip(b"\n"), name


def test_the_corpus_is_whole(messages: Messages) -> None:
    found = dict(corpus.messages())
    assert len(found) == corpus.SIZE
    assert not any(data.startswith(b"From ") for data in found.values())


def test_a_missing_corpus_is_said_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "DIRECTORY", tmp_path)
    with pytest.raises(corpus.CorpusMissing, match="dev/setup --corpus"):
        next(corpus.messages())
