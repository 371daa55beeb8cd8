"""What is kept ready of rooms: the keys, and whether what lies there still counts. For the row: the only user of the
cache.

A cached value carries the stamp (the room's `rev` and `version`) that it was read at or before, and counts only while
the room still stands there. So a slow reader that stores an old value after a newer commit harms nobody: its stamp
does not match any more. Throwing away after a change only spares room, and holds for a database that was restored.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from . import database, flights, metrics
from .extensions import cache

SHAPING = ("chatapp/wire/shapes.py", "templates/messages/_message.html")  # what makes a message look as it does
ROOT = Path(__file__).resolve().parent.parent


def history_key(room_id: str) -> str:
    return f"history:{room_id}"


def sheet_key(room_id: str) -> str:
    return f"history:{room_id}:page"


def full_key(room_id: str) -> str:
    return f"session:{room_id}:full"


def forget(room_id: str) -> None:
    """Drop the cached values of a room where something was said, edited or removed."""
    cache.delete_many(history_key(room_id), sheet_key(room_id), full_key(room_id))


def forget_full(room_ids: Iterable[str]) -> None:
    """Drop the cached values of rooms whose name, topic, archive or members changed."""
    keys = [full_key(room_id) for room_id in room_ids]
    if keys:
        cache.delete_many(*keys)


def kept(key: str, stamp: list[int], load: Callable[[], dict]) -> dict:
    """The value under `key` if it was made at `stamp`, else what `load` answers (called once for all who miss at once).

    The answer is shared: it is read, never changed. No database connection is held while waiting for it.
    """
    stamp = [*stamp, look()]
    database.release()
    held = lying(key, stamp)
    metrics.CACHE_ANSWERS.labels(key.partition(":")[0], "miss" if held is None else "hit").inc()
    if held is not None:
        return held
    return flights.shared((key, *stamp), lambda: lying(key, stamp) or laid(key, stamp, load()))


def lying(key: str, stamp: list) -> dict | None:
    """The value there, if it carries this stamp. (Anything may lie in a Redis that others use too.)"""
    held = cache.get(key)
    if not isinstance(held, dict) or held.pop("stamp", None) != stamp:
        return None
    return held


def laid(key: str, stamp: list, value: dict) -> dict:
    cache.set(key, value | {"stamp": stamp})
    return value


@functools.cache
def look() -> str:
    """Changes with the looks of a message: what another release of ours has cached does not count."""
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in SHAPING)).hexdigest()[:12]
