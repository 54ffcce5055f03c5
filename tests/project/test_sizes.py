"""Files and functions stay short enough to be read in one go."""
from __future__ import annotations

import checkout
import functions

MAX_FILE = 400
MAX_FUNCTION = 60
SIZED = {".cpp", ".h", ".py", ".pyi"}


def all_functions() -> list[functions.Function]:
    return [one for path in checkout.written() for one in functions.in_file(path)]


def test_no_file_is_too_long() -> None:
    sized = (path for path in checkout.written() if path.suffix in SIZED or checkout.is_bash(path))
    lengths = {str(path): checkout.text(path).count("\n") for path in sized}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE} == {}


def test_no_function_is_too_long() -> None:
    assert [str(one) for one in all_functions() if one.length > MAX_FUNCTION] == []


def test_functions_are_found() -> None:
    """Guards the approximation: a kind of function that it misses would never be too long."""
    names = {one.name for one in all_functions()}
    assert len(names) > 300
    assert {"load_config", "message_line", "TEST_CASE", "install_missing", "test_functions_are_found"} <= names
