"""Two processes with Redis between them, both on the server's one core, beside one."""

from ..results import Row, at, at_most, held, ratio
from ..scenario import Scenario
from .crowds import printed
from .fanout import fifty_a_second

MOST = 1.25


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
        fifty_a_second,
        rows,
        quick=("ours-postgres", "ours-postgres-2"),
    ),
)
