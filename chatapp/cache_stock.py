"""What lies in the cache, where that is Redis: counted, and thrown away. For commands.

Only keys of our own shape are touched: others may keep their things in the same Redis.
"""

import re
from collections.abc import Callable, Iterator

from . import cached
from .errors import Unavailable
from .extensions import redis

FAMILIES = {"history": cached.history_key, "page": cached.sheet_key, "full": cached.full_key}
ROOM_ID = "[0-9a-f]{8}-[0-9a-f-]{27}"
BATCH = 500  # keys in one question


def stats() -> dict:
    """How many keys each family has, the bytes they take, and how often whatever is asked of this Redis is there."""
    return asked(figures)


def clear() -> int:
    """Throw all of it away; how many keys that were."""
    return asked(cleared)


def require() -> None:
    """Unavailable where there is nobody to keep anything."""
    asked(lambda client: client.ping())


def asked(question: Callable):
    answer = redis.ask(question)
    if answer is None:
        raise Unavailable("Redis cannot be reached; is it running, and is its setting right?")
    return answer


def figures(client) -> dict:
    found = {family: keys(client, key_of) for family, key_of in FAMILIES.items()}
    everything = [key for family in found.values() for key in family]
    hits, misses = (sum(node[name] for node in nodes(client)) for name in ("keyspace_hits", "keyspace_misses"))
    return {
        "backend": "redis",
        "count": len(everything),
        **{family: len(its) for family, its in found.items()},
        "bytes": sum(client.memory_usage(key) or 0 for key in everything),
        "redisHitRate": round(hits / (hits + misses), 3) if hits + misses else None,
    }


def cleared(client) -> int:
    found = [key for key_of in FAMILIES.values() for key in keys(client, key_of)]
    return sum(client.delete(*some) for some in in_batches(found))


def keys(client, key_of: Callable[[str], str]) -> set[bytes]:
    """Of a cluster: on every node. The shape tells families apart: what is asked for finds a room's page too where the
    question is for its history."""
    shape = re.compile(key_of(ROOM_ID).encode())
    return {key for key in client.scan_iter(match=key_of("*"), count=BATCH) if shape.fullmatch(key)}


def in_batches(found: list[bytes]) -> Iterator[list[bytes]]:
    return (found[start : start + BATCH] for start in range(0, len(found), BATCH))


def nodes(client) -> list[dict]:
    """What each server says of itself."""
    if not redis.is_cluster:
        return [client.info("stats")]
    return [client.info("stats", target_nodes=node) for node in client.get_primaries()]
