"""Those who behave badly, and what the others notice; and whether anything grows in half an hour."""

from .. import targets
from ..grounds import Seed
from ..load import Load, Phase, generate
from ..results import Row, at_most, held, only_ours, ratio
from ..sampling import sampled, slope_mb_a_minute
from ..scenario import Mode, Scenario, loaded
from ..targets import Target

MB = 1_000_000
RATE = 20  # messages a second, to 500 clients
LONG = ("length=3000",)  # characters: what the kernel holds for a connection is full sooner
STALLED_MB, CUT_S = 1, 10
AT_ONCE, A_SECOND = 10, 5  # messages that are free
UNCHANGED = 1.25  # p99 of two like phases differs by so much anyway
WARM_S, SAMPLE_S = 180, 5
SLOPE_MB, SPREAD = 1, 5


def stalled_once(target: Target, mode: Mode) -> dict:
    phases = (
        Phase("warm", RATE, mode.s(10, 3), LONG),
        Phase("before", RATE, mode.s(20, 6), LONG),
        Phase("stalled", RATE, mode.s(50, 40), ("stall=1", *LONG)),
        Phase("after", RATE, mode.s(15, 6), LONG),
    )
    return loaded(target, Seed(500), Load(500, phases, {"reserved": 1}))


def stalled_rows(found: dict) -> list[Row]:
    return [row for name, one in found.items() for row in only_ours(name, stalled_rows_of(name, one))]


def stalled_rows_of(name: str, one: dict) -> list[Row]:
    before, stalled = one["before"], one["stalled"]
    grown = (stalled["rss_most"] - before["rss_most"]) / MB
    calm, then = before["latency"]["p99"], stalled["latency"]["p99"]
    note = f"{then:.1f} against {calm:.1f} ms"
    others = at_most(f"{name}: the others' p99, beside before", ratio(then, calm), UNCHANGED, " ×", note)
    memory = at_most(f"{name}: memory for a stalled reader", grown, STALLED_MB, " MB")
    kernel = Row(f"{name}: what the kernel held for it", f"{stalled['queued_most'] / MB:.1f} MB")
    return [memory, cut_row(f"{name}: cut after its socket was full", stalled), held(others, before, stalled), kernel]


def cut_row(work: str, stalled: dict) -> Row:
    if stalled["cut_after"] < 0:
        return Row(work, f"not within {stalled['wall']:.0f} s", f"≤ {CUT_S} s", False)
    waited = stalled["cut_after"] - max(stalled["full_after"], 0)
    return at_most(work, waited, CUT_S, " s", f"{stalled['cut_after']:.1f} s after it stopped reading")


def hasty_once(target: Target, mode: Mode) -> dict:
    phases = (
        Phase("warm", RATE, mode.s(10, 3)),
        Phase("before", RATE, mode.s(20, 6)),
        Phase("hasty", RATE, mode.s(20, 6), ("hasty=200",)),
    )
    return loaded(target, Seed(500), Load(500, phases, {"reserved": 1}))


def hasty_rows(found: dict) -> list[Row]:
    return [row for name, one in found.items() for row in only_ours(name, hasty_rows_of(name, one))]


def hasty_rows_of(name: str, one: dict) -> list[Row]:
    before, hasty = one["before"], one["hasty"]
    calm, then = before["latency"]["p99"], hasty["latency"]["p99"]
    is_held = hasty["rate_limited"] > 0 and hasty["hasty_acked"] <= AT_ONCE + A_SECOND * (hasty["wall"] + 1)
    said = f"{hasty['rate_limited']:,.0f} of {hasty['hasty']:,.0f} refused, {hasty['hasty_acked']:,.0f} said"
    limited = Row(f"{name}: rate_limited", said, f"all but {AT_ONCE} at once and {A_SECOND} a second", is_held)
    note = f"{then:.1f} against {calm:.1f} ms"
    others = at_most(f"{name}: the others' p99, beside before", ratio(then, calm), 2, " ×", note)
    return [limited, held(others, before, hasty)]


def soak_once(target: Target, mode: Mode) -> dict:
    warm = mode.s(WARM_S, 10)
    phases = (Phase("warm", 50, warm), Phase("soak", 50, mode.s(1_800, 30)))
    seed = Seed(200)
    with targets.running(target, seed) as server, sampled(server, mode.s(SAMPLE_S, 1)) as samples:
        found = generate(target, seed, server, Load(200, phases))
    samples = [one for one in samples if warm + 10 < one["at"] < warm + phases[1].seconds]
    fds = [one["fds"] for one in samples]
    found["slope"], found["fds_spread"] = slope_mb_a_minute(samples), max(fds, default=0) - min(fds, default=0)
    found["curve"] = [[one["at"] / 60, one["rss"]] for one in samples]
    return found


def soak_rows(found: dict) -> list[Row]:
    rows = []
    for name, one in found.items():
        soak = one["soak"]
        rows.append(at_most(f"{name}: memory", one["slope"], SLOPE_MB, " MB/min"))
        rows.append(at_most(f"{name}: open files, most less fewest", one["fds_spread"], SPREAD))
        rows.append(at_most(f"{name}: connections that were lost", soak["closed"], 0))
        rows.append(Row(f"{name}: p99 · lost", f"{soak['latency']['p99']:.1f} ms · {soak['lost']:.0f}"))
    return rows


BOTH = ("ours-sqlite", "ours-postgres")
SCENARIOS = (
    Scenario(
        "stalled", "A reader that stalls among 500", (*BOTH, "node-sqlite"), stalled_once, stalled_rows, quick=BOTH[:1]
    ),
    Scenario(
        "hasty",
        "One client that sends 200 a second, among 500",
        (*BOTH, "node-sqlite"),
        hasty_once,
        hasty_rows,
        quick=BOTH[:1],
    ),
    Scenario(
        "soak",
        "30 minutes, 50 messages/s, 200 clients",
        BOTH,
        soak_once,
        soak_rows,
        quick=BOTH[:1],
        only_when_named=True,
        rounds=1,
    ),
)
