"""A filter that does what the message tells it to: its body is Python. One server then shows many cases.

Used by component tests of what a filter may do to its worker. The text runs with body_path and control_paths at hand;
what it leaves in `reply` is returned. Must never be installed anywhere: it runs whatever it is sent.

    with Server(filters={"script": SCRIPT_FILTER}) as server:
        assert server.ask(script("reply = '550 no'")) == b"550 no\\n"
"""
from __future__ import annotations

import textwrap

SCRIPT_FILTER = """\
    def do_filter(body_path, control_paths):
        with open(body_path, encoding="utf-8") as stream:
            text = stream.read().partition("\\n\\n")[2]
        names = {"body_path": body_path, "control_paths": control_paths, "reply": ""}
        exec(compile(text, "message", "exec"), names)
        return names["reply"]
    """


def script(text: str, only: str | None = None) -> bytes:
    """A message with the Python `text` as its body. `only`: the one filter of several that shall run it."""
    header = "Subject: script\n" + (f"X-Only: {only}\n" if only else "")
    return (header + "\n" + textwrap.dedent(text)).encode()


def script_filter(name: str) -> str:
    """The source of a script filter that runs only messages addressed to `name`."""
    return textwrap.dedent(SCRIPT_FILTER).replace(
        "    names =", f"    if 'X-Only: {name}\\n' not in open(body_path).read():\n        return ''\n    names =")
