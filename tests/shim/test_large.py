"""A large message: to change a header with XFilter takes hardly more memory than stdlib's parser alone.

Each job runs in a process of its own (bench/parse_memory.py), because what one left would serve the other. dev/bench
measures the same with 10 MiB.
"""
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from bench import parse_memory
from bench.parts.large import BODIES

SIZE = 6 << 20
WANTED = 1.1  # times what the parser takes


def peak_kib(directory: Path, body: bytes, job: str) -> int:
    paths = [directory / "D1", directory / "control"]
    paths[0].write_bytes(body)
    paths[1].write_text("salice@example.com\nrbob@example.net\nRbob@example.net\nN\n")
    done = subprocess.run(["/usr/bin/python3", "-B", parse_memory.__file__, job, *map(str, paths)], check=True,
                          text=True, stdout=subprocess.PIPE, timeout=60)
    return int(done.stdout)


@pytest.mark.parametrize("kind", ["base64", "8bit text"])
def test_a_header_is_added_in_the_memory_that_the_parser_takes(kind: str, tmp_path: Path) -> None:
    body = BODIES[kind](SIZE)
    parse, xfilter = (peak_kib(tmp_path, body, job) for job in parse_memory.JOBS)
    print(f"{kind}: the parser {parse / 1024:.1f} MiB, XFilter {xfilter / 1024:.1f} MiB")
    assert SIZE / 1024 < parse and xfilter <= WANTED * parse
