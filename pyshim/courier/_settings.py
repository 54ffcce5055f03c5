"""The filters' settings: reads the modules files, merges them, evaluates values, says clearly what is wrong.

For courier.config only. The format is older than this server: INI files, later ones win key by key, values are Python
expressions ("60 * 60 * 24", tuples, dicts). A file with a syntax error is reported and left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class SettingError(ValueError):
    """A setting cannot be evaluated; the text names file, section and key."""


class _Setting(NamedTuple):
    text: str
    path: str


_Sections = dict[str, dict[str, _Setting]]


def read_section(paths: Iterable[str], section: str) -> dict[str, Any]:
    """Returns the evaluated settings of a section; {} when no file has it.

    Args:
        paths: the modules files, later ones win; missing ones are skipped.
        section: its name. Settings of a section DEFAULT are part of every section that exists.

    Raises:
        SettingError: a value is not an expression, or evaluating it fails.
    """
    merged: _Sections = {}
    for path in paths:
        for name, settings in _read_file(path, section).items():
            merged.setdefault(name, {}).update(settings)
    defaults = merged.pop("DEFAULT", {})
    if section not in merged:
        return {}
    settings = {**defaults, **merged[section]}
    return {key: _evaluate(section, key, setting) for key, setting in settings.items()}


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
        name: {key: _Setting(text, path) for key, text in parser.items(name)} for name in parser.sections()
    }


def _evaluate(section: str, key: str, setting: _Setting) -> Any:
    try:
        # The files belong to the administrator; sites use any built-in in them.
        return eval(setting.text, {})
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise SettingError(f"{setting.path}: [{section}] {key} = {setting.text}: {what}") from error


def apply(section: str, settings: Mapping[str, Any], namespace: dict[str, Any]) -> None:
    """Assigns settings into a module's namespace, with a warning about each that the module does not define."""
    for key in settings:
        if key in namespace:
            continue
        import difflib  # only for this warning

        known = [name for name in namespace if not name.startswith("_")]
        nearest = difflib.get_close_matches(key, known, n=1)
        hint = f", did you mean {nearest[0]}?" if nearest else ""
        sys.stderr.write(f"WARN: [{section}] {key}: the module has no such setting{hint}\n")
    namespace.update(settings)
