"""Where functions begin and end, in C++, Python and bash. For test_sizes.py.

An approximation for C++: braces are counted in code without comments and strings, and a block is a function when what
stands before it has a parameter list. Must never be used to change code.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import checkout

_CONTAINER = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
_QUALIFIERS = re.compile(r"\)\s*(const|noexcept|override|final|mutable|&|->.*|:[^:].*)*\s*$", re.DOTALL)
_BASH_FUNCTION = re.compile(r"^\w+\(\) \{\n(.*?)^\}$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Function:
    path: Path
    name: str
    line: int
    length: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name}: {self.length} lines"


def in_file(path: Path) -> Iterator[Function]:
    """The functions of a file of the project; none for other kinds of files."""
    if path.suffix in (".cpp", ".h"):
        return _in_cpp(path)
    if path.suffix == ".py":
        return _in_python(path)
    return _in_bash(path) if checkout.is_bash(path) else iter(())


def _in_python(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(checkout.text(path))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield Function(path, node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)


def _in_bash(path: Path) -> Iterator[Function]:
    text = checkout.text(path)
    for match in _BASH_FUNCTION.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Function(path, match.group().partition("(")[0], line, match.group().count("\n") + 1)


def _in_cpp(path: Path) -> Iterator[Function]:
    code = re.sub(r"^\s*#[^\n]*", "", checkout.code(path), flags=re.MULTILINE)
    head = 0  # where the text before the next brace begins
    blocks: list[tuple[str, int]] = []
    for mark in re.finditer(r"[{};]", code):
        if mark.group() == "{":
            blocks.append((_kind(code[head:mark.start()], blocks), head))
            head = mark.end()
        elif mark.group() == "}" and blocks:
            kind, start = blocks.pop()
            if kind == "function":
                yield _function(path, code, start, mark.end())
            head = start if kind == "value" else mark.end()  # `: a{1} {`: the initializer is part of what follows
        elif not any(kind == "function" for kind, _ in blocks):
            head = mark.end()


def _kind(head: str, blocks: list[tuple[str, int]]) -> str:
    if any(kind != "container" for kind, _ in blocks):
        return "inner"
    if _QUALIFIERS.search(head) and not re.search(r"=\s*$", head):
        return "function"
    return "container" if _CONTAINER.search(head) else "value"


def _function(path: Path, code: str, start: int, end: int) -> Function:
    begin = start + len(code[start:end]) - len(code[start:end].lstrip())
    name = re.search(r"([\w:~]+)\s*\(", code[begin:end])
    line, length = code.count("\n", 0, begin) + 1, code.count("\n", begin, end) + 1
    return Function(path, name.group(1) if name else "?", line, length)
