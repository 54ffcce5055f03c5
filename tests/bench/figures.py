"""Figures: what the rounds of dev/bench measured, as medians with their range, as a table and as JSON.

Pure: knows nothing of servers. Must never average over rounds: the machine is shared, and one bad round says nothing.
"""
from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """The same figure, once per round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def over(self, other: Series) -> Series:
        """The ratio within each round, where both met the same noise."""
        return Series(tuple(mine / its for mine, its in zip(self.rounds, other.rounds)))

    def text(self, digits: int = 0) -> str:
        """Median (min-max)."""
        low, middle, high = (f"{value:,.{digits}f}" for value in (min(self.rounds), self.median, max(self.rounds)))
        return f"{middle} ({low}-{high})"

    def as_json(self) -> dict[str, object]:
        return {"median": self.median, "rounds": list(self.rounds)}


@dataclass(frozen=True)
class Target:
    """What was promised, and what was found."""

    name: str
    wanted: float              # the least that counts: reached or not is about this
    found: float
    at_most: bool = False      # else at least
    goal: float | None = None  # what is hoped for beyond it
    unit: str = ""             # of all three; "" for a ratio

    @property
    def reached(self) -> bool:
        return self._meets(self.wanted)

    def _meets(self, limit: float) -> bool:
        return self.found <= limit if self.at_most else self.found >= limit

    def text(self) -> str:
        bound = "at most" if self.at_most else "at least"
        goal = f", goal {number(self.goal)} {'reached' if self._meets(self.goal) else 'missed'}" if self.goal else ""
        verdict = "reached" if self.reached else "MISSED "
        unit = f" {self.unit}" if self.unit else ""
        return f"{verdict}  {self.name}: {number(self.found)}{unit}, wanted {bound} {number(self.wanted)}{goal}"

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "unit": self.unit, "bound": "at most" if self.at_most else "at least",
                "wanted": self.wanted, "goal": self.goal, "found": self.found, "reached": self.reached}


def number(value: float) -> str:
    """With as many digits as say something: 1,234 or 12.3 or 1.23."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def clients_text(count: int) -> str:
    return f"{count} client{'s' * (count > 1)}"


def table(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A table in plain text: names on the left, the rest aligned on the right."""
    lines = [("", columns), *rows]
    first = max(len(name) for name, _ in lines)
    widths = [max(len(cells[i]) for _, cells in lines) for i in range(len(columns))]
    printed = ("  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, widths))])
               for name, cells in lines)
    return "\n".join([title, *(f"  {line}".rstrip() for line in printed)])
