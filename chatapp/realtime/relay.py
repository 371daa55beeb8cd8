"""Who hears an event: the clients of this process at once (clients.py), and by way of Redis those of all others.
`create_app` hangs one of these client managers in, and server.py starts it.
"""

import queue
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from .. import metrics
from ..extensions import redis, socketio
from . import delivered, listeners, ticker
from .channel import Channel
from .clients import LocalClients, NotingClients

OUTBOX_MAX = 2_000  # events that wait for Redis; those beyond are dropped, and repaired (repairs.py)
BATCH_MAX = 200  # events that go to Redis together
BEGINNING = 32  # bytes in which a message says whose it is, as `from` comes first
log = structlog.get_logger(__name__)


@dataclass(slots=True, frozen=True)
class Errand:
    """Keys to be thrown away in Redis; `done` is set then."""

    keys: tuple[str, ...]
    done: Any


class Relay(NotingClients):
    """Tells the clients here, and passes every event on to the other processes. They know nothing of each other's
    connections: who enters, leaves or is cut is each process's own business."""

    def __init__(self, settings: dict):
        super().__init__()
        self.me = secrets.token_hex(8)
        self.channel = Channel(settings)
        self.outbox = None  # until this process serves: a command has time, and no background that outlives it

    def emit(self, event, data, namespace, room=None, skip_sid=None, **how):
        """Never waits for Redis in a process that serves."""
        self.deliver(event, data, namespace, room, skip_sid)
        if not how.get("ignore_queue"):
            told = {"from": self.me, "event": event, "data": data, "namespace": namespace, "room": room}
            self.pass_on(self.json.dumps(told | {"skip": skip_sid}))

    def call_others(self):
        self.pass_on(self.json.dumps({"from": self.me, "call": True}))

    def pass_on(self, message: str) -> None:
        if self.outbox is None:
            self.publish([message])
            return
        try:
            self.outbox.put_nowait(message)
        except queue.Full:
            metrics.RELAY_DROPPED.inc()

    def publish(self, messages: list[str], discarded: Sequence[str] = ()) -> None:
        if self.channel.publish(messages, discarded):
            metrics.RELAY_SENT.inc(len(messages))
        else:
            metrics.RELAY_DROPPED.inc(len(messages))

    def start(self) -> None:
        self.outbox = self.server.eio.create_queue(OUTBOX_MAX)
        if not redis.is_cluster:  # where keys and events take different ways
            redis.carrier = self.discard
        for work in (self.carry, self.listen):
            self.server.start_background_task(self.for_ever, work)

    def for_ever(self, work) -> None:
        while True:
            try:
                work()
            except Exception:
                log.exception("relay_stumbled")
                self.server.sleep(1)

    def discard(self, keys: tuple[str, ...]):
        """Have keys thrown away with what goes to Redis next; the event of its being done."""
        errand = Errand(keys, self.server.eio.create_event())
        try:
            self.outbox.put_nowait(errand)
        except queue.Full:  # Redis takes nothing; and what lies there counts no more (cached.py)
            errand.done.set()
        return errand.done

    def carry(self) -> None:
        """Take to Redis what waits, as soon as something does."""
        batch = self.batch()
        errands = [one for one in batch if isinstance(one, Errand)]
        try:
            self.publish(
                [one for one in batch if not isinstance(one, Errand)],
                list(dict.fromkeys(key for errand in errands for key in errand.keys)),
            )
        finally:
            for errand in errands:
                errand.done.set()

    def batch(self) -> list["str | Errand"]:
        messages = [self.outbox.get()]
        while len(messages) < BATCH_MAX:
            try:
                messages.append(self.outbox.get_nowait())
            except queue.Empty:
                break
        return messages

    def listen(self) -> None:
        """Tell the clients here what other processes say."""
        for message in self.channel.listen():
            self.hear(message)
            self.server.sleep(0)  # many may have come at once: everybody else has a turn between

    def hear(self, message: bytes) -> None:
        """Whatever comes out of Redis: what is no event of ours is counted and forgotten."""
        if self.me.encode() in message[:BEGINNING]:  # our own, which need not be read
            return
        try:
            told = self.json.loads(message)
            if told.get("call") is True:
                ticker.call()
            else:
                self.take(told["event"], told["data"], told["namespace"], told["room"], told["skip"])
        except Exception as error:
            metrics.RELAY_UNREADABLE.inc()
            log.warning("relay_unreadable", error=type(error).__name__)

    def take(self, event: str, data: dict, namespace: str, room: str, skip) -> None:
        if not (isinstance(event, str) and isinstance(data, dict) and isinstance(room, str)):
            raise TypeError("not an event for a room")
        if not delivered.holds(event, data):  # it comes twice, or late: the clients have it by a repair
            self.deliver(event, data, namespace, room, skip)


def may_miss_changes(settings: dict) -> bool:
    """Whether clients here may not be told of a change: it is said in another process (only Redis makes one chat of
    several), or PostgreSQL made it while the answer was lost, so that nobody here knows."""
    return redis.in_use or settings["SQLALCHEMY_DATABASE_URI"].startswith("postgresql")


def manager_for(settings: dict) -> LocalClients:
    if redis.in_use:
        return Relay(settings)
    return NotingClients() if may_miss_changes(settings) else LocalClients()


def is_listened_to(room_id: str) -> bool:
    """Whether somebody listens to a room here, by a socket or over HTTP."""
    return room_id in socketio.server.manager.rooms_here() or listeners.listened_to(room_id)
