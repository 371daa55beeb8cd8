"""Many clients: in many rooms, in one, and what each of them costs when nothing is said."""

from ..climbing import climb
from ..grounds import Seed
from ..load import Load, Phase
from ..results import Row, at, at_most, held, number, ratio
from ..scenario import Mode, Scenario, loaded
from ..targets import Target

MB = 1_000_000
SHARES = (("p50", 2), ("p99", 2.2))
JOINED_S, CROWD_MB = 20, 500
CONNECTION_KB, JOIN_MS = 40, 1.2
CROWDS = (100, 500, 2_000)


def rooms_once(target: Target, mode: Mode) -> dict:
    phases = (Phase("warm", 300, mode.s(10, 3)), Phase("steady", 300, mode.s(20, 6)))
    return loaded(target, Seed(3_000, 150, 3_000), Load(3_000, phases))


def rooms_rows(found: dict) -> list[Row]:
    rows = []
    for store, name in (("sqlite", "SQLite"), ("postgres", "PostgreSQL + Redis")):
        ours, node = (at(found, f"{who}-{store}", "steady") for who in ("ours", "node"))
        if ours and node:
            mine, peer = ours["latency"]["p99"], node["latency"]["p99"]
            row = at_most(
                f"p99, {name}, beside Node's", ratio(mine, peer), 1, " ×", f"{mine:.1f} against {peer:.1f} ms"
            )
            rows.append(held(row, ours, node))
    return rows + [printed(name, one["steady"]) for name, one in found.items()]


def printed(name: str, one: dict) -> Row:
    p50, p99 = one["latency"]["p50"], one["latency"]["p99"]
    said = f"{p50:.1f} · {p99:.1f} ms · {one['cpu_us_per_delivery']:.1f} µs · {one['lost']:,.0f}"
    return Row(f"{name}: p50 · p99 · CPU per delivery · lost", said)


def crowd_once(target: Target, mode: Mode) -> dict:
    phases = (Phase("warm", 1, 5), Phase("steady", 3, mode.s(30, 8)))
    return loaded(target, Seed(10_000), Load(10_000, phases))


def crowd_rows(found: dict) -> list[Row]:
    rows = []
    limit = at(found, "limit", "steady")
    for name, one in found.items():
        if not name.startswith("ours"):
            continue
        if limit:
            rows += [
                held(beside(name, one["steady"], limit, share, most), one["steady"], limit) for share, most in SHARES
            ]
        rows.append(at_most(f"{name}: everybody joined", one["join"]["seconds"], JOINED_S, " s"))
        rows.append(at_most(f"{name}: memory", one["steady"]["rss_most"] / MB, CROWD_MB, " MB"))
    return rows + [printed(name, one["steady"]) for name, one in found.items()]


def beside(name: str, one: dict, limit: dict, share: str, most: float) -> Row:
    mine, least = one["latency"][share], limit["latency"][share]
    note = f"{mine:.0f} against {least:.0f} ms"
    return at_most(f"{name}: {share} beside the limit's", ratio(mine, least), most, " ×", note)


def memory_once(target: Target, mode: Mode) -> dict:
    """A fresh server for each number of clients; nobody says anything."""
    counts = (500, 1_000) if mode.quick else (500, 1_000, 2_000, 4_000)
    phases = (Phase("idle", 0, mode.s(10, 4)),)
    runs = [loaded(target, Seed(4_000), Load(count, phases)) for count in counts]
    sizes = [one["idle"]["rss_end"] for one in runs]
    each = (sizes[-1] - sizes[0]) / (counts[-1] - counts[0])
    cpu = runs[-1]["join"]["cpu"] / counts[-1] * 1_000
    return {
        "curve": [list(pair) for pair in zip(counts, sizes, strict=True)],
        "kb_each": each / 1_000,
        "join_cpu_ms": cpu,
    }


def memory_rows(found: dict) -> list[Row]:
    rows = []
    for name, one in found.items():
        if name.startswith("ours"):
            rows.append(at_most(f"{name}: memory a connection", one["kb_each"], CONNECTION_KB, " KB"))
            rows.append(at_most(f"{name}: CPU to connect and join", one["join_cpu_ms"], JOIN_MS, " ms"))
        else:
            said = f"{number(one['kb_each'])} KB · {number(one['join_cpu_ms'])} ms"
            rows.append(Row(f"{name}: memory a connection · CPU to connect and join", said))
    return rows


def clients_once(target: Target, mode: Mode) -> dict:
    counts = CROWDS[:2] if mode.quick else CROWDS
    best = [climb(target, count, mode, fine=False)["best"] for count in counts]
    return {"curve": [[count, one["deliveries_per_second"]] for count, one in zip(counts, best, strict=True)]}


def clients_rows(found: dict) -> list[Row]:
    return [
        Row(f"{name}: deliveries/s", " · ".join(f"{count:,} clients: {much:,.0f}" for count, much in one["curve"]))
        for name, one in found.items()
    ]


EVERYWHERE = ("ours-sqlite", "node-sqlite", "ours-postgres", "node-postgres")
SCENARIOS = (
    Scenario(
        "rooms_3000",
        "3,000 clients in 150 rooms, 300 messages/s",
        EVERYWHERE,
        rooms_once,
        rooms_rows,
        quick=EVERYWHERE[:2],
    ),
    Scenario(
        "crowd_10000",
        "10,000 clients in one room, 3 messages/s",
        ("ours-sqlite", "node-sqlite", "limit", "ours-postgres", "node-postgres"),
        crowd_once,
        crowd_rows,
        quick=("ours-sqlite", "limit"),
    ),
    Scenario(
        "memory",
        "Clients in a room where nothing is said",
        ("ours-sqlite", "node-sqlite", "ours-postgres", "plain-eventlet"),
        memory_once,
        memory_rows,
        quick=EVERYWHERE[:2],
    ),
    Scenario(
        "clients",
        "The highest rate by the number of clients in the room, in great steps",
        ("ours-sqlite", "node-sqlite", "plain-eventlet"),
        clients_once,
        clients_rows,
        quick=EVERYWHERE[:1],
    ),
)
