"""The examples in the API's docstrings run as they stand, and `__all__` names all of the API."""
from __future__ import annotations

import dbm.gnu
import doctest
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from courier import config, control

Envelope = Callable[..., list[str]]

RECORDS = ("salice@example.com\nfdns; client.example.com (client.example.com [192.0.2.1])\ne\nt\nM1.2.3\n"
           "rbob@example.net\nRBob@example.net\nNFD\nOTCPREMOTEIP=192.0.2.1\nusmtp\nT\n")
FILES = {"me": "mail.example.com\n", "defaultdomain": "example.com\n", "locals": "example.com\n"}
TABLES = {
    "aliases.dat": {"postmaster@mail.example.com": "alice@example.com\nbob@example.com\n"},
    "hosteddomains.dat": {"example.org": "1"},
    "smtpaccess.dat": {"192.0.2": "allow,RELAYCLIENT", "198.51.100": "allow,BLOCK=550 Go away"},
}


@pytest.fixture()
def example_site(courier_settings: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The server of which the examples in courier.config speak."""
    for name, content in FILES.items():
        (courier_settings / name).write_text(content)
    for name, entries in TABLES.items():
        with dbm.gnu.open(str(courier_settings / name), "n") as table:
            for key, value in entries.items():
                table[key.encode()] = value.encode()
    modules = courier_settings / "modules.conf"
    modules.write_text("[greylist.py]\ngreylist_time = 5 * 60\n")
    monkeypatch.setattr(config, "_standard_config_paths", str(modules))
    monkeypatch.setattr(config, "version", "1.0.16", raising=False)
    yield courier_settings


def functions(module: ModuleType) -> dict[str, FunctionType]:
    """The functions of a module's API under their present names."""
    found = {name: getattr(module, name) for name in module.__all__}
    return {name: value for name, value in found.items()
            if isinstance(value, FunctionType) and value.__name__ == name}


def run_example(function: FunctionType, **names: object) -> None:
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner(verbose=False)
    for example in finder.find(function, extraglobs=names):
        report: list[str] = []
        runner.run(example, out=report.append)
        assert not runner.failures, "".join(report)


def with_examples(module: ModuleType) -> list[str]:
    return [name for name, function in functions(module).items() if ">>>" in (function.__doc__ or "")]


@pytest.mark.parametrize("name", with_examples(control))
def test_examples_of_control(envelope: Envelope, name: str) -> None:
    run_example(functions(control)[name], control_paths=envelope(RECORDS))


@pytest.mark.parametrize("name", with_examples(config))
def test_examples_of_config(example_site: Path, name: str) -> None:
    run_example(functions(config)[name])


def test_nearly_every_function_has_an_example() -> None:
    assert len(with_examples(control)) == len(functions(control)) == 13
    assert set(functions(config)) - set(with_examples(config)) == {"esmtphelo", "defaultdomain", "locallowercase"}


@pytest.mark.parametrize("module", [config, control])
def test_every_function_says_what_it_returns_and_raises(module: ModuleType) -> None:
    for name, function in functions(module).items():
        text = function.__doc__ or ""
        assert text.split("\n")[0].endswith((".", ":", ")")), name
        arguments = function.__code__.co_varnames[:function.__code__.co_argcount]
        assert not set(arguments) - {"control_paths", "_cached"} or "Args:" in text or len(arguments) < 2, name


@pytest.mark.parametrize("module", [config, control])
def test_all_is_sorted_and_has_every_public_name(module: ModuleType) -> None:
    assert module.__all__ == sorted(module.__all__) and len(set(module.__all__)) == len(module.__all__)
    defined = {name for name, value in vars(module).items()
               if not name.startswith("_") and isinstance(value, (FunctionType, str))}
    assert defined - {"annotations"} <= set(module.__all__)
    names: dict[str, object] = {}
    exec(f"from {module.__name__} import *", names)
    assert set(module.__all__) <= set(names)
