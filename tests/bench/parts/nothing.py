"""Part `nothing`: a filter that does nothing, asked by 1, 4 and 16 clients, beside other servers.

What is measured is the way of a message through a server, with its log on. The clients are processes that wait in
read(2), as Courier's submit does; then once more all of them are one process that waits in poll(2), which costs the
processors less. Must never measure peers in different minutes and compare them.
"""
from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from bench import turns
from bench.figures import Series, Target, clients_text, table
from bench.filter_server import NOTHING, FilterServer, pool
from bench.peer import Peer, memory_kib, memory_text
from bench.peers import BareServer, MimeDefang, PerlFilter
from bench.session import Bench, series, take_turns
from bench.turns import Turn, ask

CLIENTS = (1, 4, 16)
WORKERS = 2
BARE, PERL, MIMEDEFANG, OURS = BareServer.name, PerlFilter.name, MimeDefang.name, FilterServer.name
OTHERS = (BARE, PERL, MIMEDEFANG)
COLUMNS = [clients_text(clients) for clients in CLIENTS]
SUBMITS = "a process for each client"
SHAPES = {SUBMITS: True, "all clients in one process": False}

Found = dict[tuple[str, int], list[Turn]]  # by peer and number of clients


def run(bench: Bench) -> None:
    rounds, seconds = bench.pick((11, 0.7), (2, 0.3))
    with ExitStack() as stack:
        servers = (BareServer(), PerlFilter(WORKERS), MimeDefang(WORKERS),
                   FilterServer({"nothing": NOTHING}, pool(WORKERS)))
        peers: list[Peer] = [stack.enter_context(peer) for peer in servers]
        groups = [{(shape, peer.name, clients): partial(ask, bench, peer, clients, seconds=seconds, submits=submits)
                   for peer in peers} for shape, submits in SHAPES.items() for clients in CLIENTS]
        taken = take_turns(bench, "a filter that does nothing", rounds, groups)
        memory = {peer.name: memory_kib(peer.pids()) for peer in peers}
    found: dict[str, Found] = {
        shape: {(name, clients): taken[shape, name, clients] for name in (*OTHERS, OURS) for clients in CLIENTS}
        for shape in SHAPES}
    for shape in SHAPES:
        show_rates(bench, found[shape], shape)
        show_times(bench, found[shape], shape)
    bench.show("\n" + "\n".join([f"CPU time of one message, {max(CLIENTS)} clients, in us, and PSS of each process:",
                                 *(f"  {name}: {turns.cpu_text(found[SUBMITS][name, max(CLIENTS)])}; "
                                   f"{memory_text(sizes)}" for name, sizes in memory.items())]))
    bench.data["nothing"] = {**{shape: data(found[shape]) for shape in SHAPES}, "memory_kib": memory}
    bench.targets += targets(found[SUBMITS])


def data(found: Found) -> dict[str, object]:
    return {
        **{f"{name}, {clients_text(clients)}": turns.figures(one) for (name, clients), one in found.items()},
        "ratios": {f"{figure} / {other}, {clients_text(clients)}": ratio(found, other, clients, figure)
                   for figure in ("rate", "p50_us") for other in OTHERS for clients in CLIENTS}}


def ratio(found: Found, other: str, clients: int, figure: str = "rate") -> Series:
    """What we do over what another one does, within each round."""
    return series(found[OURS, clients], figure).over(series(found[other, clients], figure))


def show_rates(bench: Bench, found: Found, shape: str) -> None:
    rows: list[tuple[str, Sequence[str]]] = [
        (name, [series(found[name, clients], "rate").text() for clients in CLIENTS]) for name in (*OTHERS, OURS)]
    rows += [(f"{OURS} / {other}", [ratio(found, other, clients).text(2) for clients in CLIENTS]) for other in OTHERS]
    bench.show("\n" + table(f"A filter that does nothing, {WORKERS} workers, {shape}: messages/s", COLUMNS, rows))


def show_times(bench: Bench, found: Found, shape: str) -> None:
    def medians(name: str, clients: int) -> str:
        return " / ".join(f"{series(found[name, clients], figure).median:,.0f}" for figure in ("p50_us", "p99_us"))

    rows: list[tuple[str, Sequence[str]]] = [
        (name, [medians(name, clients) for clients in CLIENTS]) for name in (*OTHERS, OURS)]
    rows += [(f"p50, {OURS} / {PERL}", [ratio(found, PERL, clients, "p50_us").text(2) for clients in CLIENTS])]
    bench.show("\n" + table(f"Time for one message in us, {shape}: p50 / p99", COLUMNS, rows))


def targets(found: Found) -> list[Target]:
    def rate(other: str, clients: int, wanted: float, goal: float | None = None) -> Target:
        name = f"nothing: messages/s / those of {other}, {clients_text(clients)}"
        return Target(name, wanted, ratio(found, other, clients).median, goal=goal)

    return [
        rate(PERL, 16, 0.85, goal=1.0), rate(BARE, 16, 0.45, goal=0.6),
        Target(f"nothing: p50 / that of {PERL}, 1 client", 1.3, ratio(found, PERL, 1, "p50_us").median, at_most=True,
               goal=1.1),
        rate(MIMEDEFANG, 1, 1.0), rate(MIMEDEFANG, 4, 1.4), rate(MIMEDEFANG, 16, 1.4),
    ]
