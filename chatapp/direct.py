"""Direct rooms: one for one set of people, for ever the same people. Called by the doors."""

import hashlib

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.exc import IntegrityError

from . import notices, ratelimit, rooms
from .errors import Invalid
from .extensions import db
from .models import Membership, Person, Room

DIRECT_MAX = 12  # people


def open_for(somebody: Person, member_ids) -> tuple[Membership, bool]:
    """The one direct room of a set of people (somebody included), and whether it is new."""
    ids = rooms.require_people(member_ids) | {somebody.id}
    if not 2 <= len(ids) <= DIRECT_MAX:
        raise Invalid(f"memberIds: a direct room is for 2 to {DIRECT_MAX} people.", field="memberIds")
    key = key_of(ids)
    known = db.session.scalar(select(Room.id).where(Room.direct_key == key))
    if known is None:
        ratelimit.take(somebody.id, "change")
        known = make(somebody, ids, key)
        if known is not None:
            return rooms.membership_of(somebody, known), True
        known = db.session.scalar(select(Room.id).where(Room.direct_key == key))  # somebody else was quicker
    return rooms.membership_of(somebody, known), False


def key_of(ids: set[int]) -> str:
    """What makes a set of people have one direct room only."""
    return hashlib.sha256(",".join(map(str, sorted(ids))).encode()).hexdigest()


def make(somebody: Person, ids: set[int], key: str) -> str | None:
    """The id of the new direct room, or None when it was there already."""
    names = db.session.scalars(select(Person.name).where(Person.id.in_(ids)).order_by(Person.name)).all()
    try:
        room = rooms.make(somebody, ", ".join(names), rooms.DIRECT, direct_key=key)
        for person_id in sorted(ids - {somebody.id}):
            db.session.add(Membership(room_id=room.id, person_id=person_id))
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return None
    notices.obey()
    return room.id


def people_in() -> Select:
    memberships, people = Membership.__table__.c, Person.__table__.c
    of_them = (memberships.room_id.in_(bindparam("rooms", expanding=True)), people.id == memberships.person_id)
    return select(memberships.room_id, people.id, people.name).where(*of_them).order_by(people.name)


PEOPLE = people_in()


def people_of(room_ids: list[str]) -> dict[str, list[Row]]:
    """The people of several direct rooms at once (for a side bar): `id` and `name` of each, by name."""
    found: dict[str, list[Row]] = {room_id: [] for room_id in room_ids}
    for row in db.session.execute(PEOPLE, {"rooms": room_ids}) if room_ids else ():
        found[row.room_id].append(row)
    return found
