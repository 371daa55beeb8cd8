"""The plots of the report, each from the figures of one scenario."""

from . import targets
from .plots import Line, axis, draw

MB = 1_000_000
KINDS = {"sqlite": "first", "postgres": "second", None: "first"}


def line(name: str, points: list) -> Line:
    target = targets.BY_NAME[name]
    kind = "third" if target.family == "limit" else KINDS[target.store]
    return Line(target.short, [tuple(point) for point in points], target.family, kind)


def latency_by_load(found: dict) -> str:
    """p99 over what was delivered a second."""
    lines = [line(name, [(much, p99) for much, _, p99 in one["curve"]]) for name, one in found.items()]
    x = axis("deliveries a second", values(lines, 0), is_log=True)
    y = axis("p99, milliseconds", values(lines, 1), is_log=True, mark=(100, "100 ms"))
    return draw("Latency by load: 500 clients in one room", x, y, lines)


def deliveries_by_clients(found: dict) -> str:
    lines = [line(name, one["curve"]) for name, one in found.items()]
    x, y = axis("clients in the room", values(lines, 0), is_log=True), axis("deliveries a second", values(lines, 1))
    return draw("The most that is delivered within 100 ms, by clients", x, y, lines)


def memory_by_connections(found: dict) -> str:
    lines = [line(name, [(count, size / MB) for count, size in one["curve"]]) for name, one in found.items()]
    x, y = axis("connections", values(lines, 0)), axis("memory of the server, MB", values(lines, 1))
    return draw("Memory by connections", x, y, lines)


def history(found: dict) -> str:
    one = next(iter(found.values()))
    ways = (("hit", "from the cache", "ours", "first"), ("miss", "all that a miss does", "plain", "second"))
    lines = [
        Line(label, [(share * 100, ms) for share, ms in one["curves"][way]], family, kind)
        for way, label, family, kind in ways
    ]
    x = axis("per cent of the answers took at most", values(lines, 0))
    return draw("The last messages of a room", x, axis("milliseconds", values(lines, 1), is_log=True), lines)


def memory_over_time(found: dict) -> str:
    lines = [line(name, [(minute, size / MB) for minute, size in one["curve"]]) for name, one in found.items()]
    x, y = axis("minutes", values(lines, 0)), axis("memory of the server, MB", values(lines, 1))
    return draw("Memory at 50 messages a second, 200 clients", x, y, lines)


def values(lines: list[Line], place: int) -> list[float]:
    return [point[place] for one in lines for point in one.points]


# scenario → name of the file, what is shown, how it is drawn
ALL = {
    "rate_500": ("latency", "Latency by load", latency_by_load),
    "clients": ("deliveries", "Deliveries by clients", deliveries_by_clients),
    "memory": ("memory", "Memory by connections", memory_by_connections),
    "history": ("history", "History, cached and not", history),
    "soak": ("soak", "Memory over half an hour", memory_over_time),
}
