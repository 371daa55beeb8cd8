"""Who is typing: never stored, never replayed, ended by the server. Called by the doors and by messages.send."""

import time
from dataclasses import dataclass

from . import broadcasts, presence, ratelimit, wire
from .models import Membership

LASTS = 3.0  # seconds after the last word of it
TOLD_EVERY = 0.9  # seconds: a client says it once a second; more often is not passed on


@dataclass(slots=True)
class Typist:
    """One who types in a room: until when, and when the room was last told (monotonic seconds)."""

    user: dict
    ends: float
    told: float = float("-inf")


_typing: dict[tuple[str, int], Typist] = {}


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
    moment = time.monotonic()
    typist = _typing.setdefault((room_id, user["id"]), Typist(user, 0.0))
    typist.ends = moment + LASTS
    if moment - typist.told >= TOLD_EVERY and ratelimit.allows(user["id"], "type"):
        typist.told = moment
        broadcasts.typing(room_id, user, True)


def stop(room_id: str, person_id: int) -> None:
    typist = _typing.pop((room_id, person_id), None)
    if typist is not None and typist.told > float("-inf"):
        broadcasts.typing(room_id, typist.user, False)


def sweep() -> None:
    """End what nobody renewed. Called by the ticker."""
    moment = time.monotonic()
    for (room_id, person_id), typist in list(_typing.items()):
        if typist.ends <= moment:
            stop(room_id, person_id)
