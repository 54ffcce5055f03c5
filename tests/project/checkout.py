"""The files of this checkout, and C++ source reduced to what counts. For the tests in this directory.

Asks git, so that what a build or an editor left lying about is no part of the project.
"""
from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

_COMMENT_OR_TEXT = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"\((?P<raw>.*?)\)"|"(?:\\.|[^"\\\n])*"|(?<![\w])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project, relative to TOP."""
    # safe.directory: the checkout may belong to somebody else, as in a container.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    names = subprocess.run(command, cwd=TOP, check=True, capture_output=True).stdout.decode().split("\0")[:-1]
    return tuple(sorted(Path(name) for name in names if (TOP / name).is_file() and not (TOP / name).is_symlink()))


@cache
def text(path: Path) -> str:
    return (TOP / path).read_text(encoding="utf-8")


def written() -> list[Path]:
    """Files with lines that a person wrote: no mail, no picture, no licence."""
    others = (".eml", ".mbox", ".bin", ".png", ".svg")
    return [path for path in files() if path.suffix not in others and path.name != "LICENSE"]


def sources(directory: str) -> list[Path]:
    """The C++ files directly in src/<directory>."""
    return [path for path in files() if path.parent == Path("src", directory) and path.suffix in (".cpp", ".h")]


def source_directories() -> list[str]:
    return sorted({path.parts[1] for path in files() if path.parts[0] == "src" and len(path.parts) == 3})


def is_bash(path: Path) -> bool:
    return not path.suffix and text(path).startswith("#!/bin/bash\n")


@cache
def code(path: Path) -> str:
    """A C++ file without comments and string contents; its lines keep their numbers. Include lines lose their names."""
    return _COMMENT_OR_TEXT.sub(lambda match: _blank(match.group()), text(path))


def _blank(piece: str) -> str:
    kept = "" if piece.startswith("/") else '""'
    return kept + "\n" * piece.count("\n")


def includes(path: Path) -> list[str]:
    """What a C++ file includes, between quotes or angle brackets."""
    return re.findall(r'^\s*#\s*include\s*["<]([^">]+)[">]', text(path), re.MULTILINE)
