"""Who hears an event: the clients of this process at once, and by way of Redis those of all others. These are
Socket.IO's client managers; `create_app` hangs one in, and server.py starts it.
"""

import queue
import secrets

import structlog
from socketio.packet import EVENT

from .. import metrics
from ..extensions import redis, socketio
from . import connections, delivered, listeners, ticker
from .channel import Channel
from .connections import NAMESPACE
from .fanout import Fanout, Told
from .room_lists import RoomLists

OUTBOX_MAX = 2_000  # events that wait for Redis; those beyond are dropped, and repaired (repairs.py)
BATCH_MAX = 200  # events that go to Redis together
BEGINNING = 32  # bytes in which a message says whose it is, as `from` comes first
log = structlog.get_logger(__name__)


class LocalClients(RoomLists):
    """The clients of this process, and no others. `skip_sid` may name people (connections.all_of) among the sids."""

    fanout: Fanout | None = None  # on threads, and in commands, there is none: upstream's way is taken

    def go_straight(self, later) -> None:
        """Tell rooms by way of the fan-out from now on; `later(seconds, function)` is the loop's."""
        self.fanout = Fanout(self.server.eio.sockets, self.eio_sids_in, self.rooms_by_eio_sid, later)

    def emit(self, event, data, namespace, room=None, skip_sid=None, **_):
        self.deliver(event, data, namespace, room, skip_sid)

    def start(self) -> None:
        """This process serves from now on."""

    def call_others(self) -> None:
        """Have the other processes look at once at what they look at now and then (ticker.call)."""

    def deliver(self, event, data, namespace, room, skip):
        """The one way by which events reach the clients of this process, whoever sent them."""
        but = connections.sids_of(skip)
        if self.fanout and room in self.rooms_here():
            self.tell(room, event, data, but)
        else:
            super().emit(event, data, namespace, room=room, skip_sid=but)
        listeners.deliver(event, data, room, but)

    def tell(self, room: str, event: str, data: dict, but: list[str]) -> None:
        encoded = self.server.packet_class(EVENT, namespace=NAMESPACE, data=[event, data]).encode()
        everybody = self.rooms_here()[None]
        self.fanout.tell(room, event, encoded, frozenset(everybody[sid] for sid in but if sid in everybody))

    def has_entered(self, eio_sid: str) -> bool:
        """Whether a connection was let into the namespace."""
        sid = self.sid_from_eio_sid(eio_sid, NAMESPACE)
        return sid is not None and self.is_connected(sid, NAMESPACE)

    def rooms_here(self) -> dict:
        return self.rooms.get(NAMESPACE, {})

    def eio_sids_in(self, room: str):
        return self.rooms_here().get(room, {}).values()

    def rooms_by_eio_sid(self, eio_sid: str) -> set[str]:
        return self.rooms_of.get(self.sid_from_eio_sid(eio_sid, NAMESPACE), set())

    def owed(self, eio_sid: str) -> list[Told]:
        """What a connection is to get before anything that is sent to it now."""
        return self.fanout.owed(eio_sid) if self.fanout else []

    def basic_enter_room(self, sid, namespace, room, eio_sid=None):
        is_new = room not in self.rooms_of.get(sid, ())
        super().basic_enter_room(sid, namespace, room, eio_sid)
        if self.fanout and room is not None and is_new:
            self.fanout.enters(self.rooms_here()[None][sid], room)

    def basic_leave_room(self, sid, namespace, room):
        if self.fanout and room is not None:
            self.fanout.leaves(self.eio_sid_from_sid(sid, namespace), room)
        super().basic_leave_room(sid, namespace, room)


class NotingClients(LocalClients):
    """The same, and what they are told is noted, for repairs.py to compare with the database."""

    def deliver(self, event, data, namespace, room, skip):
        super().deliver(event, data, namespace, room, skip)
        delivered.note(event, data)


class Relay(NotingClients):
    """The same, and every event goes on to the other processes. They know nothing of each other's connections: who
    enters, leaves or is cut is each process's own business."""

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

    def publish(self, messages: list[str]) -> None:
        if self.channel.publish(messages):
            metrics.RELAY_SENT.inc(len(messages))
        else:
            metrics.RELAY_DROPPED.inc(len(messages))

    def start(self) -> None:
        self.outbox = self.server.eio.create_queue(OUTBOX_MAX)
        for work in (self.carry, self.listen):
            self.server.start_background_task(self.for_ever, work)

    def for_ever(self, work) -> None:
        while True:
            try:
                work()
            except Exception:
                log.exception("relay_stumbled")
                self.server.sleep(1)

    def carry(self) -> None:
        """Take to Redis what waits, as soon as something does."""
        self.publish(self.batch())

    def batch(self) -> list[str]:
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
