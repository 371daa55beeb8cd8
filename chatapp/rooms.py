"""Rooms: open, find, revise, count; and the one membership look-up. Called by the doors, the row and commands."""

import uuid

from sqlalchemy import BindParameter, Row, Select, Update, bindparam, func, insert, literal, select, update
from sqlalchemy.orm import Session, joinedload

from . import cached, database, notices, ratelimit
from .errors import Forbidden, Invalid, NotFound
from .extensions import db
from .models import Membership, Person, Room, now
from .prepared import Prepared

MEMBERSHIPS_LOCK = 1  # the key of PostgreSQL's advisory lock
OPEN, CLOSED, DIRECT = "open", "closed", "direct"


def place_in_room() -> Select:
    """The question of membership_of, put together once: that would cost more than to ask it."""
    memberships, people, room = Membership.__table__, Person.__table__, Room.__table__
    places = memberships.join(people, people.c.id == memberships.c.person_id)
    mine = memberships.c.room_id == bindparam("room"), memberships.c.person_id == bindparam("person")
    wanted = select(*database.columns(Membership, Person, Room))
    return wanted.select_from(places.join(room, room.c.id == memberships.c.room_id)).where(*mine)


PLACE = Prepared(place_in_room())


def membership_of(somebody: Person, room_id: str) -> Membership:
    """THE authorization: somebody's place in a room, as it is now, or NotFound (also for a room he may not know of).

    To be read: it belongs to no session. (What a socket asks is looked up with its credential: credentials.still_in.)
    """
    row = database.ask(PLACE, room=room_id, person=somebody.id)
    if row is None:
        raise NotFound("There is no such room.")
    membership, person, room = database.objects(row, Membership, Person, Room)
    database.put(membership, person=person, room=room)
    return membership


def of(somebody: Person) -> list[Membership]:
    """Somebody's rooms, by name."""
    wanted = select(Membership).join(Membership.room).where(Membership.person_id == somebody.id)
    loaded = wanted.options(joinedload(Membership.room, innerjoin=True), joinedload(Membership.person, innerjoin=True))
    return sorted(db.session.scalars(loaded), key=lambda one: (one.room.name.casefold(), one.room_id))


def listed() -> Select:
    rooms, memberships = Room.__table__.c, Membership.__table__.c
    mine = (memberships.person_id == bindparam("person"), memberships.room_id == rooms.id, rooms.archived_at.is_(None))
    return select(rooms.id, rooms.name, rooms.kind, rooms.rev).where(*mine)


LISTED = Prepared(listed())


def listed_for(somebody: Person) -> list[Row]:
    """Somebody's rooms, archived ones left out, by name: `id`, `name`, `kind` and `rev` of each."""
    return sorted(database.ask_all(LISTED, person=somebody.id), key=lambda one: (one.name.casefold(), one.id))


def members_of(room_id: str, source: Session = db.session) -> list[Membership]:
    """Everybody in a room, by name; `source` may be a replica's session."""
    wanted = select(Membership).join(Membership.person).where(Membership.room_id == room_id, Person.active)
    loaded = wanted.options(joinedload(Membership.room, innerjoin=True), joinedload(Membership.person, innerjoin=True))
    return sorted(source.scalars(loaded), key=lambda one: (one.person.name.casefold(), one.person_id))


def open_to(somebody: Person) -> list[Room]:
    """Open rooms that somebody is not in (because he left), by name."""
    return list(db.session.scalars(without(somebody).where(Room.archived_at.is_(None)).order_by(Room.name)))


def without(somebody: Person) -> Select:
    mine = select(Membership.room_id).where(Membership.person_id == somebody.id)
    return select(Room).where(Room.kind == OPEN, Room.id.not_in(mine))


def everything() -> list[Room]:
    return list(db.session.scalars(select(Room).order_by(Room.name, Room.id)))


def get(room_id: str) -> Room:
    """For commands: any room at all."""
    room = db.session.get(Room, room_id)
    if room is None:
        raise NotFound("There is no such room.")
    return room


def queue_up() -> None:
    """Wait for whoever else changes many memberships: a person who comes and an open room that is made must see each
    other, and locks on many rooms must not cross. (SQLite's writers queue anyway.)"""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(MEMBERSHIPS_LOCK)))


def make(somebody: Person, name: str, kind: str, topic: str = "", direct_key: str | None = None) -> Room:
    """Add a room with its owner (and, when open, everybody) to the transaction under way."""
    queue_up()
    room = Room(id=str(uuid.uuid4()), name=name, kind=kind, topic=topic, direct_key=direct_key)
    db.session.add(room)
    role = "member" if kind == DIRECT else "owner"
    db.session.add(Membership(room_id=room.id, person_id=somebody.id, role=role))
    db.session.flush()
    if kind == OPEN:
        everybody_else = select(
            literal(room.id), Person.id, literal("member"), literal(now(), Membership.joined_at.type)
        ).where(Person.active, Person.id != somebody.id)
        db.session.execute(
            insert(Membership).from_select(["room_id", "person_id", "role", "joined_at"], everybody_else)
        )
    notices.post("room", room.id)
    return room


def open_room(somebody: Person, name: str, kind: str, topic: str = "", member_ids=()) -> Membership:
    """A new open or closed room; `member_ids` come in beside its maker. Invalid when one of them is not there."""
    if kind not in (OPEN, CLOSED):
        raise Invalid("kind: must be open or closed.", field="kind")
    invited = require_people(member_ids)
    ratelimit.take(somebody.id, "change")
    room = make(somebody, name, kind, topic)
    if kind == CLOSED:
        for person_id in sorted(invited - {somebody.id}):
            db.session.add(Membership(room_id=room.id, person_id=person_id))
    db.session.commit()
    notices.obey()
    return membership_of(somebody, room.id)


def require_people(person_ids) -> set[int]:
    """The ids as a set, or Invalid when one of them is nobody active."""
    wanted = set(person_ids)
    found = set(db.session.scalars(select(Person.id).where(Person.id.in_(wanted), Person.active))) if wanted else set()
    if wanted - found:
        raise Invalid("memberIds: somebody of these is not there.", field="memberIds")
    return wanted


def bring_into_open_rooms(somebody: Person) -> list[str]:
    """Add somebody to every open room he is not in (archived ones may come back), in the transaction under way; the
    rooms' ids."""
    found = db.session.scalars(without(somebody)).all()
    for room in found:
        db.session.add(Membership(room_id=room.id, person_id=somebody.id))
        changed(room)
    return [room.id for room in found]


def changed_by(somebody: Person) -> list[str]:
    """Count a change in every room of somebody who came back, was turned away or rose, and post its notice, in the
    transaction under way; the rooms' ids."""
    table = Room.__table__
    his = select(Membership.room_id).where(Membership.person_id == somebody.id)
    step = update(table).where(table.c.id.in_(his)).values(version=table.c.version + 1)
    found = list(db.session.scalars(step.returning(table.c.id)))
    for room_id in found:
        notices.post("room", room_id)
    return found


def changed(room: Room) -> None:
    """Count a change of name, topic, members or archive, and post its notice, in the transaction under way."""
    db.session.execute(update(Room).where(Room.id == room.id).values(version=Room.version + 1))
    notices.post("room", room.id)


def require_moderator(membership: Membership) -> None:
    if membership.room.kind == DIRECT:
        raise Forbidden("A direct room belongs to its people; it stays as it is.")
    if not membership.moderates:
        raise Forbidden("Only the room's owners and administrators may do this.")


def require_unarchived(room: Room) -> None:
    if room.archived_at is not None:
        raise Forbidden("This room is archived.")


def revise(
    membership: Membership, *, name: str | None = None, topic: str | None = None, archived: bool | None = None
) -> Membership:
    """Rename, set the topic, archive or bring back; None leaves a thing as it is. For owners and administrators."""
    require_moderator(membership)
    ratelimit.take(membership.person_id, "change")
    room = db.session.get(Room, membership.room_id, populate_existing=True)
    if name is not None:
        room.name = name
    if topic is not None:
        room.topic = topic
    if archived is not None and archived != (room.archived_at is not None):
        room.archived_at = now() if archived else None
    if room in db.session.dirty and db.session.is_modified(room):
        changed(room)
        db.session.commit()
        cached.forget_full([room.id])
        notices.obey()
    return membership_of(membership.person, room.id)


def archive(room: Room, archived: bool = True) -> None:
    """Archive a room or bring it back, whoever asks (commands may)."""
    if room.kind == DIRECT:
        raise Forbidden("A direct room belongs to its people; it stays as it is.")
    if archived != (room.archived_at is not None):
        room.archived_at = now() if archived else None
        changed(room)
        db.session.commit()
        cached.forget_full([room.id])
        notices.obey()


def step(even_archived: bool = False, **by: int | BindParameter) -> Update:
    """Take the next of these counters of the room `room`, in one statement: both are answered. Its row lock makes them
    follow commit order, without a hole. No row when the room was archived."""
    rooms = Room.__table__
    wanted = [rooms.c.id == bindparam("room")] + ([] if even_archived else [rooms.c.archived_at.is_(None)])
    values = {name: rooms.c[name] + count for name, count in by.items()}
    return update(rooms).where(*wanted).values(values).returning(rooms.c.last_seq, rooms.c.rev)


STEP = Prepared(step(last_seq=bindparam("count"), rev=bindparam("count")))
REV_STEP, ANY_REV_STEP = step(rev=1), step(even_archived=True, rev=1)


def advance(room_id: str, count: int = 1) -> tuple[int, int]:
    """The next `seq` and `rev` of a room, in the transaction under way; of the next `count`, the last. Forbidden when
    the room was archived."""
    return counted(STEP.statement, room=room_id, count=count)


def advance_rev(room_id: str, *, even_archived: bool = False) -> int:
    """The next `rev` alone: something said before has changed. As advance."""
    return counted(ANY_REV_STEP if even_archived else REV_STEP, room=room_id)[1]


def counted(taking: Update, **values) -> tuple[int, int]:
    counters = db.session.execute(taking, values).one_or_none()
    if counters is None:
        db.session.rollback()
        raise Forbidden("This room is archived.")
    return counters.last_seq, counters.rev
