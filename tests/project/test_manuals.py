"""The manual pages are true: they name what there is and nothing else, their examples run, and troff takes them."""
from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import checkout
import pytest
from support.ctl import Ctl
from support.server import Server
from support.tree import installed_tree

PAGES = sorted((installed_tree() / "usr/share/man").glob("man*/*"))


def page(name: str) -> str:
    """An installed page, without troff's ways to write a dash and a font."""
    text = next(path for path in PAGES if path.name == name).read_text()
    return re.sub(r"\\f[BRI]", "", text).replace("\\-", "-").replace("\\e", "\\")


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next one of its kind."""
    match = re.search(rf"^\.SH {re.escape(title)}\n(.*?)(?=^\.SH |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, title
    return match.group(1)


def help_of(program: str) -> str:
    return subprocess.run([installed_tree() / "usr/sbin" / program, "--help"], capture_output=True, text=True,
                          check=True, timeout=20).stdout


def public_functions(body: list[ast.stmt]) -> set[str]:
    return {node.name for node in body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}


def api(module: str) -> set[str]:
    """The functions, classes and methods for filter authors, without the names of older filters."""
    body = ast.parse(checkout.text(Path("pyshim/courier") / f"{module}.py")).body
    names = public_functions(body)
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            names |= {node.name} | public_functions(node.body)
    return names


def test_every_page_of_the_project_is_installed() -> None:
    sources = {path.name.removesuffix(".in") for path in checkout.files() if path.parts[0] == "man"}
    assert {path.name for path in PAGES} == sources


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.name))
def test_troff_finds_nothing_wrong(path: Path) -> None:
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", path], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.name))
def test_pages_refer_to_pages_that_there_are(path: Path) -> None:
    own = {f"{name.stem} ({name.suffix[1:]})" for name in PAGES}
    named = re.findall(r"^\.BR (pythonfilter\S*) \((\d)\)", page(path.name), re.MULTILINE)
    assert {f"{name} ({number})" for name, number in named} - own == set()


def test_every_key_has_its_paragraph_and_there_is_no_other() -> None:
    sample = checkout.text(Path("conf/pythonfilter.yaml"))
    keys = re.findall(r"^ *#?(?:- |  )?([a-z_]+):", sample, re.MULTILINE)
    described = re.findall(r"^\.(?:SS|B) ([a-zA-Z_.\[\]]+)\n", section(page("pythonfilter.yaml.5"), "OPTIONS"),
                           re.MULTILINE)
    assert sorted(path.rpartition(".")[2] for path in described) == sorted(
        key for key in keys if key not in ("default",))


def test_options_and_commands_of_the_server_are_those_of_its_help() -> None:
    text, said = page("pythonfilter.8"), help_of("pythonfilter")
    assert set(re.findall(r"--[a-z-]+", text)) == set(re.findall(r"--[a-z-]+", said))
    commands = re.findall(r"^  ([a-z]+) {2,}", said.partition("Subcommands:")[2].partition("\n\n")[0], re.MULTILINE)
    described = re.findall(r"^\.B ([a-z]+)\n", text.partition(".SS Commands")[2].partition(".SS ")[0], re.MULTILINE)
    assert described == commands != []


def test_exit_statuses_of_the_server_are_those_of_its_help() -> None:
    statuses = re.findall(r"^  (\d+) ", help_of("pythonfilter").partition("Exit status:")[2], re.MULTILINE)
    assert re.findall(r"^\.B (\d+)$", section(page("pythonfilter.8"), "EXIT STATUS"), re.MULTILINE) == statuses != []


def test_options_commands_and_exit_statuses_of_pythonfilterctl_are_those_of_its_help() -> None:
    text, said = page("pythonfilterctl.8"), help_of("pythonfilterctl")
    assert set(re.findall(r"--[a-z-]+", text)) == set(re.findall(r"^ .*?(--[a-z-]+)", said, re.MULTILINE))
    commands = re.findall(r"^  ([a-z-]+) {2,}", said.partition("Subcommands:")[2].partition("\n\n")[0], re.MULTILINE)
    described = re.findall(r"^\.B ([a-z-]+)\n", text.partition(".SS Commands")[2].partition(".SS ")[0], re.MULTILINE)
    assert [name for name in described if name in commands] == described == commands != []
    statuses = re.findall(r"^  (\d+) ", said.partition("Exit status:")[2], re.MULTILINE)
    assert re.findall(r"^\.B (\d+)$", section(text, "EXIT STATUS"), re.MULTILINE) == statuses != []


def test_every_metric_has_its_paragraph_and_there_is_no_other() -> None:
    described = re.findall(r"^\.B (\w+)\n", section(page("pythonfilter-metrics.7"), "METRICS"), re.MULTILINE)
    with Server(filters={"nothing": "def do_filter(body, controls): return ''\n"}) as server:
        text = Ctl(server).run("metrics", "prometheus").stdout
    told = [(name, help) for name, help in re.findall(r"^# HELP (\w+) (.*)$", text, re.MULTILINE) if help]
    assert described == [name for name, _ in told] != []
    named = set(re.findall(r"pythonfilter_\w+", page("pythonfilter-metrics.7")))
    assert named == set(described)


@pytest.mark.parametrize("module", ["control", "xfilter", "config"])
def test_the_functions_for_filter_authors_are_all_described(module: str) -> None:
    text = section(page("pythonfilter-filter.7"), f"COURIER.{module.upper()}")
    described = re.findall(r"^\.BI? (\w+)(?:\(|$)", text, re.MULTILINE)
    assert set(described) == api(module) and len(described) == len(set(described))


def test_the_arguments_of_the_functions_are_those_of_the_package() -> None:
    for module in ("control", "config"):
        text = section(page("pythonfilter-filter.7"), f"COURIER.{module.upper()}")
        body = ast.parse(checkout.text(Path("pyshim/courier") / f"{module}.py")).body
        for node in body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            names = [argument.arg for argument in node.args.args if not argument.arg.startswith("_")]
            line = re.search(rf"^\.BI? \"?{node.name}\((.*)\)$", text, re.MULTILINE)
            assert line is not None, node.name
            assert re.findall(r"(\w+)(?:=\w+)?", line.group(1)) == names, node.name


def examples() -> list[tuple[str, str]]:
    """Each filter of the section EXAMPLES with the reply that stands behind it."""
    text = section(page("pythonfilter-filter.7"), "EXAMPLES")
    blocks = [block.strip() for block in re.findall(r"^\.nf\n(.*?)^\.fi$", text, re.MULTILINE | re.DOTALL)]
    assert len(blocks) % 2 == 0 and len(blocks) >= 8
    return [(code, reply.removeprefix("reply ")) for code, reply in zip(blocks[::2], blocks[1::2])]


@pytest.mark.parametrize(("code", "reply"), examples(), ids=lambda text: "" if "\n" in text else text[:3])
def test_the_filters_in_the_manual_get_the_replies_that_it_shows(code: str, reply: str) -> None:
    with Server(filters={"example": f"{code}\n"}) as server:
        assert server.ask() == f"{reply}\n".encode()


def test_the_examples_of_the_configuration_can_be_used() -> None:
    text = section(page("pythonfilter.yaml.5"), "EXAMPLES")
    configs = re.findall(r"^\.nf\n(.*?)^\.fi$", text, re.MULTILINE | re.DOTALL)
    assert len(configs) == 2
    nothing = "def do_filter(body, controls): return ''\n"
    for config in configs:
        keys = re.sub(r"^filter_path:.*\n", "", config, flags=re.MULTILINE)  # the server under test has its own
        with Server(filters={"block_example": nothing, "attachments": nothing}, config=keys) as server:
            assert server.ask().startswith(b"200 ")
