"""flask cache: the pages kept ready. In memory they are the serving process's own, out of reach, and the commands say
so."""

import click

from .. import cache_stock, history
from ..extensions import redis
from .command import Group, tell
from .listing import as_json, show_json

group = Group("cache", help="Pages of history kept ready.")
WHERE = "The cache is in the memory of the serving process, out of reach from here;"
WARM_ROOMS = 100


@group.command("stats")
@as_json
def stats(as_json: bool) -> None:
    """How much the cache holds (where it is in Redis)."""
    if not redis.in_use:
        tell(f"{WHERE} what it holds is unknown.")
        answer(as_json, {"backend": "memory", "count": None})
        return
    held = cache_stock.stats()
    rate = "unknown" if held["redisHitRate"] is None else f"{held['redisHitRate']:.1%}"
    lines = f"""{held["history"]:>14,}  pages of history
{held["page"]:>14,}  room pages, as browsers open them
{held["full"]:>14,}  rooms with their members
{held["bytes"]:>14,}  bytes
{rate:>14}  of what is asked of this Redis, by anybody, is there"""
    answer(as_json, held, lines)


@group.command("clear")
@as_json
def clear(as_json: bool) -> None:
    """Throw the cached pages away (where they are in Redis); nothing else there is touched."""
    if not redis.in_use:
        tell(f"{WHERE} nothing was cleared. It never shows what is out of date; a restart of the server empties it.")
        answer(as_json, {"backend": "memory", "cleared": None})
        return
    count = cache_stock.clear()
    answer(as_json, {"backend": "redis", "cleared": count}, f"{count:,} keys cleared.")


@group.command("warm")
@click.option("--rooms", "count", default=WARM_ROOMS, show_default=True, type=click.IntRange(1), help="How many.")
@as_json
def warm(count: int, as_json: bool) -> None:
    """Have the newest page of the rooms where something was said last lie ready (in Redis): what programs ask for, and
    what browsers open.
    """
    if not redis.in_use:
        tell(f"{WHERE} nothing was filled. Each room's page is kept from its first reader on.")
        answer(as_json, {"backend": "memory", "warmed": None})
        return
    cache_stock.require()
    warmed = history.warm(count)
    answer(as_json, {"backend": "redis", "warmed": warmed}, f"{warmed:,} rooms are ready.")


def answer(as_json: bool, shape: dict, lines: str | None = None) -> None:
    if as_json:
        show_json(shape)
    elif lines:
        click.echo(lines)
