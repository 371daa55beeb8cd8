"""The one way to Redis: a client with short patience, and a breaker that everybody who uses it shares.

Redis only makes things quicker or carries them further; nothing is wrong without it. So `ask` never raises: it answers
`otherwise` where Redis is not in use, cannot be reached, or refuses. One failure opens the breaker for all (cache,
presence, limits, events between processes), so that a request pays for it once; the ticker of a serving process
looks for Redis in the background (`probe`) and closes the breaker when it answers.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeVar

import redis
import structlog
from flask import Flask
from redis.cluster import RedisCluster
from redis.exceptions import (
    ClusterDownError,
    ConnectionError,
    MaxConnectionsError,
    RedisClusterException,
    RedisError,
    TimeoutError,
)

from . import metrics
from .redis_client import client_for

REQUEST_S = 0.1  # of waiting in one request, after which it does without: with one more answer it gains 250 ms at most
REQUEST_LASTS_S = 2.0  # then it may wait anew: some requests never end
SLOW_TOLD_S = 60.0
# What opens the breaker; other errors are refusals. (A cluster of which no node answers has an error of no family.)
AWAY = (ConnectionError, TimeoutError, ClusterDownError, RedisClusterException, OSError)
log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")


class Done(Protocol):
    """Something that can be waited for."""

    def wait(self, timeout: float) -> object: ...


Carrier = Callable[[tuple[str, ...]], Done]


@dataclass(slots=True)
class Waiting:
    """Since when (monotonic) it is counted for how long a request has waited for Redis."""

    since: float
    seconds: float = 0.0


_waiting: ContextVar[Waiting | None] = ContextVar("waiting_for_redis", default=None)


def begin_request() -> None:
    """A request or a command begins, in this thread or green thread; and with it, its patience."""
    _waiting.set(Waiting(time.monotonic()))


class RedisLink:
    """Unbound until `init_app`. `client` is None where the settings name no Redis."""

    def __init__(self):
        self.settings: dict = {}
        self.away = False
        self.refused = False
        self.slow_at = float("-inf")  # when that was last told (monotonic seconds)
        self.carrier: Carrier | None = None
        self._client = None
        self._making = threading.Lock()
        self._on_return: list[Callable[[], object]] = []

    def init_app(self, app: Flask) -> None:
        self.settings = app.config
        self.away, self.refused, self._client, self._on_return = False, False, None, []
        self.carrier = None

    @property
    def in_use(self) -> bool:
        return any(self.settings.get(name) for name in ("REDIS_URL", "REDIS_SENTINELS", "REDIS_CLUSTER_NODES"))

    @property
    def is_cluster(self) -> bool:
        return bool(self.settings.get("REDIS_CLUSTER_NODES"))

    @property
    def client(self):
        """The client, made at first use (a cluster's asks its nodes at once, and raises when it finds none)."""
        if self._client is None and self.in_use:
            was_away = self.away
            with self._making:
                if self.away and not was_away:
                    raise ConnectionError("found away by who came first")
                self._client = self._client or self.made()
        return self._client

    def made(self):
        try:
            return client_for(self.settings)
        except AWAY as error:
            self.note_away(error)  # before those who wait for their turn ask one by one
            raise

    def discard(self, *keys: str) -> None:
        """Throw away what lies there. When this returns it is done, unless Redis is slow, away or refuses. Where there
        is a `carrier` it goes with whatever else is on its way to Redis, which costs hardly more."""
        if self.carrier is None:
            self.ask(lambda client: client.delete(*keys))
        elif self.in_use and not self.away and not self.is_spent():
            with self.waited():
                self.carrier(keys).wait(REQUEST_S)

    def ask(self, question: Callable[[redis.Redis], Answer], otherwise: Answer = None) -> Answer:
        """`question(client)`, or `otherwise`. Within ANSWER_S (redis_client.py) for each step; and of a Redis that
        answers every step slowly a request only asks until it has waited for REQUEST_S."""
        if self.away or not self.in_use or self.is_spent():
            return otherwise
        try:
            with self.waited():
                answer = question(self.client)
        except AWAY as error:
            self.note_away(error)
            return otherwise
        except RedisError as error:  # out of memory, read-only, a wrong type: it is there and says no
            self.note_refusal(error)
            return otherwise
        self.refused = False
        return answer

    @contextmanager
    def waited(self) -> Iterator[None]:
        """What happens in here is waiting for Redis."""
        began = time.monotonic()
        try:
            yield
        finally:
            if waiting := _waiting.get():
                waiting.seconds += time.monotonic() - began

    def is_spent(self) -> bool:
        """Whether the request under way, if one is, has waited for Redis long enough."""
        waiting = _waiting.get()
        if waiting is None or waiting.seconds < REQUEST_S:
            return False
        if time.monotonic() - waiting.since > REQUEST_LASTS_S:
            begin_request()
            return False
        if time.monotonic() - self.slow_at > SLOW_TOLD_S:
            self.slow_at = time.monotonic()
            log.warning("redis_slow", waited_ms=round(waiting.seconds * 1000))
        return True

    def note_away(self, error: Exception) -> None:
        """Open the breaker, unless only our own connections ran out."""
        if isinstance(error, MaxConnectionsError):
            return
        if not self.away:
            self.away = True
            metrics.REDIS_UP.set(0)
            log.warning("redis_away", error=type(error).__name__)

    def note_refusal(self, error: Exception) -> None:
        if not self.refused:
            self.refused = True
            log.warning("redis_refuses", error=type(error).__name__)

    def on_return(self, act: Callable[[], object]) -> None:
        """Have `act` called each time Redis is back (which may have forgotten everything)."""
        self._on_return.append(act)

    def probe(self) -> None:
        """Look whether Redis is back. Called by the ticker."""
        if self.away and self.answers():
            self.away = False
            metrics.REDIS_UP.set(1)
            log.info("redis_back")
            for act in self._on_return:
                act()

    def answers(self) -> bool:
        """Whether Redis answers now, whatever the breaker says; of a cluster each node that has keys (where one does
        not, the breaker would open with the next of its keys again)."""
        everybody = {"target_nodes": RedisCluster.PRIMARIES} if self.is_cluster else {}
        try:
            return bool(self.client.ping(**everybody))
        except (RedisError, RedisClusterException, OSError):
            return False
