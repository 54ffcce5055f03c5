"""courier.config's settings of filters: modules files, merged key by key, with Python expressions for values."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from courier import _settings, config

Files = Callable[..., list[str]]


@pytest.fixture()
def files(courier_settings: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Writes one modules file for each text, and makes them those that are read."""
    def write(*contents: str) -> list[str]:
        paths = [courier_settings / f"modules.{number}" for number in range(len(contents))]
        for path, content in zip(paths, contents):
            path.write_text(content)
        monkeypatch.setattr(config, "_standard_config_paths", [str(path) for path in paths])
        return [str(path) for path in paths]
    return write


def test_values_are_expressions(files: Files) -> None:
    files("[a.py]\nttl = 60 * 60 * 24\nName: r'^\\d%s'\n"
          "map = {\n  'a': (1, None),  # comment\n  'b': True}\n; comment\n")
    assert config.get_module_config("a.py") == {"ttl": 86400, "Name": r"^\d%s", "map": {"a": (1, None), "b": True}}


def test_later_files_win_key_by_key(files: Files) -> None:
    paths = files("[a.py]\nx = 1\ny = 1\n", "[a.py]\ny = 2\n[b.py]\nz = 3\n")
    assert config.get_module_config("a.py") == {"x": 1, "y": 2}
    Path(paths[1]).unlink()
    assert config.get_module_config("a.py") == {"x": 1, "y": 1}
    assert config.get_module_config("b.py") == {}


def test_one_path_may_be_a_str(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    path, = files("[a.py]\nx = 1\n")
    for form in (path, Path(path), (path,)):
        monkeypatch.setattr(config, "_standard_config_paths", form)
        assert config.get_module_config("a.py") == {"x": 1}


def test_defaults_are_part_of_every_section_that_exists(files: Files) -> None:
    files("[DEFAULT]\nx = 1\ny = 1\n[a.py]\ny = 2\n")
    assert config.get_module_config("a.py") == {"x": 1, "y": 2}
    assert config.get_module_config("b.py") == {}


@pytest.mark.parametrize("content", ["no section\n", "[a.py]\nx\n", "[a.py]\nx = 1\nx = 2\n", "[a.py]\n[a.py]\n"])
def test_a_file_with_a_syntax_error_is_left_out_and_named(
        files: Files, capsys: pytest.CaptureFixture[str], content: str) -> None:
    paths = files(content, "[a.py]\ny = 2\n")
    assert config.get_module_config("a.py") == {"y": 2}
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and paths[0] in told and "[a.py]" in told


@pytest.mark.parametrize("value", ["undefined_name", "", "1 +", "'a' ; comment", "1 / 0"])
def test_a_value_that_cannot_be_evaluated_is_named(files: Files, value: str) -> None:
    path, = files(f"[a.py]\nkey = {value}\n")
    with pytest.raises(config.SettingError, match=r"\[a\.py\] key") as raised:
        config.get_module_config("a.py")
    assert path in str(raised.value)


def test_settings_are_assigned_to_a_modules_names(
        files: Files, courier_settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files("[a.py]\nlimit = 5\nlimt = 6\n")
    namespace: dict[str, Any] = {"limit": 1, "other": 2}
    config.apply_module_config("a.py", namespace)
    assert namespace == {"limit": 5, "limt": 6, "other": 2}
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "limt" in told and "did you mean limit" in told
    assert str(courier_settings / "modules.0") in told


@pytest.fixture()
def server_settings() -> Iterator[Callable[..., None]]:
    """Hands settings over as the server does; without it there are none, as in plain python3."""
    yield _settings.take_server_settings
    _settings.take_server_settings({})


def test_settings_of_the_server_win_key_by_key_and_are_not_evaluated(
        files: Files, server_settings: Callable[..., None]) -> None:
    files("[DEFAULT]\nd = 1\n[a.py]\nx = undefined_name\ny = 2\n[b.py]\nz = 3\n")
    server_settings({"a.py": {"x": ("1 + 1", "f.yaml:3")}, "c.py": {"list": ([1], "f.yaml:4")}})
    assert config.get_module_config("a.py") == {"d": 1, "x": "1 + 1", "y": 2}
    assert config.get_module_config("b.py") == {"d": 1, "z": 3}
    assert config.get_module_config("c.py") == {"d": 1, "list": [1]}
    assert config.get_module_config("d.py") == {}


def test_each_call_gives_values_of_its_own(files: Files, server_settings: Callable[..., None]) -> None:
    server_settings({"a.py": {"map": ({"a": [1]}, "f.yaml:3")}})
    config.get_module_config("a.py")["map"]["a"].append(2)
    assert config.get_module_config("a.py") == {"map": {"a": [1]}}


def test_a_warning_about_a_setting_of_the_server_names_its_line(
        files: Files, server_settings: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    server_settings({"a.py": {"limt": (6, "/etc/courier/pythonfilter.yaml:3")}})
    config.apply_module_config("a.py", {"limit": 1})
    assert capsys.readouterr().err == (
        "WARN: /etc/courier/pythonfilter.yaml:3: [a.py] limt: the module has no such setting, did you mean limit?\n")


def test_nothing_is_assigned_when_a_value_cannot_be_evaluated(files: Files) -> None:
    files("[a.py]\nx = 2\ny = undefined_name\n")
    namespace: dict[str, Any] = {"x": 1, "y": 1}
    with pytest.raises(config.SettingError):
        config.apply_module_config("a.py", namespace)
    assert namespace == {"x": 1, "y": 1}
