"""The job of dev/bench that costs something: parse a message of 200 kB, walk its parts, decode its attachments.

This one file is the filter in the server's workers and the function in plain processes without any server, so that the
difference between the two is the server. As a program (python3 mime_job.py MESSAGE...) it reads a number of seconds
from stdin, does the job so long, and prints how many messages it did and in how many seconds; then the next line. Must
never import anything of this project.
"""
from __future__ import annotations

import base64
import email
import email.message
import itertools
import random
import sys
import time
from collections.abc import Sequence

ATTACHMENTS = {"report.pdf": 84_000, "photo.png": 42_000}  # sizes when decoded
SIZE = 200_000


def message() -> bytes:
    """Always the same message: two texts and two attachments, nearly SIZE bytes, line ends LF."""
    source = random.Random(2024)
    words = [bytes(source.choices(b"abcdefghijklmnopqrstuvwxyz", k=source.randint(2, 10))) for _ in range(400)]
    lines = [b" ".join(source.choices(words, k=9)) for _ in range(400)]
    html = [b"<p class=3D\"text\">" + line[:55] + b"</p>" for line in lines[200:]]
    parts = [
        b"From: alice@example.com\nTo: bob@example.net\nSubject: The report\nMessage-ID: <1@example.com>\n"
        b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=outer\n\n"
        b"--outer\nContent-Type: multipart/alternative; boundary=inner\n\n"
        b"--inner\nContent-Type: text/plain; charset=utf-8\n\n" + b"\n".join(lines[:200]) + b"\n"
        b"--inner\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n" +
        b"\n".join(html) + b"\n--inner--\n"]
    for name, size in ATTACHMENTS.items():
        parts.append(b"--outer\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n"
                     b'Content-Disposition: attachment; filename="' + name.encode() + b'"\n\n' +
                     base64.encodebytes(source.randbytes(size)))
    return b"".join(parts) + b"--outer--\n"


def do_filter(body_path: str, _control_paths: Sequence[str]) -> str:
    """Accepts when all attachments are there and decode to their sizes: nobody can be fast by doing less."""
    with open(body_path, "rb") as stream:
        parsed = email.message_from_binary_file(stream)
    found: dict[str, int] = {}
    for part in parsed.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        if name := part.get_filename():
            found[name] = len(content)
    return "" if found == ATTACHMENTS else f"550 5.6.0 attachments are not as expected: {found}"


def main() -> None:
    bodies = itertools.cycle(sys.argv[1:])
    for line in sys.stdin:
        count, begin = 0, time.monotonic()
        while (passed := time.monotonic() - begin) < float(line):
            if do_filter(next(bodies), []) != "":
                sys.exit("mime_job: the message is not as expected")
            count += 1
        print(count, passed, flush=True)


if __name__ == "__main__":
    main()
