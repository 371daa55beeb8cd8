"""Who is here, in the memory of the one process there is. For chatapp/presence.py, which tells what comes of it."""

import time
from dataclasses import dataclass, field
from itertools import islice

from ..briefly import Briefly
from ..plain_json import Shared
from . import presence_shapes as shapes
from .presence_shapes import Change


@dataclass(slots=True)
class Here:
    """One person in one room, and the connections."""

    user: dict
    sids: set[str] = field(default_factory=set)


class PresenceAlone:
    """The same as PresenceShared (there the methods are explained), for a process without Redis."""

    def __init__(self):
        self.rooms: dict[str, dict[int, Here]] = {}
        self.graces: dict[tuple[str, int], float] = {}  # (room, person) → when the grace ends
        self.gone = 0  # people who left a room
        self.faces = Briefly()  # those named of each crowd, by how many had left by then

    def arrive(self, room_id: str, user: dict, sid: str) -> Change | None:
        room = self.rooms.setdefault(room_id, {})
        is_new = user["id"] not in room
        self.graces.pop((room_id, user["id"]), None)
        room.setdefault(user["id"], Here(user)).sids.add(sid)
        return Change(room_id, user, len(room)) if is_new else None

    def depart(self, room_id: str, person_id: int, sid: str) -> None:
        here = self.rooms.get(room_id, {}).get(person_id)
        if here is None:
            return
        here.sids.discard(sid)
        if not here.sids:
            self.graces.setdefault((room_id, person_id), time.monotonic() + shapes.GRACE_S)

    def dismiss(self, room_id: str, person_id: int) -> Change | None:
        self.graces.pop((room_id, person_id), None)
        room = self.rooms.get(room_id, {})
        here = room.pop(person_id, None)
        if here is None:
            return None
        self.gone += 1
        if not room:
            del self.rooms[room_id]
        return Change(room_id, here.user, len(room))

    def rooms_of(self, person_id: int) -> list[str]:
        return [room_id for room_id, room in self.rooms.items() if person_id in room]

    def ended(self) -> list[Change]:
        moment = time.monotonic()
        due = [whose for whose, ends in self.graces.items() if ends <= moment]
        return [change for room_id, person_id in due if (change := self.dismiss(room_id, person_id))]

    def beat(self) -> list[Change]:
        return []

    def crowds(self, room_ids: set[str]) -> tuple[list[tuple[str, int]], set[str]]:
        return [(room_id, self.count(room_id)) for room_id in room_ids], set()

    def who(self, room_id: str) -> dict:
        room, gone, faces = self.rooms.get(room_id, {}), self.gone, self.faces.held(room_id)
        if faces and faces.stamp == gone:
            return {"count": len(room), "users": faces.value}
        users = Shared(here.user for here in islice(room.values(), shapes.SHOWN_MAX))
        if len(room) > shapes.CROWD:
            self.faces.keep(room_id, gone, users)
        return {"count": len(room), "users": users}

    def count(self, room_id: str) -> int:
        return len(self.rooms.get(room_id, ()))

    def in_rooms(self, room_ids: list[str]) -> dict[str, set[int]]:
        return {room_id: set(self.rooms.get(room_id, ())) for room_id in room_ids}

    def everywhere(self) -> None:
        """Nobody outside this process could know."""
