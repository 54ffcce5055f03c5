"""Every command that README.md tells somebody to type is run by a test, or by the command that runs the tests."""
from __future__ import annotations

import re
from pathlib import Path

import checkout
import pytest

# What the command begins with: where it is run, and by which words there. For pythonfilterctl see below.
RUN_BY = {
    "dev/run": ("tests/component/test_demo.py", "demo.__file__"),
    "dev/test": (".ci/run", "dev/test --full"),
    "dev/package": ("tests/e2e/test_package.py", "dev/package"),
    "dev/build --tests --into build/sanitize": ("dev/test", 'dev/build --tests --werror --into "$into/sanitize"'),
    "tests/fuzz/run build/fuzz": ("dev/test", 'tests/fuzz/run "$into/fuzz"'),
    "apt install ./build/package/": ("tests/e2e/test_package.py", '"dpkg", "--install"'),  # the tree has no network
    "filterctl start pythonfilter": ("tests/e2e/test_package.py", '"filterctl", "start", NAME'),
    "esmtpd stop": ("tests/e2e/test_site_switch.py", '"esmtpd", "stop"'),
    "esmtpd start": ("tests/e2e/test_site_switch.py", '"esmtpd", "start"'),
    "courierfilter stop": ("tests/e2e/test_site_switch.py", 'courierfilter("stop")'),
    "courierfilter start": ("tests/e2e/test_site_switch.py", 'courierfilter("start")'),
    "ln -sfn /usr/sbin/pythonfilter": ("tests/e2e/test_site_switch.py", '"ln", "-sfn"'),
    "systemctl enable --now pythonfilter": ("tests/e2e/test_systemd.py", '"enable", NAME'),
    "systemctl reload pythonfilter": ("tests/e2e/test_systemd.py", 'systemctl("reload", NAME)'),
    "systemctl restart pythonfilter": ("tests/e2e/test_systemd.py", 'systemctl("restart", NAME)'),
}


def commands() -> list[str]:
    """Indented lines that begin with a program; not those of an output, which begin further in or with a colon."""
    text = re.sub(r"^```.*?^```", "", checkout.text(Path("README.md")), flags=re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^    ((?:dev|tests)/\S+(?<!:)|[a-z]+(?= ))( .*)?$", text, re.MULTILINE)
    return [re.split(r"  +|#", program + rest)[0].strip() for program, rest in lines]


@pytest.mark.parametrize("command", commands())
def test_it_is_run(command: str) -> None:
    if command.startswith("pythonfilterctl "):
        word = command.split()[1]
        sources = [checkout.text(path) for path in checkout.files() if path.match("tests/component/test_*.py")]
        assert any(re.search(rf'\b(?:run|start|result|command)\("{word}"', source) for source in sources)
        return
    [(path, words)] = [where for begin, where in RUN_BY.items() if command.startswith(begin)]
    assert words in checkout.text(Path(path))


def test_no_row_is_for_a_command_that_is_not_there() -> None:
    assert [begin for begin in RUN_BY if not any(each.startswith(begin) for each in commands())] == []
