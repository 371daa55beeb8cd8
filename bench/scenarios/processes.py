"""Two processes with Redis between them, both on the server's one core, beside one."""

from ..grounds import Seed
from ..load import Load, Phase
from ..results import Row, at, at_most, held, ratio
from ..scenario import Mode, Scenario, loaded
from ..targets import Target
from .crowds import printed

MOST = 1.25


def once(target: Target, mode: Mode) -> dict:
    phases = (Phase("warm", 50, mode.s(10, 3)), Phase("steady", 50, mode.s(20, 8)))
    return loaded(target, Seed(200), Load(200, phases))


def rows(found: dict) -> list[Row]:
    made = []
    for who in ("ours", "node"):
        two, one = (at(found, f"{who}-postgres{more}", "steady") for more in ("-2", ""))
        if not one or not two:
            continue
        much, less = two["cpu_us_per_delivery"], one["cpu_us_per_delivery"]
        note = f"{much:.1f} against {less:.1f} µs"
        if who == "ours":
            row = at_most("CPU per delivery, two processes beside one", ratio(much, less), MOST, " ×", note)
            made.append(held(row, one, two))
        else:
            made.append(Row("the same on Node", f"{much / less:.2f} × ({note})"))
    return made + [printed(name, one["steady"]) for name, one in found.items()]


SCENARIOS = (
    Scenario(
        "processes_2",
        "Two processes, 200 clients, one room, 50 messages/s",
        ("ours-postgres", "ours-postgres-2", "node-postgres", "node-postgres-2"),
        once,
        rows,
        quick=("ours-postgres", "ours-postgres-2"),
    ),
)
