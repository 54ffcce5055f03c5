"""A filter that tells when something an earlier message did to the worker is still there.

Used by the tests with hostile filters: it stands first in the chain, so that a message that meets a tainted worker gets
a verdict that is not its own. Must cost little: it runs for each message.
"""
from __future__ import annotations

WITNESS = """
import locale
import os
import signal
import sys
import tempfile

import courier.control

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR1)


def look(control_paths):
    umask = os.umask(0)
    os.umask(umask)
    return {
        "directory": os.getcwd(), "umask": umask, "environment": dict(os.environ), "path": list(sys.path),
        "locale": locale.setlocale(locale.LC_ALL), "handlers": [signal.getsignal(n) for n in SIGNALS],
        "mask": signal.pthread_sigmask(signal.SIG_BLOCK, ()), "timers": [signal.getitimer(n) for n in range(3)],
        "trace function": sys.gettrace(), "built-in functions": (len, open),
        "stdout": sys.stdout, "temporary files": os.listdir(tempfile.gettempdir()),
        "sender": courier.control.get_sender(control_paths) if control_paths else "alice@example.com",
    }


def init_filter():
    global clean
    clean = look([])


def do_filter(body_path, control_paths):
    now = look(control_paths)
    found = [name for name in clean if now[name] != clean[name]]
    return f"550 tainted: {', '.join(found)}" if found else ""
"""
