"""Which connections of this process are in which rooms: Socket.IO's own list, but with the rooms of each connection
beside it. (Upstream looks through all rooms when one connection ends, and keeps a room of its own for each.) For
relay.py.
"""

from socketio import Manager


class RoomLists(Manager):
    """`rooms[namespace][None]`, sid ↔ Engine.IO sid, is upstream's; the other rooms are plain sid → Engine.IO sid."""

    def __init__(self):
        super().__init__()
        self.rooms_of: dict[str, set[str]] = {}  # sid → rooms

    def basic_enter_room(self, sid, namespace, room, eio_sid=None):
        if room is None:
            super().basic_enter_room(sid, namespace, None, eio_sid)
        elif room != sid:  # that one is found by `None`
            if self.is_sid_room(namespace, room):
                raise ValueError("cannot enter a sid room")
            there = self.rooms[namespace]
            there.setdefault(room, {})[sid] = there[None][sid]
            self.rooms_of.setdefault(sid, set()).add(room)

    def basic_leave_room(self, sid, namespace, room):
        self.rooms_of.get(sid, set()).discard(room)
        super().basic_leave_room(sid, namespace, room)

    def basic_disconnect(self, sid, namespace, **_):
        for room in [*self.rooms_of.get(sid, ()), None]:
            self.basic_leave_room(sid, namespace, room)
        self.rooms_of.pop(sid, None)
        self.callbacks.pop(sid, None)
        for waiting in (self.pending_connect, self.pending_disconnect):
            if sid in waiting.get(namespace, ()):
                waiting[namespace].remove(sid)

    def get_participants(self, namespace, room):
        there = self.rooms.get(namespace, {})
        if room is not None and room in there.get(None, {}):
            return [(room, there[None][room])]
        return list(there.get(room, {}).items())

    def get_rooms(self, sid, namespace):
        return [sid, *self.rooms_of.get(sid, ())]
