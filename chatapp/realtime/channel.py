"""One Redis channel between all processes of this chat. For relay.py: what is published may be lost, come late or in
another order, and nobody here is held up by it.
"""

import hashlib
import hmac
import time
from collections import deque
from collections.abc import Iterator, Sequence

import structlog
from redis.connection import parse_url
from redis.exceptions import RedisError, TimeoutError

from .. import metrics
from ..extensions import redis, socketio
from ..redis_client import client_for

PATIENCE_S = 1.0  # with the answers while a listener connects
PING_EVERY_S = 1.0  # of silence
SILENT_S = 2.5  # without even an answer to that: Redis is frozen, or the way to it is cut
PAUSES_S = (0.1, 0.2, 0.4, 0.8)  # between attempts to listen again; then the last one for ever
FAILURES = (RedisError, OSError)
log = structlog.get_logger(__name__)


class Channel:
    """Publishes and listens. Makes no connection before it is asked to."""

    def __init__(self, settings: dict):
        self.name = name_of(settings)
        self.to_speak = deque(client_for(one) for one in ways(settings)) if redis.is_cluster else None
        self.to_listen = deque(client_for(one, PATIENCE_S) for one in ways(settings))

    def publish(self, messages: list[str], discarded: Sequence[str] = ()) -> bool:
        """All in one go, and keys thrown away with it (not in a cluster); whether Redis took them. The breaker is asked
        only where one Redis is all there is: the loss of a cluster's node opens it for a moment, and the others carry
        events all the same."""
        if self.to_speak is None:
            return redis.ask(lambda client: publish(client, self.name, messages, discarded), otherwise=False)
        return any(self.tried(messages) for _ in range(len(self.to_speak)))

    def tried(self, messages: list[str]) -> bool:
        """Published through the node that served last; when it fails the next one's turn comes."""
        try:
            return publish(self.to_speak[0], self.name, messages)
        except FAILURES:
            self.to_speak.rotate(-1)
            return False

    def listen(self) -> Iterator[bytes]:
        """What is published, from now on and for ever: after each failure it comes back by itself."""
        failures = 0
        while True:
            try:
                for message in heard(self.to_listen[0], self.name):
                    failures = 0
                    if message is not None:
                        yield message
            except FAILURES as error:
                metrics.RELAY_LISTENING.set(0)
                if not failures:
                    log.warning("relay_deaf", error=type(error).__name__)
                self.to_listen.rotate(-1)
                socketio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1


def publish(client, name: str, messages: list[str], discarded: Sequence[str] = ()) -> bool:
    pipeline = client.pipeline(transaction=False)
    for message in messages:
        pipeline.publish(name, message)
    if discarded:
        pipeline.delete(*discarded)
    pipeline.execute()
    return True


def heard(client, name: str) -> Iterator[bytes | None]:
    """What comes over one connection, until it fails or falls silent; None when it begins."""
    with client.pubsub() as subscription:
        subscription.subscribe(name)
        last = time.monotonic()
        while time.monotonic() - last < SILENT_S:
            message = subscription.get_message(timeout=PING_EVERY_S)
            if message is None:
                subscription.ping()
                continue
            last = time.monotonic()
            if message["type"] == "subscribe":
                metrics.RELAY_LISTENING.set(1)
                log.info("relay_listens")
                yield None
            elif message["type"] == "message":
                yield message["data"]
    raise TimeoutError("silent")


def name_of(settings: dict) -> str:
    """Every process of a chat has its SECRET_KEY, and no other chat has. Redis's channels know no database numbers, so
    the name holds that of the address."""
    database = parse_url(settings["REDIS_URL"]).get("db", 0) if settings.get("REDIS_URL") else 0
    mark = hmac.digest(settings["SECRET_KEY"].encode(), b"the channel between processes", hashlib.sha256)
    return f"chatapp:{database}:{mark.hex()[:16]}"


def ways(settings: dict) -> list[dict]:
    """Settings that each lead to one Redis. Any node of a cluster passes on what is published to all the others."""
    nodes = settings.get("REDIS_CLUSTER_NODES") or []
    urls = [f"redis://[{host}]:{port}" if ":" in host else f"redis://{host}:{port}" for host, port in nodes]
    return [{**settings, "REDIS_CLUSTER_NODES": [], "REDIS_URL": url} for url in urls] or [settings]
