"""Members of a room: invite, put out, leave, come back. Called by the doors and by commands."""

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from . import cached, notices, ratelimit, rooms
from .errors import Forbidden, NotFound
from .extensions import db
from .models import Membership, Person, Room


def invite(membership: Membership, person_id: int) -> Membership:
    """Somebody comes into the room; asked again it changes nothing. For owners and administrators."""
    rooms.require_moderator(membership)
    ratelimit.take(membership.person_id, "change")
    return add(membership.room, person_id)


def come_in(somebody: Person, room_id: str) -> Membership:
    """Somebody comes (back) into an open room by himself. Another room: his place there, or NotFound."""
    room = db.session.get(Room, room_id)
    if room is None or room.kind != rooms.OPEN:
        return rooms.membership_of(somebody, room_id)
    ratelimit.take(somebody.id, "change")
    return add(room, somebody.id)


def add(room: Room, person_id: int) -> Membership:
    """A membership, new or there already. NotFound when there is no such active person."""
    if room.kind == rooms.DIRECT:
        raise Forbidden("A direct room belongs to its people; it stays as it is.")
    somebody = db.session.get(Person, person_id)
    if somebody is None or not somebody.active:
        raise NotFound("There is no such person.")
    if db.session.get(Membership, (room.id, person_id)) is None:
        bring_in(room, person_id)
    return rooms.membership_of(somebody, room.id)


def bring_in(room: Room, person_id: int) -> None:
    db.session.add(Membership(room_id=room.id, person_id=person_id))
    try:
        rooms.changed(room)
        db.session.commit()
    except IntegrityError:  # somebody else did it in the same moment
        db.session.rollback()
    cached.forget_full([room.id])
    notices.obey()


def put_out(membership: Membership, person_id: int) -> None:
    """Remove a member; removing oneself is leaving. Owners and administrators may remove others."""
    if person_id == membership.person_id:
        leave(membership)
        return
    rooms.require_moderator(membership)
    gone = db.session.get(Membership, (membership.room_id, person_id))
    if gone is None:
        raise NotFound("There is no such member.")
    remove(gone)


def leave(membership: Membership) -> None:
    if membership.room.kind == rooms.DIRECT:
        raise Forbidden("A direct room belongs to its people; nobody leaves it.")
    remove(membership)


def remove(membership: Membership) -> None:
    """End a membership, whoever asks (commands may)."""
    room, person_id = membership.room, membership.person_id
    rooms.changed(room)  # first: it takes the room's lock, so that two who leave together see each other go
    mine = Membership.room_id == room.id, Membership.person_id == person_id
    db.session.execute(delete(Membership).where(*mine))
    hand_on(room)
    notices.post("left", room.id, person_id)
    db.session.commit()
    cached.forget_full([room.id])
    notices.obey()


def counts() -> dict[str, int]:
    """How many active people each room has that has any, by its id."""
    wanted = select(Membership.room_id, func.count()).join(Membership.person).where(Person.active)
    return dict(db.session.execute(wanted.group_by(Membership.room_id)).all())


def hand_on(room: Room) -> None:
    """A room whose last owner goes belongs to who has been there longest, in the transaction under way."""
    longest = select(Membership).join(Membership.person).where(Membership.room_id == room.id, Person.active)
    # An owner who is left comes first ("owner" sorts after "member"), and bots last.
    order = (Membership.role.desc(), Person.kind.desc(), Membership.joined_at, Membership.person_id)
    heir = db.session.scalar(longest.order_by(*order).limit(1))
    if heir is not None and room.kind != rooms.DIRECT:
        heir.role = "owner"
