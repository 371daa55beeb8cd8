"""The queue as operators see it: what waits, and the dead letters (jobs given up, kept for a week). For the
commands and the ticker.
"""

from dramatiq import Message

from .. import metrics
from ..extensions import redis
from . import board, broker, posting

WAITING = [f"{board.PREFIX}:{broker.QUEUE}{which}.msgs" for which in ("", ".DQ")]
DEAD = f"{board.PREFIX}:{broker.QUEUE}.XQ"
DEAD_MESSAGES = f"{DEAD}.msgs"


def dead() -> dict[bytes, Message]:
    """Every dead letter, by what Redis calls it."""
    found = redis.ask(lambda client: client.hgetall(DEAD_MESSAGES), otherwise={})
    return {name: Message.decode(text) for name, text in found.items()}


def retry(name: bytes, message: Message) -> bool:
    """Queue it again as if it were new, then drop the letter: a crash in between has it done twice, not never."""
    kept = {"about": message.options.get("about", "")}
    anew = Message(broker.QUEUE, message.actor_name, (), message.kwargs, kept, message_id=message.message_id)
    board.change(message.message_id, status="queued", attempts=0, endedAt=None)
    if redis.ask(lambda _: posting.posting_broker().enqueue(anew)) is None:
        board.change(message.message_id, status="dead")
        return False
    return drop(name)


def clear(name: bytes, message: Message) -> bool:
    board.forget(message.message_id)
    return drop(name)


def drop(name: bytes) -> bool:
    def both(client):
        return client.zrem(DEAD, name) + client.hdel(DEAD_MESSAGES, name)

    return bool(redis.ask(both))


def measure() -> None:
    """The figures of all processes for Prometheus. Called by the ticker."""
    if not posting.elsewhere():
        return
    waiting = redis.ask(lambda client: sum(client.hlen(key) for key in WAITING))
    if waiting is None:
        return
    metrics.JOBS.labels("queued").set(waiting)
    metrics.JOBS.labels("dead").set(redis.ask(lambda client: client.zcard(DEAD)) or 0)
    counts = redis.ask(lambda client: client.hgetall(board.COUNTS)) or {}
    for outcome in ("done", "failed"):
        metrics.JOBS.labels(outcome).set(int(counts.get(outcome.encode(), 0)))
