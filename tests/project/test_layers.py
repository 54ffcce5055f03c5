"""Who may include whom: base <- config <- message <- {master | worker | native | ctl}, and what each must not touch."""
from __future__ import annotations

import re

import checkout
import pytest

LAYERS: dict[str, set[str]] = {
    "base": set(),
    "config": {"base"},
    "message": {"base", "config"},
    "master": {"base", "config", "message"},
    "worker": {"base", "config", "message"},
    "native": {"base", "config", "message"},
    "ctl": {"base", "config", "message"},
}
PYTHON = ("Python.h", "pybind11/")
# Only the parts that load Python may include it; only the master may include libev; only config the YAML library.
FOREIGN = {
    "base": (*PYTHON, "ev.h", "yaml-cpp/"),
    "config": (*PYTHON, "ev.h", "nlohmann/"),
    "message": (*PYTHON, "ev.h", "yaml-cpp/"),
    "master": (*PYTHON, "yaml-cpp/"),
    "worker": ("ev.h", "yaml-cpp/", "nlohmann/", "message/json.h"),
    "native": ("ev.h", "yaml-cpp/", "nlohmann/", "message/json.h"),
    "ctl": (*PYTHON, "ev.h", "yaml-cpp/"),
}
IO_HEADERS = {"fstream", "iostream", "filesystem", "cstdio", "stdio.h", "fcntl.h", "unistd.h", "dirent.h", "poll.h",
              "sys/stat.h", "sys/socket.h", "sys/un.h", "sys/mman.h", "sys/uio.h"}
IO_CALL = re.compile(
    r"(?<![\w.>:])(?:::|std::)?(open|openat|creat|close|p?readv?|p?writev?|socket|connect|accept4?|send(?:to|msg)?"
    r"|recv(?:from|msg)?|stat|fstat|lstat|unlink|rename|fopen|printf|fprintf|mmap|[io]?fstream)\s*\(")
# Reads and appends the records of files that its caller has opened; message.h says so.
IO_EXCEPTIONS = {"control_file.cpp"}


def test_every_directory_has_its_layer() -> None:
    assert set(checkout.source_directories()) <= set(LAYERS)


@pytest.mark.parametrize("directory", checkout.source_directories())
def test_includes_look_down_only(directory: str) -> None:
    allowed = LAYERS[directory] | {directory}
    wrong = [f"{path} includes {name}" for path in checkout.sources(directory) for name in checkout.includes(path)
             if name.partition("/")[0] in LAYERS and name.partition("/")[0] not in allowed]
    assert not wrong


@pytest.mark.parametrize("directory", checkout.source_directories())
def test_libraries_stay_where_they_belong(directory: str) -> None:
    wrong = [f"{path} includes {name}" for path in checkout.sources(directory) for name in checkout.includes(path)
             if name.startswith(FOREIGN[directory])]
    assert not wrong


def test_own_header_comes_first() -> None:
    wrong = [f"{path} includes {checkout.includes(path)[0]} first"
             for directory in checkout.source_directories() for path in checkout.sources(directory)
             if path.suffix == ".cpp" and path.with_suffix(".h") in checkout.files()
             and checkout.includes(path)[0] != f"{directory}/{path.stem}.h"]
    assert not wrong


def test_message_does_no_io() -> None:
    wrong: list[str] = []
    for path in checkout.sources("message"):
        if path.name in IO_EXCEPTIONS:
            continue
        wrong += [f"{path} includes {name}" for name in checkout.includes(path) if name in IO_HEADERS]
        wrong += [f"{path} calls {match.group(1)}()" for match in IO_CALL.finditer(checkout.code(path))]
    assert not wrong
    assert "no I/O" in checkout.text(checkout.sources("message")[0].with_name("message.h"))
