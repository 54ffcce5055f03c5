"""Part `pools`: what a chain costs that leads through four pools, beside one that stays in one pool.

Each pool more is one more way from the master to a worker and back. Must never compare chains that do different things.
"""
from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from bench import turns
from bench.figures import Series, Target, clients_text, table
from bench.filter_server import NOTHING, FilterServer, pool
from bench.session import Bench, series, take_turns
from bench.turns import Turn, ask

WORKERS, POOLS = 2, 4
CLIENTS = (1, 16)
ONE, SAME, MANY = "one pool, one filter", "one pool, four filters", "four pools, a filter in each"

Found = dict[tuple[str, int], list[Turn]]


def run(bench: Bench) -> None:
    rounds, seconds = bench.pick((9, 0.8), (2, 0.3))
    modules = {f"nothing_{number}": NOTHING for number in range(POOLS)}
    chain = ", ".join(f"{{filter: {name}, pool: {{workers: {WORKERS}}}}}" for name in modules)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(FilterServer(filters, config)) for name, filters, config in (
            (ONE, {"nothing": NOTHING}, pool(WORKERS)), (SAME, modules, pool(WORKERS)),
            (MANY, modules, f"filters: [{chain}]\n"))}
        groups = [{(name, clients): partial(ask, bench, server, clients, seconds=seconds)
                   for name, server in servers.items()} for clients in CLIENTS]
        found: Found = take_turns(bench, "chains through pools", rounds, groups)
    costs = {(figure, other, clients): cost(found, other, clients, figure)
             for other in (ONE, SAME) for figure in ("time", "CPU time") for clients in CLIENTS}
    rows = [(name, [series(found[name, clients], "rate").text() for clients in CLIENTS]) for name in (ONE, SAME, MANY)]
    rows += [(f"{figure} of a message, four pools / {other}",
              [costs[figure, other, clients].text(2) for clients in CLIENTS])
             for other in (ONE, SAME) for figure in ("time", "CPU time")]
    bench.show("\n" + table("Chains of filters that do nothing: messages/s",
                            [clients_text(clients) for clients in CLIENTS], rows))
    for name in (ONE, SAME, MANY):
        bench.show(f"  CPU time of a message, us, {max(CLIENTS)} clients, {name}: "
                   + turns.cpu_text(found[name, max(CLIENTS)]))
    bench.data["pools"] = {
        **{f"{name}, {clients_text(clients)}": turns.figures(one) for (name, clients), one in found.items()},
        "ratios": {f"{figure} / {other}, {clients_text(clients)}": one
                   for (figure, other, clients), one in costs.items()}}
    bench.targets += [Target(f"pools: {figure} of a message, four pools / {other}, {clients_text(clients)}", 3.0,
                             one.median, at_most=True)
                      for (figure, other, clients), one in costs.items() if clients == max(CLIENTS)]


def cost(found: Found, other: str, clients: int, figure: str) -> Series:
    """Four pools over a chain in one pool."""
    many, one = found[MANY, clients], found[other, clients]
    if figure == "time":
        return series(one, "rate").over(series(many, "rate"))
    return series(many, "all_cpu_us").over(series(one, "all_cpu_us"))
