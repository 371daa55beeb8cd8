"""What both stores of presence have in common."""

from typing import NamedTuple

GRACE_S = 5.0  # after the last connection left: a reload shows nothing
CROWD = 100  # people online: above it a room is told numbers, not names
SHOWN_MAX = 100  # people named in an answer


class Change(NamedTuple):
    """Somebody came or went, and is to be told: `user` is the wire's person, `count` how many are here now."""

    room_id: str
    user: dict
    count: int
