"""Those who behave badly, and what the others notice; and whether anything grows in half an hour."""

from .. import targets
from ..grounds import Seed
from ..load import Load, Phase, generate
from ..results import Row, at_most, held, ratio
from ..sampling import sampled, slope_mb_a_minute
from ..scenario import Mode, Scenario, loaded
from ..targets import Target

MB = 1_000_000
RATE = 20  # messages a second, to 500 clients
LONG = ("length=3000",)  # characters: what the kernel holds for a connection is full sooner
STALLED_MB, CUT_S = 1, 10
UNCHANGED = 1.25  # p99 of two like phases differs by so much anyway
WARM_S, SAMPLE_S = 180, 5
SLOPE_MB, SPREAD = 1, 5


def stalled_once(target: Target, mode: Mode) -> dict:
    phases = (
        Phase("warm", RATE, mode.s(10, 3), LONG),
        Phase("before", RATE, mode.s(30, 6), LONG),
        Phase("stalled", RATE, mode.s(60, 30), ("stall=1", *LONG)),
        Phase("after", RATE, mode.s(30, 6), LONG),
    )
    return loaded(target, Seed(500), Load(500, phases, {"reserved": 1}))


def stalled_rows(found: dict) -> list[Row]:
    rows = []
    for name, one in found.items():
        before, stalled = one["before"], one["stalled"]
        grown = (stalled["rss_most"] - before["rss_most"]) / MB
        waited = stalled["cut_after"] - max(stalled["full_after"], 0) if stalled["cut_after"] >= 0 else None
        calm, then = before["latency"]["p99"], stalled["latency"]["p99"]
        rows.append(at_most(f"{name}: memory for a stalled reader", grown, STALLED_MB, " MB"))
        note = f"{stalled['cut_after']:.1f} s after it stopped reading"
        rows.append(
            at_most(f"{name}: cut after its socket was full", waited, CUT_S, " s", note)
            if waited is not None
            else Row(f"{name}: cut after its socket was full", "not cut", f"≤ {CUT_S} s", False)
        )
        note = f"{then:.1f} against {calm:.1f} ms"
        row = at_most(f"{name}: the others' p99, beside before", ratio(then, calm), UNCHANGED, " ×", note)
        rows.append(held(row, before, stalled))
    return rows


def hasty_once(target: Target, mode: Mode) -> dict:
    phases = (
        Phase("warm", RATE, mode.s(10, 3)),
        Phase("before", RATE, mode.s(30, 6)),
        Phase("hasty", RATE, mode.s(30, 6), ("hasty=200",)),
    )
    return loaded(target, Seed(500), Load(500, phases, {"reserved": 1}))


def hasty_rows(found: dict) -> list[Row]:
    rows = []
    for name, one in found.items():
        calm, then = one["before"]["latency"]["p99"], one["hasty"]["latency"]["p99"]
        hasty = one["hasty"]
        is_held = hasty["rate_limited"] > 0 and hasty["hasty_acked"] <= 10 + 5 * hasty["seconds"] + 5
        said = f"{hasty['rate_limited']:,.0f} of {hasty['hasty']:,.0f} refused, {hasty['hasty_acked']:,.0f} said"
        rows.append(Row(f"{name}: rate_limited", said, "all but 10 at once and 5 a second", is_held))
        row = at_most(
            f"{name}: the others' p99, beside before", ratio(then, calm), 2, " ×", f"{then:.1f} against {calm:.1f} ms"
        )
        rows.append(held(row, one["before"], one["hasty"]))
    return rows


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
    Scenario("stalled", "A reader that stalls among 500", (*BOTH, "node-sqlite"), stalled_once, stalled_rows),
    Scenario("hasty", "One client that sends 200 a second, among 500", (*BOTH, "node-sqlite"), hasty_once, hasty_rows),
    Scenario(
        "soak",
        "30 minutes, 50 messages/s, 200 clients",
        BOTH,
        soak_once,
        soak_rows,
        only_when_named=True,
        rounds=1,
    ),
)
