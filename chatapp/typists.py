"""Who is typing: never stored, never replayed, ended by the server. Called by the doors and by messages.send."""

import time
from dataclasses import dataclass

from . import broadcasts, presence, wire
from .models import Membership

LASTS = 3.0  # seconds after the last word of it
TOLD_EVERY = 0.9  # seconds: a client says it once a second; more often is not passed on


@dataclass(slots=True)
class Typist:
    """One who types in a room: until when (monotonic seconds), and whether the room was told."""

    user: dict
    ends: float
    is_shown: bool = False


_typing: dict[tuple[str, int], Typist] = {}
_told: dict[tuple[str, int], float] = {}  # when the room last heard that somebody types


def hear(membership: Membership, is_typing: bool) -> None:
    """A member says that he types, or that he stopped. Nobody types in an archived room."""
    if is_typing and membership.room.archived_at is None:
        start(membership.room_id, wire.person(membership.person))
    else:
        stop(membership.room_id, membership.person_id)


def start(room_id: str, user: dict) -> None:
    """`user` types, and does for three more seconds. A crowded room does not hear of it."""
    if presence.crowded(room_id):
        return
    moment, key = time.monotonic(), (room_id, user["id"])
    typist = _typing.setdefault(key, Typist(user, 0.0))
    typist.ends = moment + LASTS
    if moment - _told.get(key, float("-inf")) >= TOLD_EVERY:
        _told[key] = moment
        typist.is_shown = True
        broadcasts.typing(room_id, user, True)


def stop(room_id: str, person_id: int) -> None:
    typist = _typing.pop((room_id, person_id), None)
    if typist is not None and typist.is_shown:
        broadcasts.typing(room_id, typist.user, False)


def sweep() -> None:
    """End what nobody renewed. Called by the ticker."""
    moment = time.monotonic()
    for (room_id, person_id), typist in list(_typing.items()):
        if typist.ends <= moment:
            stop(room_id, person_id)
    for key in [one for one, told in _told.items() if moment - told >= TOLD_EVERY and one not in _typing]:
        del _told[key]
