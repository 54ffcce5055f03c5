"""The parts of dev/bench, one file each: what it measures, in which turns, and the targets for it.

A part is `run(bench)`; PARTS in tests/bench/main.py names them. The targets stand in the parts and nowhere else.
"""
