"""Turn: what one peer did in one turn of dev/bench: rate, latencies, CPU time by kind of process.

ask() is a turn of a server under load. Must never average: a turn is one figure, the median over rounds comes later.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .figures import Series
from .load import Result, run_load
from .peer import Peer, cpu_seconds
from .session import Bench, series


@dataclass(frozen=True)
class Turn:
    """What one peer did in one turn."""

    rate: float                # messages/s
    cpu_us: dict[str, float]   # CPU time of a message by kind of process
    p50_us: float = 0.0
    p99_us: float = 0.0
    max_us: float = 0.0
    other: dict[str, float] = field(default_factory=dict)  # what a part measures beside that

    @property
    def all_cpu_us(self) -> float:
        return sum(self.cpu_us.values())


def ask(bench: Bench, peer: Peer, clients: int, *, seconds: float = 0.0, count: int = 0,
        requests: Sequence[bytes] = (), submits: bool = False) -> Turn:
    """Lets clients ask a peer for so long, or so often, and notes if not each of them was accepted.

    `requests`: other ones than the peer's own. `submits`: as for Load.
    """
    pids = peer.pids()
    before = cpu_seconds(pids)
    result = run_load(peer.socket_path, requests or peer.requests, clients=clients, seconds=seconds, count=count,
                      lines=peer.lines, limit=600.0, submits=submits)
    if peer.pids() != pids:
        raise RuntimeError(f"{peer.name}: a process has died; its log: {peer.end_of_log()}")
    after = cpu_seconds(pids)
    check(bench, peer, result)
    return Turn(result.messages_per_second, per_message(before, after, result.messages),
                result.p50_us, result.p99_us, result.max_us)


def check(bench: Bench, peer: Peer, result: Result) -> None:
    if result.unanswered or not set(result.replies) <= peer.accepted or not result.messages:
        bench.wrong.append(f"{peer.name}, {result.clients} clients: not every message was accepted: {result}")


def per_message(before: dict[str, float], after: dict[str, float], count: int) -> dict[str, float]:
    """Microseconds by kind of process."""
    return {kind: (after[kind] - before[kind]) * 1e6 / max(count, 1) for kind in before}


def cpu_series(turns: Sequence[Turn], kind: str) -> Series:
    return Series(tuple(turn.cpu_us[kind] for turn in turns))


def other_series(turns: Sequence[Turn], name: str) -> Series:
    return Series(tuple(turn.other[name] for turn in turns))


def cpu_text(turns: Sequence[Turn]) -> str:
    """Median CPU time of a message of those kinds of process that take any."""
    medians = {kind: cpu_series(turns, kind).median for kind in turns[0].cpu_us}
    return ", ".join(f"{kind} {value:,.1f}" for kind, value in medians.items() if value >= 0.1)


def figures(turns: Sequence[Turn]) -> dict[str, object]:
    """All that was found, for the data of a part."""
    names = [name for name in ("rate", "p50_us", "p99_us", "max_us") if series(turns, name).median > 0]
    return {**{name: series(turns, name) for name in names},
            "cpu_us": {kind: cpu_series(turns, kind) for kind in turns[0].cpu_us},
            **{name: other_series(turns, name) for name in turns[0].other}}
