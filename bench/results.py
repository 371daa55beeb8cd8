"""Figures of several runs made one, and rows of the table made of figures. For the scenarios and the report."""

import math
import statistics
from dataclasses import asdict, dataclass


def median(runs: list):
    """The same shape with the median of each number; whether is any's, and what is no number is
    taken from the first run."""
    first = runs[0]
    if isinstance(first, dict):
        return {name: median([one[name] for one in runs if name in one]) for name in first}
    if isinstance(first, int | float) and not isinstance(first, bool):
        return statistics.median(runs)
    if isinstance(first, bool):
        return any(runs)
    if isinstance(first, list) and all(len(one) == len(first) for one in runs):
        return [median(list(column)) for column in zip(*runs, strict=True)]
    return first


@dataclass
class Row:
    """One line of the table. `reached` None: nothing was asked for, it is only printed."""

    work: str
    found: str
    target: str = ""
    reached: bool | None = None

    def to_dict(self) -> dict:
        return asdict(self)


def at_most(work: str, value: float | None, target: float, unit: str = "", note: str = "") -> Row:
    return judged(work, value, target, unit, note, is_upper=True)


def at_least(work: str, value: float | None, target: float, unit: str = "", note: str = "") -> Row:
    return judged(work, value, target, unit, note, is_upper=False)


def judged(work: str, value: float | None, target: float, unit: str, note: str, *, is_upper: bool) -> Row:
    if value is None or math.isnan(value):
        return Row(work, "not measured", shown_target(target, unit, is_upper), None)
    good = value <= target if is_upper else value >= target
    return Row(
        work, f"{number(value)}{unit}" + (f" ({note})" if note else ""), shown_target(target, unit, is_upper), good
    )


def only_ours(name: str, rows: list[Row]) -> list[Row]:
    """What a peer does is shown; it was asked for nothing."""
    if not name.startswith("ours"):
        for row in rows:
            row.target, row.reached = "", None
    return rows


def held(row: Row, *phases: dict) -> Row:
    """The row, but never as reached where one of the phases it stands on lost something; and as nothing where the load
    generator itself was too slow."""
    lost = sum(one["lost"] for one in phases)
    if lost:
        row.found += f"; {lost:,.0f} deliveries were lost"
        row.reached = row.reached and False
    if any(one["saturated"] for one in phases):
        row.found += "; the load generator was too slow"
        row.reached = None
    return row


def shown_target(target: float, unit: str, is_upper: bool) -> str:
    return f"{'≤' if is_upper else '≥'} {number(target)}{unit}"


def number(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def at(found: dict, *path: str):
    """found[a][b]…, or None where it was not measured."""
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found
