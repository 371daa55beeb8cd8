"""One room that hears everything: what a delivery costs, and how many there can be."""

from collections.abc import Iterator

from ..climbing import climb
from ..grounds import Seed
from ..load import Load, Phase
from ..results import Row, at, at_least, at_most, held, ratio
from ..scenario import Mode, Scenario, loaded
from ..targets import Target

STORES = {"sqlite": "SQLite", "postgres": "PostgreSQL + Redis"}
ACK_MS = 25


def pairs(found: dict, phase: str, **targets: float) -> Iterator[tuple[str, float, dict, dict]]:
    """Of each store that both were measured on: its name, the target for it, what ours did and what Node's did."""
    for store, target in targets.items():
        ours, node = at(found, f"ours-{store}", phase), at(found, f"node-{store}", phase)
        if ours and node:
            yield STORES[store], target, ours, node


def fifty_a_second(target: Target, mode: Mode) -> dict:
    """200 clients in one room."""
    phases = (Phase("warm", 50, mode.s(10, 3)), Phase("steady", 50, mode.s(20, 8)))
    return loaded(target, Seed(200), Load(200, phases))


def fanout_rows(found: dict) -> list[Row]:
    rows = []
    for store, most, ours, node in pairs(found, "steady", sqlite=0.8, postgres=0.9):
        cost, peer = ours["cpu_us_per_delivery"], node["cpu_us_per_delivery"]
        note = f"{cost:.1f} against {peer:.1f} µs"
        row = at_most(f"CPU per delivery, {store}, beside Node's", ratio(cost, peer), most, " ×", note)
        rows.append(held(row, ours, node))
        p99, peer = ours["latency"]["p99"], node["latency"]["p99"]
        note = f"{p99:.1f} against {peer:.1f} ms"
        row = at_most(f"p99, {store}, beside Node's", ratio(p99, peer), 1, " ×", note)
        rows.append(held(row, ours, node))
    for store, name in STORES.items():
        if at(found, f"ours-{store}"):
            rows.append(
                at_most(
                    f"sendMessage to ack, p99, {name}", found[f"ours-{store}"]["steady"]["ack"]["p99"], ACK_MS, " ms"
                )
            )
    rows += [
        Row(f"{name}: CPU per delivery · p99 · lost", f"{cost:.1f} µs · {p99:.1f} ms · {lost:.0f}")
        for name, cost, p99, lost in (
            (name, one["steady"]["cpu_us_per_delivery"], one["steady"]["latency"]["p99"], one["steady"]["lost"])
            for name, one in found.items()
        )
    ]
    return rows


def rate_once(target: Target, mode: Mode) -> dict:
    return climb(target, 500, mode)


def rate_rows(found: dict) -> list[Row]:
    rows = []
    for store, least, ours, node in pairs(found, "best", sqlite=4, postgres=2.5):
        much, peer = ours["deliveries_per_second"], node["deliveries_per_second"]
        note = f"{much:,.0f} against {peer:,.0f} deliveries/s"
        rows.append(at_least(f"highest rate, {store}, beside Node's", ratio(much, peer), least, " ×", note))
    rows += [
        Row(f"{name}: highest rate", f"{one['best']['deliveries_per_second']:,.0f} deliveries/s")
        for name, one in found.items()
    ]
    return rows


SCENARIOS = (
    Scenario(
        "fanout_200",
        "200 clients, one room, 50 messages/s",
        ("ours-sqlite", "node-sqlite", "ours-postgres", "node-postgres", "plain-eventlet", "plain-gevent",
         "plain-threading", "limit"),
        fifty_a_second,
        fanout_rows,
        quick=("ours-sqlite", "node-sqlite", "ours-postgres", "node-postgres", "limit"),
    ),
    Scenario(
        "rate_500",
        "500 clients, one room: the highest rate with p99 ≤ 100 ms and nothing lost",
        ("ours-sqlite", "node-sqlite", "ours-postgres", "node-postgres", "plain-eventlet", "limit"),
        rate_once,
        rate_rows,
        quick=("ours-sqlite", "node-sqlite"),
    ),
)  # fmt: skip
