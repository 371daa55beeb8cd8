"""What is read by HTTP: a cached page of history and one that is not; and the page of a room, short and very long."""

import gzip
import json
import re
import statistics

from .. import grounds, targets
from ..grounds import Seed
from ..requesting import Browser, cpu_ms, inside
from ..results import Row, at_least, at_most, number, ratio
from ..scenario import Mode, Scenario
from ..targets import Target

HIT_FASTER = 10
PAGE_CPU_MS, PAGE_KB = 2, 40
SAME = 1.2  # two like measurements differ by so much anyway
LONG_ROOM, LONG_ROOM_QUICK, SHORT_ROOM = 1_000_000, 50_000, 1_000
COOKIE = "chatapp_device"


def history_once(target: Target, mode: Mode) -> dict:
    """p50 in milliseconds of each way, and the curve of all hits and misses."""
    times, seed = int(mode.s(500, 60)), Seed(200)
    with targets.running(target, seed) as server:
        found = inside(server.settings, "history", str(times))
        one = json.loads(grounds.tokens_of(seed, target.store).open().readline())
        room_id = one["sessionIds"][0]
        browser = Browser(server, {"Authorization": f"Bearer {one['token']}"})
        path, forget = (
            f"/api/v1/sessions/{room_id}/messages",
            lambda: grounds.redis().client.delete(f"history:{room_id}"),
        )
        browser.times(path, 20)
        found["request, hit"] = browser.times(path, times)
        found["request, miss"] = browser.times(path, times, forget)
    return {
        "p50": {name: statistics.median(some) for name, some in found.items()},
        "curves": {name: spread(found[name]) for name in ("hit", "miss")},
    }


def spread(some: list[float]) -> list[list[float]]:
    """`[share, milliseconds within which this share lay]`."""
    cuts = statistics.quantiles(some, n=20)
    return [[(place + 1) / 20, cut] for place, cut in enumerate(cuts)]


def history_rows(found: dict) -> list[Row]:
    rows = []
    for one in found.values():
        took = one["p50"]
        note = f"{took['hit']:.3f} against {took['miss']:.3f} ms"
        rows.append(
            at_least("a hit beside all that a miss does, p50", ratio(took["miss"], took["hit"]), HIT_FASTER, " ×", note)
        )
        bare = took["bare"]
        rows.append(Row("the bare query, beside a hit", f"{bare / took['hit']:.2f} × ({bare:.3f} ms)"))
        whole = (took["request, miss"], took["request, hit"])
        said = f"{whole[0] / whole[1]:.2f} × ({whole[1]:.2f} against {whole[0]:.2f} ms)"
        rows.append(Row("a whole HTTP request, hit beside miss", said))
    return rows


def page_once(target: Target, mode: Mode) -> dict:
    long_room = LONG_ROOM_QUICK if mode.quick else LONG_ROOM
    return {
        "short": one_page(target, SHORT_ROOM, mode),
        "long": one_page(target, long_room, mode),
        "messages": long_room,
    }


def one_page(target: Target, messages: int, mode: Mode) -> dict:
    """The page of a room that holds so many messages: CPU of the whole server for each request, and sizes."""
    times = int(mode.s(500, 100))
    with targets.running(target, Seed(50, 1, messages)) as server:
        device = inside(server.settings, "device")
        browser = Browser(server, {}, {COOKIE: device["cookie"]})
        path = f"/rooms/{device['room']}"
        browser.times(path, 20)
        before = cpu_ms(server)
        took = browser.times(path, times)
        cpu = (cpu_ms(server) - before) / times
        body, _ = browser.gets(path)
    shown = len(re.findall(rb'<article[^>]* data-id="[1-9]', body))
    return {
        "cpu_ms": cpu,
        "p50": statistics.median(took),
        "bytes": len(body),
        "gzip": len(gzip.compress(body, 6)),
        "shown": shown,
    }


def page_rows(found: dict) -> list[Row]:
    rows = []
    for name, one in found.items():
        for size, count in (("short", SHORT_ROOM), ("long", one["messages"])):
            page, work = one[size], f"{name}: room page, {count:,.0f} messages"
            rows.append(
                at_most(f"{work}, CPU", page["cpu_ms"], PAGE_CPU_MS, " ms", f"{page['shown']:.0f} messages shown")
            )
            rows.append(
                at_most(
                    f"{work}, gzipped",
                    page["gzip"] / 1_000,
                    PAGE_KB,
                    " KB",
                    f"{number(page['bytes'] / 1_000)} KB plain",
                )
            )
        grown = ratio(one["long"]["cpu_ms"], one["short"]["cpu_ms"])
        rows.append(at_most(f"{name}: CPU, the long room beside the short one", grown, SAME, " ×"))
    return rows


SCENARIOS = (
    Scenario(
        "history", "The last messages of a room, from the cache and not", ("ours-postgres",), history_once, history_rows
    ),
    Scenario(
        "room_page",
        "The page of a room",
        ("ours-sqlite", "ours-postgres"),
        page_once,
        page_rows,
        quick=("ours-sqlite",),
    ),
)
