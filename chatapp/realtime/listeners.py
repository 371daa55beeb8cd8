"""Those who listen over plain HTTP (Server-Sent Events): each has a bounded queue of what his rooms are told. The door
opens one for each such request; the relay hands in what it delivers.
"""

import queue
from collections import defaultdict

from ..extensions import socketio
from . import connections
from .connections import Connection

WAITING_MAX = 500  # events; who reads more slowly is cut, and resumes where he was
REACHED = "reached"  # no event, but a mark among them: all up to its `upto` has been told, or superseded by what was
_by_room: dict[str, dict[str, "Listener"]] = defaultdict(dict)  # also by the listener's own sid


class Ended(Exception):
    """The listener was cut, or is too slow."""


class Listener:
    """One who listens to one room. `connection` is his entry among all connections."""

    def __init__(self, connection: Connection, room_id: str):
        self.connection, self.room_id, self.is_cut = connection, room_id, False
        self.queue = socketio.server.eio.create_queue(WAITING_MAX + 1)

    def __enter__(self):
        """From here on everything is heard that is told after this."""
        self.connection.rooms.add(self.room_id)
        self.connection.end = self.end
        connections.add(self.connection)
        for place in (self.room_id, self.connection.sid):
            _by_room[place][self.connection.sid] = self
        return self

    def __exit__(self, *_):
        connections.discard(self.connection.sid)
        for place in (self.room_id, self.connection.sid):
            _by_room[place].pop(self.connection.sid, None)
            if not _by_room[place]:
                del _by_room[place]

    def hear(self, event: str, payload: dict) -> None:
        try:
            self.queue.put_nowait((event, payload))
        except queue.Full:
            self.is_cut = True

    def end(self) -> None:
        """Nothing more is told."""
        self.is_cut = True
        self.hear("", {})

    def wait(self, seconds: float) -> tuple[str, dict] | None:
        """The next (event, payload); None when none came for so long. Ended when there will be none."""
        try:
            found = self.queue.get(timeout=seconds)
        except queue.Empty:
            found = None
        if self.is_cut:
            raise Ended
        return found


def deliver(event: str, payload: dict, room: str, but: list[str]) -> None:
    """Hand an event to those who listen to `room` (or are it, by their sid)."""
    for sid, listener in list(_by_room.get(room, {}).items()):
        if sid not in but:
            listener.hear(event, payload)


def reached(room_id: str, rev: int) -> None:
    """Mark, behind all that was told, that those who listen to a room miss nothing up to `rev`."""
    deliver(REACHED, {"upto": rev}, room_id, [])


def listened_to(room_id: str) -> bool:
    return room_id in _by_room


def end_all() -> bool:
    """The process is about to stop: all come back, and resume. Whether there were any."""
    there = bool(_by_room)
    for places in list(_by_room.values()):
        for listener in list(places.values()):
            listener.end()
    return there
