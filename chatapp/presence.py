"""Who is here: per person and room, whatever the number of tabs and of processes; told to the room. Called by the
doors, by notices, and by the ticker. Where it is kept (in memory, or in Redis when in use) is realtime/'s.
"""

from . import broadcasts
from .extensions import redis
from .realtime.presence_alone import PresenceAlone
from .realtime.presence_shapes import CROWD, Change
from .realtime.presence_shared import PresenceShared

alone, shared = PresenceAlone(), PresenceShared()
_crowds_changed: set[str] = set()


def is_shared() -> bool:
    """Whether other processes know it too."""
    return redis.in_use


def store() -> PresenceAlone | PresenceShared:
    return shared if is_shared() else alone


def arrive(room_id: str, user: dict, sid: str) -> None:
    """A connection of `user` (the wire's person) listens to the room from now on."""
    tell(store().arrive(room_id, user, sid), broadcasts.user_online)


def depart(room_id: str, person_id: int, sid: str) -> None:
    """A connection listens no more. With the last one a person's grace begins."""
    store().depart(room_id, person_id, sid)


def dismiss(room_id: str, person_id: int) -> None:
    """Somebody may not be here any more: gone at once (from this process; each is to be told)."""
    tell(store().dismiss(room_id, person_id), broadcasts.user_offline)


def rooms_of(person_id: int) -> list[str]:
    """Where this process has a hand in somebody's being here."""
    return store().rooms_of(person_id)


def sweep() -> None:
    """End the graces that ran out. Called by the ticker."""
    for change in store().ended():
        tell(change, broadcasts.user_offline)


def beat() -> None:
    """Let the other processes know that this one lives, and put right what Redis missed. Called by the ticker."""
    for change in store().beat():
        tell(change, broadcasts.user_online)


def tell(change: Change | None, event) -> None:
    if change is None:
        return
    if change.count > CROWD:
        _crowds_changed.add(change.room_id)
    else:
        event(*change)


def tell_crowds() -> None:
    """The numbers of crowded rooms that changed. Called by the ticker once a second."""
    changed = _crowds_changed.copy()
    _crowds_changed.clear()
    now, later = store().crowds(changed)
    _crowds_changed.update(later)
    for room_id, count in now:
        broadcasts.presence(room_id, count)


def who(room_id: str) -> dict:
    """`{count, users}` of a room: everybody counted, at most 100 named. `count` None: it cannot be told now."""
    return store().who(room_id)


def crowded(room_id: str) -> bool:
    """As far as this process knows: cheap enough for every keystroke."""
    return store().count(room_id) > CROWD


def in_rooms(room_ids: list[str]) -> dict[str, set[int]]:
    """The ids of the people online in each of these direct rooms."""
    return store().in_rooms(room_ids)


def everywhere() -> dict[str, int] | None:
    """People online by room, over all processes; None when it cannot be told."""
    return store().everywhere()
