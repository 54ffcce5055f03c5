"""The parts of dev/bench, one file each: what it measures, in which turns, and the targets for it.

A part is `run(bench)`; PARTS in tests/bench/main.py names them, and the help of dev/bench in the same order. The
targets stand in the parts and nowhere else.
"""
