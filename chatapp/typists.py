"""Who is typing: never stored, never replayed, ended by the server. Called by the doors, and by messages and
streams when he says something."""

import time
from dataclasses import dataclass

from . import broadcasts, presence, ratelimit, wire
from .models import Membership
from .realtime import typing_marks

LASTS = 3.0  # seconds after the last word of it
TOLD_EVERY = 0.9  # seconds: a client says it once a second; more often is not passed on


@dataclass(slots=True)
class Typist:
    """One who types in a room: until when, and when the room was last told (monotonic seconds)."""

    user: dict
    ends: float
    told: float = float("-inf")


_typing: dict[tuple[str, int], Typist] = {}
_ended: dict[tuple[str, int], bool] = {}  # (room, person) → whether the room was told of it by this process


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
        typing_marks.set_for(room_id, user)


def stop(room_id: str, person_id: int) -> None:
    """He types no more, whichever process was told that he does."""
    typist = _typing.pop((room_id, person_id), None)
    is_told = typist is not None and typist.told > float("-inf")
    if is_told:
        broadcasts.typing(room_id, typist.user, False)
    if typing_marks.are_needed():
        _ended[room_id, person_id] = is_told


def stop_everywhere(person_id: int) -> None:
    """His last connection to this process ended; he may have typed where he did not listen."""
    for room_id in [room_id for room_id, typist_id in list(_typing) if typist_id == person_id]:
        stop(room_id, person_id)


def sweep() -> None:
    """End what nobody renewed. Called by the ticker."""
    moment = time.monotonic()
    for (room_id, person_id), typist in list(_typing.items()):
        if typist.ends <= moment:
            stop(room_id, person_id)
    end_elsewhere()


def end_elsewhere() -> None:
    """End what other processes told; all together, so that no message has to wait for it."""
    ended = dict(_ended)
    _ended.clear()
    for (room_id, _), is_told, user in zip(ended, ended.values(), typing_marks.take(list(ended)), strict=True):
        if user is not None and not is_told:
            broadcasts.typing(room_id, user, False)
