"""The first piece of a streamed message: from when it was sent to each of 50 who listen, by socket and by SSE."""

from ..grounds import Seed
from ..load import Load, Phase
from ..results import Row
from ..scenario import Mode, Scenario, loaded
from ..targets import Target

LISTENERS = 50
WAYS = {"socket": {}, "sse": {"sse": True}}


def once(target: Target, mode: Mode) -> dict:
    phases = (Phase("warm", 2, 5, ("stream",)), Phase("streams", 2, mode.s(40, 10), ("stream",)))
    load = {way: Load(LISTENERS + 1, phases, options) for way, options in WAYS.items()}
    return {way: loaded(target, Seed(200), one) for way, one in load.items()}


def rows(found: dict) -> list[Row]:
    made = []
    for name, one in found.items():
        for way in WAYS:
            got = one[way]["streams"]
            said = f"{got['latency']['p50']:.2f} · {got['latency']['p99']:.2f} ms · {got['lost']:.0f}"
            made.append(Row(f"{name}: first piece by {way}, p50 · p99 · lost", said))
        socket, sse = (one[way]["streams"]["latency"]["p50"] for way in WAYS)
        verdict = "the socket is faster" if socket < sse else "Server-Sent Events are faster"
        made.append(Row(f"{name}: p50 by socket beside SSE", f"{socket / sse:.2f} × ({verdict})"))
    return made


SCENARIOS = (
    Scenario(
        "first_piece",
        "The first piece of a stream to 50 listeners",
        ("ours-sqlite", "ours-postgres"),
        once,
        rows,
        quick=("ours-sqlite",),
    ),
)
