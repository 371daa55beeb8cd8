"""The highest rate at which a room of so many still hears everything in time: found by going ever faster."""

from .grounds import Seed
from .load import Load, Phase
from .scenario import Mode, loaded
from .targets import Target

P99_MS = 100
TRIES = 2  # for each step: a machine has its moments
FIRST_RATE, LAST_RATE = 4.0, 2_000.0  # messages a second
COARSE, FINE = 1.6, 1.15
FREE = 4.0  # messages a second that each client may send, with something to spare


def climb(target: Target, clients: int, mode: Mode, *, fine: bool = True) -> dict:
    """`{"join", "best", "curve"}`: the best step's figures, and `[deliveries/s, p50, p99]` of each step. First in great
    steps, then, on a fresh server, in small ones from a little below where that failed.
    """
    steps = go(target, clients, ladder(FIRST_RATE, COARSE, clients), mode.s(5, 3))
    found = steps
    if fine and not mode.quick:
        best = best_of(steps)
        below = best["rate"] / FINE if best else FIRST_RATE / COARSE
        found = go(target, clients, ladder(below, FINE, clients)[:8], 10)
    climbed = {name: one for name, one in (steps | found).items() if name.startswith("at_")}
    curve = sorted(
        [one["deliveries_per_second"], one["latency"]["p50"], one["latency"]["p99"]] for one in climbed.values()
    )
    nothing = {"rate": 0, "deliveries_per_second": 0, "cpu_us_per_delivery": 0}
    return {"join": found["join"], "best": best_of(found) or best_of(steps) or nothing, "curve": curve}


def ladder(first: float, step: float, clients: int) -> list[float]:
    rates = [first]
    while rates[-1] * step < min(LAST_RATE, FREE * clients):
        rates.append(rates[-1] * step)
    return [round(rate, 1) for rate in rates]


def go(target: Target, clients: int, rates: list[float], seconds: float) -> dict:
    """Each rate for so long, on the same connections, until one is too much."""
    phases = (Phase("warm", rates[0], 3), *(Phase(f"at_{rate:g}", rate, seconds) for rate in rates))
    return loaded(target, Seed(clients), Load(clients, phases, {"stop-p99": P99_MS, "tries": TRIES}))


def best_of(found: dict) -> dict | None:
    good = [one for name, one in found.items() if name.startswith("at_") and is_good(one)]
    return max(good, key=lambda one: one["rate"]) if good else None


def is_good(one: dict) -> bool:
    return one["latency"]["p99"] <= P99_MS and not (one["lost"] or one["unacked"] or one["refused"])
