"""A filter that dies as a bug in a C library would make it: at the header "X-Crash: please". For dev/run and tests.

Never install it: whoever sends that header costs you a worker.
"""
import os
import signal


def do_filter(body_path: str, control_paths: list[str]) -> str:
    with open(body_path, "rb") as message:
        for line in message:
            if line == b"\n":
                break
            if line.lower().strip() == b"x-crash: please":
                os.kill(os.getpid(), signal.SIGSEGV)
    return ""
