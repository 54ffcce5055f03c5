"""How much the memory of a process grows by at most while it parses a message, or changes it with courier.xfilter.

    python3 parse_memory.py parse|xfilter BODY CONTROL      prints KiB

Started by parts/large.py, a process for each figure. What both jobs need is imported before, so that the growth is that
of the work alone. Must never do two jobs.
"""
from __future__ import annotations

import email
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

JOBS = ("parse", "xfilter")


def main() -> None:
    from support.tree import installed_tree
    sys.path.insert(0, str(installed_tree() / "usr/lib/pythonfilter/python"))
    from courier.xfilter import XFilter

    job, body_path, control_path = sys.argv[1:]
    email.message_from_bytes(b"Subject: small\n\nbody\n")  # imports what the parser imports late
    before = peak_kib()
    if job == "parse":
        with open(body_path, "rb") as body:
            message = email.message_from_binary_file(body)
        assert message["Subject"]
    else:
        xfilter = XFilter("bench", body_path, [control_path])
        xfilter.get_message()["X-Added"] = "yes"
        xfilter.submit()
    print(peak_kib() - before)


def peak_kib() -> int:
    """The largest size that this process ever had."""
    return int(Path("/proc/self/status").read_text().partition("\nVmHWM:")[2].split()[0])


if __name__ == "__main__":
    main()
