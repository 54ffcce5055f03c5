"""courier.control against a model in plain Python: any additions and removals, on files with any bytes in them.

The model reads as Courier's documentation says and appends text; it shares nothing with the extension.
"""
from __future__ import annotations

import re
import urllib.parse
from pathlib import Path
from typing import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courier import control

BLANKS = b" \t\n\r\v\f"
Data = list[str]


def text_of(raw: bytes) -> str:
    raw = raw.strip(BLANKS)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "(malformed utf8):" + urllib.parse.quote_plus(raw, safe="@")


def bytes_of(text: str) -> bytes:
    mark, is_marked, encoded = text.partition("(malformed utf8):")
    raw = urllib.parse.unquote_to_bytes(encoded.replace("+", " "))
    return raw if is_marked and not mark and text_of(raw) == text else text.encode()


class FileModel:
    """One control file: its bytes, and what they mean."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def recipients(self) -> list[tuple[int, Data]]:
        columns: dict[bytes, list[bytes]] = {b"r": [], b"R": [], b"N": []}
        done: set[int] = set()
        for line in self.content.split(b"\0")[0].replace(b"\r", b" ").split(b"\n"):
            if line[:1] in columns:
                columns[line[:1]].append(line[1:])
            elif match := re.match(rb"[SF]([0-9]+)([ \t]|$)", line):
                done.add(int(match[1]))
        found = []
        for number, address in enumerate(columns[b"r"]):
            if number in done or not address.strip(BLANKS):
                continue
            others = [text_of(columns[kind][number]) if number < len(columns[kind]) else "" for kind in (b"R", b"N")]
            found.append((number, [text_of(address), *others]))
        return found

    def append(self, records: bytes) -> bool:
        """False when the file takes no records."""
        if b"\0" in self.content:
            return False
        self.content += (b"" if self.content[-1:] in (b"", b"\n") else b"\n") + records
        return True


class Model:
    """What courier.control should do; each change returns False when it should be refused."""

    def __init__(self, contents: list[bytes]) -> None:
        self.files = [FileModel(content) for content in contents]

    def data(self) -> list[Data]:
        return [data for file in self.files for _, data in file.recipients()]

    def add(self, data: Data) -> bool:
        values = [bytes_of(value) for value in data]
        if not values[0].strip(BLANKS) or any(set(value) & set(b"\n\r\0") for value in values):
            return False
        return self.files[-1].append(b"".join(kind + value + b"\n" for kind, value in zip((b"r", b"R", b"N"), values)))

    def remove(self, matches: Callable[[Data], bool]) -> bool:
        for file in self.files:
            for number, data in file.recipients():
                if matches(data):
                    return file.append(b"I%d R 250 \nS%d \n" % (number, number))
        return True


def without_variable_text(content: bytes) -> bytes:
    """The text of an I record is ours to word, and the time of an S record passes."""
    content = re.sub(rb"(?m)^(I[0-9]+ R 250 )[^\n]*pythonfilter[^\n]*$", rb"\1", content)
    return re.sub(rb"(?m)^(S[0-9]+ )[0-9]{10}$", rb"\1", content)


ADDRESSES = st.sampled_from(["bob@x", "é@x", " a b@x ", "(malformed utf8):b%FFb@x", "(malformed utf8):nonsense", "\t"])
VALUES = ADDRESSES | st.text(st.characters(blacklist_categories=["Cs"]), max_size=5)
RECORDS = st.sampled_from([
    b"rbob@x\nRinfo@x\nNFD\n", b"r\xc3\xa9@x\nR\nN\n", b"rb\xffb@x\nR\nN\n", b"r\nR\nN\n", b"rbob@x\n", b"S0 1\n",
    b"S1 1 r\n", b"F2 5\n", b"S-1 1\n", b"S99999999999999999999 1\n", b"I0 R 250 x\n", b"Ro@x\n", b"NN\n", b"\n",
    b"r \n", b"sa@x\r\n", b"S1\r\n", b"rz@x"])
CONTENTS = st.lists(RECORDS, max_size=8).map(b"".join) | st.binary(max_size=60)
CHANGES = st.lists(st.one_of(
    st.tuples(st.just("add"), st.tuples(VALUES, VALUES, VALUES)),
    st.tuples(st.just("add_address"), st.tuples(VALUES)),
    st.tuples(st.just("del_address"), st.tuples(VALUES)),
    st.tuples(st.just("del_present"), st.tuples(st.integers(0, 9), st.booleans())),
    st.tuples(st.just("del_data"), st.tuples(VALUES, VALUES, VALUES))), max_size=8)


def apply(model: Model, paths: list[str], change: str, values: tuple[object, ...]) -> tuple[bool, Callable[[], None]]:
    """What the model says of a change, and the change itself."""
    data = [str(value) for value in values]
    if change == "add":
        return model.add(data), lambda: control.add_recipient_data(paths, data)
    if change == "add_address":
        return model.add([data[0], "", ""]), lambda: control.add_recipient(paths, data[0])
    if change == "del_present":
        present, (index, by_address) = model.data(), values
        assert isinstance(index, int)
        data = present[index % len(present)] if present else ["", "", ""]
        change = "del_address" if by_address else "del_data"
    if change == "del_address":
        return model.remove(lambda other: other[0] == data[0]), lambda: control.del_recipient(paths, data[0])
    return model.remove(lambda other: other == data), lambda: control.del_recipient_data(paths, data)


@settings(deadline=None, max_examples=300)
@given(contents=st.lists(CONTENTS, min_size=1, max_size=3), changes=CHANGES)
def test_any_sequence_of_additions_and_removals_gives_what_the_model_says(
        tmp_path_factory: pytest.TempPathFactory, contents: list[bytes],
        changes: list[tuple[str, tuple[object, ...]]]) -> None:
    directory = tmp_path_factory.mktemp("control")
    paths = [str(directory / str(number)) for number in range(len(contents))]
    for path, content in zip(paths, contents):
        Path(path).write_bytes(content)
    model = Model(contents)
    assert control.get_recipients_data(paths) == model.data()
    for change, values in changes:
        before = [Path(path).read_bytes() for path in paths]
        is_taken, act = apply(model, paths, change, values)
        if is_taken:
            act()
        else:
            with pytest.raises((ValueError, OSError)):
                act()
        after = [Path(path).read_bytes() for path in paths]
        for old, new, file in zip(before, after, model.files):
            assert new.startswith(old) and (new == old or new.endswith(b"\n"))
            assert without_variable_text(new) == without_variable_text(file.content)
        assert control.get_recipients_data(paths) == control.get_control_data(paths)["r"] == model.data()
        assert control.get_recipients(paths) == [one[0] for one in model.data()]


@given(st.binary(max_size=200), st.sampled_from("sfUeMitEpWvXuw8mVTO\n\r"))
def test_every_reader_takes_any_bytes(
        tmp_path_factory: pytest.TempPathFactory, content: bytes, letter: str) -> None:
    path = tmp_path_factory.mktemp("control") / "c"
    path.write_bytes(content)
    lines = [line for line in content.split(b"\0")[0].replace(b"\r", b" ").split(b"\n") if line]
    values = [text_of(line[1:]) for line in lines if line[:1] == letter.encode()]
    assert control.get_lines([path], letter) == values
    data = control.get_control_data([path])
    absent: dict[str, object] = {letter: "" for letter in "sfU"}
    absent.update({letter: None for letter in "eMitEpWvXu"} | {letter: False for letter in "w8mVT"})
    assert set(data) == {*absent, "r"}
    if letter in absent:
        present = True if letter in "w8mVT" else values[-1] if values else ""
        assert data[letter] == (present if values else absent[letter])
