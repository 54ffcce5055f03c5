"""What courier.control reads in a worker, which has the control files open: always what the paths lead to."""
from __future__ import annotations

import textwrap

import pytest
from support.server import Server
from support.spool import records

# What a filter does with control_paths before it asks who sent the message, and what it is told then.
DONE_BEFORE = {
    "nothing": ("", "alice@example.com"),
    "closes all descriptors": ("os.closerange(3, 256)", "alice@example.com"),
    "puts others in their place": ("kept = [os.open('/dev/null', os.O_RDWR) for _ in range(9)]\n"
                                   "for fd in range(3, kept[0]): os.dup2(kept[0], fd)", "alice@example.com"),
    "can only write them": ("fd = os.open(control_paths[0], os.O_WRONLY)\n"
                            "for other in range(3, fd): os.dup2(fd, other)", "alice@example.com"),
    "exchanges them": ("os.dup2(3, 100); os.dup2(4, 3); os.dup2(100, 4)", "alice@example.com"),
    "writes in place": ("with open(control_paths[0], 'r+') as file:\n    text = file.read()\n    file.seek(0)\n"
                        "    file.write(text.replace('salice', 'scarol'))", "carol@example.com"),
    "renames another over it": ("shutil.copy(control_paths[1], control_paths[1] + '.new')\n"
                                "os.rename(control_paths[1] + '.new', control_paths[0])", "dave@example.com"),
    "gives another list": ("control_paths = control_paths[::-1]", "dave@example.com"),
    "removes it": ("os.unlink(control_paths[0])", "FileNotFoundError"),
}


@pytest.mark.parametrize("name", DONE_BEFORE)
def test_control_reads_what_the_paths_lead_to(name: str) -> None:
    before, expected = DONE_BEFORE[name]
    source = ("import os, shutil\nfrom courier import control\ndef do_filter(body_path, control_paths):\n"
              f"{textwrap.indent(before, '    ')}\n"
              "    try:\n        return f'450 {control.get_sender(control_paths)}'\n"
              "    except FileNotFoundError as error:\n        return f'450 {type(error).__name__}'\n")
    controls = [records(sender="alice@example.com"), records(sender="dave@example.com")]
    with Server(filters={"reads": source}, config="pools: {default: {workers: 1}}\n") as server:
        assert [server.ask(controls=controls) for _ in range(3)] == [f"450 {expected}\n".encode()] * 3
