"""Who hears an event in this process: Socket.IO's client manager, which tells a room by way of the fan-out. relay.py
passes on to other processes.
"""

from socketio.packet import EVENT

from . import connections, delivered, listeners
from .connections import NAMESPACE
from .fanout import Fanout, Told
from .room_lists import RoomLists


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
