"""How far people had read a room when they last left it: for a recap of what they missed. Called by the socket's door
and the ticker.
"""

import time

from sqlalchemy import select, tuple_, update

from .extensions import db
from .models import Membership, Room

GRACE_S = 5.0  # a reload is no leaving
WRITTEN_MAX = 500  # at once

_left: dict[tuple[str, int], float] = {}  # (room, person) → when (monotonic seconds)


def leave(room_id: str, person_id: int) -> None:
    """The last connection of somebody does not listen to the room any more."""
    _left[room_id, person_id] = time.monotonic()


def come(room_id: str, person_id: int) -> None:
    _left.pop((room_id, person_id), None)


def note() -> None:
    """Write down how far those had read who left and did not come back at once. Called by the ticker."""
    due = [key for key, at in _left.items() if time.monotonic() - at >= GRACE_S][:WRITTEN_MAX]
    if not due:
        return
    far = select(Room.last_seq).where(Room.id == Membership.room_id).scalar_subquery()
    theirs = tuple_(Membership.room_id, Membership.person_id).in_(due)
    step = update(Membership).where(theirs).values(read_seq=far)
    db.session.execute(step.execution_options(synchronize_session=False))
    db.session.commit()
    for key in due:
        _left.pop(key, None)
