"""Makes tests/support importable for the component tests: `from support.server import Server`."""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
