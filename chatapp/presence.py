"""Who is here: per person and room, whatever the number of tabs. Kept in memory, told to the room."""

import time
from dataclasses import dataclass, field

from . import broadcasts

GRACE = 5.0  # seconds after the last connection left: a reload shows nothing
CROWD = 100  # people online: above it a room is told numbers, not names
SHOWN_MAX = 100  # people named in an answer


@dataclass(slots=True)
class Here:
    """One person in one room, and the connections."""

    user: dict
    sids: set[str] = field(default_factory=set)


_rooms: dict[str, dict[int, Here]] = {}
_grace: dict[tuple[str, int], float] = {}  # (room, person) → when the grace ends
_crowds_changed: set[str] = set()


def arrive(room_id: str, user: dict, sid: str) -> None:
    """A connection of `user` (the wire's person) listens to the room from now on."""
    room = _rooms.setdefault(room_id, {})
    here = room.get(user["id"])
    _grace.pop((room_id, user["id"]), None)
    if here is not None:
        here.sids.add(sid)
        return
    room[user["id"]] = Here(user, {sid})
    tell(room_id, user, broadcasts.user_online)


def depart(room_id: str, person_id: int, sid: str) -> None:
    """A connection listens no more. With the last one a person's grace begins."""
    here = _rooms.get(room_id, {}).get(person_id)
    if here is None:
        return
    here.sids.discard(sid)
    if not here.sids:
        _grace.setdefault((room_id, person_id), time.monotonic() + GRACE)


def dismiss(room_id: str, person_id: int) -> None:
    """Somebody may not be here any more: gone at once."""
    _grace.pop((room_id, person_id), None)
    room = _rooms.get(room_id, {})
    here = room.pop(person_id, None)
    if here is None:
        return
    if not room:
        del _rooms[room_id]
    tell(room_id, here.user, broadcasts.user_offline)


def dismiss_everywhere(person_id: int) -> None:
    for room_id in [room_id for room_id, room in _rooms.items() if person_id in room]:
        dismiss(room_id, person_id)


def sweep() -> None:
    """End the graces that ran out. Called by the ticker."""
    moment = time.monotonic()
    for (room_id, person_id), ends in list(_grace.items()):
        if ends <= moment:
            dismiss(room_id, person_id)


def tell(room_id: str, user: dict, event) -> None:
    count = len(_rooms.get(room_id, ()))
    if count > CROWD:
        _crowds_changed.add(room_id)
    else:
        event(room_id, user, count)


def tell_crowds() -> None:
    """The numbers of crowded rooms that changed. Called by the ticker once a second."""
    changed = list(_crowds_changed)
    _crowds_changed.clear()
    for room_id in changed:
        broadcasts.presence(room_id, len(_rooms.get(room_id, ())))


def who(room_id: str) -> dict:
    """`{count, users}` of a room: everybody counted, at most 100 named."""
    room = _rooms.get(room_id, {})
    users = [here.user for here, _ in zip(room.values(), range(SHOWN_MAX), strict=False)]
    return {"count": len(room), "users": users}


def crowded(room_id: str) -> bool:
    return len(_rooms.get(room_id, ())) > CROWD


def in_room(room_id: str) -> set[int]:
    """The ids of the people online in a room."""
    return set(_rooms.get(room_id, ()))
