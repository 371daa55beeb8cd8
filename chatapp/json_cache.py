"""The cache's place in Redis: JSON under exact keys, through the one way to Redis. Flask-Caching makes it, where
CACHE_TYPE names it (config.py does when Redis is in use).

It never raises: what cannot be asked, or is no JSON, is not there.
"""

import json

from flask_caching.backends.base import BaseCache
from pydantic_core import from_json

from .extensions import redis


class JsonCache(BaseCache):
    """Never a pickle: whoever can write to Redis could run code here."""

    @classmethod
    def factory(cls, app, config, args, kwargs) -> "JsonCache":
        return cls(kwargs["default_timeout"])

    def get(self, key: str):
        return parsed(redis.ask(lambda client: client.get(key)))

    def set(self, key: str, value, timeout: int | None = None) -> bool:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        seconds = self._normalize_timeout(timeout)
        return bool(redis.ask(lambda client: client.set(key, text.encode(), ex=seconds)))

    def delete(self, key: str) -> bool:
        return bool(redis.ask(lambda client: client.delete(key)))

    def delete_many(self, *keys: str) -> list[str]:
        """One question for all of them; a cluster's client asks each node for its own."""
        redis.discard(*keys)
        return list(keys)

    def clear(self) -> bool:
        """Nothing: other things live in the same Redis. `flask cache clear` knows what is the cache's."""
        return False


def parsed(text: bytes | None):
    """What the text says. (By pydantic's reader: a page of history takes a third of the standard one's time.)"""
    try:
        return None if text is None else from_json(text)
    except ValueError:
        return None
