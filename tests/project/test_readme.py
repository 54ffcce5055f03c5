"""README.md says what is there, no less and no more."""
from __future__ import annotations

import re
from pathlib import Path

import checkout

PARENTS = {"src", "pyshim", "tests"}  # their directories stand in the map one by one


def section(title: str) -> str:
    """The text of one section of README.md."""
    form = re.compile(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    match = form.search(checkout.text(Path("README.md")))
    assert match is not None, f"README.md has no section {title!r}"
    return match.group(1)


def directories() -> set[str]:
    """What the map must name: top-level directories, or those one step below a parent."""
    found: set[str] = set()
    for path in checkout.files():
        parts = path.parts[:-1]
        if parts:
            found.add("/".join(parts[:2]) if parts[0] in PARENTS and len(parts) > 1 else parts[0])
    return found - PARENTS


def test_the_map_names_every_directory_and_no_other() -> None:
    named = {name.rstrip("/") for name in re.findall(r"^\| `([^`]+)/` \|", section("Map of the source"), re.MULTILINE)}
    assert named == directories()


def test_every_package_is_explained() -> None:
    setup = checkout.text(Path("dev/setup"))
    packages = [word for block in re.findall(r"^\w+_packages=\(\n(.*?)^\)", setup, re.MULTILINE | re.DOTALL)
                for word in re.sub(r"#[^\n]*", "", block).split()]
    assert len(packages) > 10
    explained = set(re.findall(r"`([^`\s]+)`", section("Debian packages")))
    assert [package for package in packages if package not in explained] == []
    assert [name for name in explained if name not in setup] == []


def test_every_dev_command_is_named() -> None:
    commands = [str(path) for path in checkout.files() if path.parts[0] == "dev"]
    assert [name for name in commands if name not in checkout.text(Path("README.md"))] == []


def test_every_named_file_exists() -> None:
    named = re.findall(r"`((?:src|tests|dev|pyshim|conf|man|systemd|\.ci)/[\w./-]*)", checkout.text(Path("README.md")))
    assert [name for name in named if not (checkout.TOP / name).exists()] == []


def test_every_key_in_an_example_exists() -> None:
    known = set(re.findall(r'\.key = "(\w+)"', checkout.text(Path("src/config/option_table.cpp"))))
    examples = "\n".join(re.findall(r"^```yaml\n(.*?)^```", checkout.text(Path("README.md")), re.MULTILINE | re.DOTALL))
    keys = set(re.findall(r"(?:^\s*(?:- )?|[{,] ?)([a-z_]+):(?= |$)", re.sub(r"#.*", "", examples), re.MULTILINE))
    names = {"default", "scanners"} | {"ttldb", "type", "dir", "senders"}  # of pools; of modules and settings
    assert keys and keys - known - names == set()
