"""Where Flask-Limiter counts attempts: in Redis, for all processes together, and in this process while Redis is away or
not in use. The factory imports it, so that `limits` knows it by its scheme (RATELIMIT_STORAGE_URI in config.py).
"""

import hashlib
import hmac
import time

from flask import current_app
from limits.storage import MemoryStorage

from .extensions import redis

# A count and its end come together: a count without an end would keep somebody out for ever.
COUNT = """
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return count
"""


class SharedCounts(MemoryStorage):
    """Never raises, and adds no more than the breaker in `redis_link.py` allows. (For the strategy "fixed-window".)"""

    STORAGE_SCHEME = ["chatapp"]

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Also counted here, so that who has tried often does not begin anew when Redis goes away."""
        here, end_ms = super().incr(key, expiry, amount), int(expiry * 1000)
        return redis.ask(lambda client: int(client.eval(COUNT, 1, name_of(key), amount, end_ms)), here)

    def get(self, key: str) -> int:
        return redis.ask(lambda client: int(client.get(name_of(key)) or 0), super().get(key))

    def get_expiry(self, key: str) -> float:
        """When it counts anew (seconds of the clock)."""
        left_ms = redis.ask(lambda client: client.pttl(name_of(key)))
        return super().get_expiry(key) if left_ms is None else time.time() + max(0, left_ms) / 1000


def name_of(key: str) -> str:
    """Of a count in Redis: one's own where several chats share it, and without the addresses in the key."""
    secret = current_app.config["SECRET_KEY"].encode()
    return f"attempts:{hmac.digest(secret, key.encode(), hashlib.sha256).hex()[:32]}"
