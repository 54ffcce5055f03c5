"""courier/_native.pyi, which mypy believes, says what the extension is: the same names, arguments and kinds of results.

pybind11 writes a signature into each docstring; mypy's own stubtest cannot see it.
"""
from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from courier import _native

STUB = Path(_native.__file__).with_name("_native.pyi")
FORM = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) -> (?P<result>.*)")


def declared() -> dict[str, ast.FunctionDef]:
    """The functions of the stub."""
    return {node.name: node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.FunctionDef)}


def signature(name: str) -> re.Match[str]:
    function: Any = getattr(_native, name)
    match = FORM.fullmatch(function.__doc__.strip())
    assert match is not None and match["name"] == name
    return match


def outer_type(text: str) -> str:
    """The type without what is in it, as both sides spell it."""
    text = text.replace("typing.", "").replace(" | None", "")
    optional = re.fullmatch(r"Optional\[(.*)\]", text)
    return re.split(r"[\[ ]", optional[1] if optional else text)[0].lower()


def test_both_have_the_same_names() -> None:
    real = {name for name, value in vars(_native).items() if callable(value)}
    assert real == set(declared())


@pytest.mark.parametrize("name", declared())
def test_the_arguments_are_the_same(name: str) -> None:
    stub = declared()[name].args
    assert not stub.defaults and not stub.kwonlyargs and stub.vararg is None
    real = [argument.partition(":")[0].strip() for argument in re.sub(r"\[[^()]*?\]", "", signature(name)["arguments"])
            .split(",") if argument.strip()]
    assert [argument.arg for argument in stub.args] == real


@pytest.mark.parametrize("name", declared())
def test_the_results_are_of_the_same_type(name: str) -> None:
    returns = declared()[name].returns
    assert returns is not None
    assert outer_type(ast.unparse(returns)) == outer_type(signature(name)["result"])
    assert ("None" in ast.unparse(returns)) == ("Optional" in signature(name)["result"] or
                                                 signature(name)["result"] == "None")


@pytest.mark.parametrize("name", declared())
def test_too_few_and_too_many_arguments_are_type_errors(name: str) -> None:
    function: Any = getattr(_native, name)
    count = len(declared()[name].args.args)
    for arguments in [()] * (count > 0) + [(None,) * (count + 1)]:
        with pytest.raises(TypeError):
            function(*arguments)
