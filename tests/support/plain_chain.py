"""A chain of filters in plain Python, without any server: what the server's verdicts are compared with.

    PYTHONPATH=.../pythonfilter/python python3 plain_chain.py DIRECTORY FILTER...

Run by tests as a program of its own. Reads one JSON list a line, the paths of a body and its control files, and prints
one JSON string: the reply of the first filter that has one. FILTER is a stock filter, or a module in DIRECTORY. An
exception ends the program with its traceback.
"""
from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from typing import Any


def load(directory: str, names: list[str]) -> list[Any]:
    """Imports and initialises the filters, in order."""
    package = importlib.import_module("pythonfilter")
    package.__path__.insert(0, directory)
    modules = [importlib.import_module(f"pythonfilter.{name}") for name in names]
    for module in modules:
        if hasattr(module, "init_filter"):
            module.init_filter()
    return modules


def verdict(modules: list[Any], body: str, controls: list[str]) -> str:
    for module in modules:
        if reply := module.do_filter(body, controls):
            return str(reply)
    return ""


def main() -> None:
    output = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        modules = load(sys.argv[1], sys.argv[2:])
    for line in sys.stdin:
        body, *controls = json.loads(line)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            reply = verdict(modules, body, controls)
        print(json.dumps(reply), file=output, flush=True)


if __name__ == "__main__":
    main()
