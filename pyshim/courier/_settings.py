"""The filters' settings: reads the modules files, merges them, evaluates values, says clearly what is wrong.

For courier.config only. The format is older than this server: INI files, later ones win key by key, values are Python
expressions ("60 * 60 * 24", tuples, dicts). A file with a syntax error is reported and left out. Inside the server the
settings of its own configuration file win over them, key by key; those are values already and are never evaluated.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Union


class SettingError(ValueError):
    """A setting cannot be evaluated; the text names file, section and key."""


class _Expression(NamedTuple):
    text: str
    place: str  # the file


class _Value(NamedTuple):
    value: Any
    place: str  # file and line


_Setting = Union[_Expression, _Value]
_Sections = dict[str, dict[str, _Setting]]

_server_settings: _Sections = {}


def take_server_settings(sections: Mapping[str, Mapping[str, tuple[Any, str]]]) -> None:
    """Replaces the settings that win over the modules files. Called by the server before it imports the filters.

    Args:
        sections: for each section its keys, each with value and place ("file:line").
    """
    _server_settings.clear()
    for name, settings in sections.items():
        _server_settings[name] = {key: _Value(value, place) for key, (value, place) in settings.items()}


def read_section(paths: Iterable[str], section: str) -> dict[str, Any]:
    """Returns the evaluated settings of a section; {} when no file has it.

    Args:
        paths: the modules files, later ones win; missing ones are skipped.
        section: its name. Settings of a section DEFAULT are part of every section that exists.

    Raises:
        SettingError: a value is not an expression, or evaluating it fails.
    """
    return {key: _evaluate(section, key, setting) for key, setting in _merged(paths, section).items()}


def _merged(paths: Iterable[str], section: str) -> dict[str, _Setting]:
    merged: _Sections = {}
    for path in paths:
        for name, settings in _read_file(path, section).items():
            merged.setdefault(name, {}).update(settings)
    defaults = merged.pop("DEFAULT", {})
    own = _server_settings.get(section)
    if section not in merged and own is None:
        return {}
    return {**defaults, **merged.get(section, {}), **(own or {})}


def _read_file(path: str, wanted: str) -> _Sections:
    import configparser  # only needed here, and not for importing courier.config

    # Sections under their own names: DEFAULT is merged in read_section(), over all files.
    parser = configparser.RawConfigParser(default_section="\0")
    setattr(parser, "optionxform", str)  # keys keep their case
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        sys.stderr.write(f"ERR: {path}: settings for [{wanted}] not read from here: {reason}\n")
        return {}
    except OSError:
        return {}
    return {
        name: {key: _Expression(text, path) for key, text in parser.items(name)} for name in parser.sections()
    }


def _evaluate(section: str, key: str, setting: _Setting) -> Any:
    if isinstance(setting, _Value):
        import copy  # only for these

        return copy.deepcopy(setting.value)  # the caller may change what it gets, as with a value from a file
    try:
        # The files belong to the administrator; sites use any built-in in them.
        return eval(setting.text, {})
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise SettingError(f"{setting.place}: [{section}] {key} = {setting.text}: {what}") from error


def apply(paths: Iterable[str], section: str, namespace: dict[str, Any]) -> None:
    """Assigns the settings of a section into a module's namespace; each that it does not define is a warning.

    Args:
        paths: as for read_section().
        section: its name.
        namespace: the module's globals().

    Raises:
        SettingError: a value cannot be evaluated. Nothing was assigned then.
    """
    settings = _merged(paths, section)
    values = {key: _evaluate(section, key, setting) for key, setting in settings.items()}
    for key, setting in settings.items():
        if key in namespace:
            continue
        import difflib  # only for this warning

        known = [name for name in namespace if not name.startswith("_")]
        nearest = difflib.get_close_matches(key, known, n=1)
        hint = f", did you mean {nearest[0]}?" if nearest else ""
        sys.stderr.write(f"WARN: {setting.place}: [{section}] {key}: the module has no such setting{hint}\n")
    namespace.update(values)
