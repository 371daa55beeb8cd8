"""What proves who somebody is: the secret of a device (a cookie) or of a token. Looked up in one way for both doors."""

from datetime import timedelta

import structlog
from sqlalchemy import FromClause, Select, bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from . import database, secret
from .extensions import db
from .models import Device, Membership, Person, Room, Token, now
from .prepared import Prepared
from .realtime import ticker

NOTED_EVERY = timedelta(minutes=10)  # that it was used: a request writes no oftener
WRITTEN_AT_ONCE = 500  # credentials in one statement
LAST_USE = {Device: Device.last_seen_at, Token: Token.last_used_at}
Kind = type[Device] | type[Token]
log = structlog.get_logger(__name__)
_used: dict[Kind, set[int]] = {Device: set(), Token: set()}  # since it was written last


def of_active(kind: Kind) -> FromClause:
    """Credentials of this kind with their people."""
    return kind.__table__.join(PEOPLE, PEOPLE.c.id == kind.__table__.c.person_id)


def by_id(kind: Kind, places: FromClause, *wanted: type) -> Select:
    """Of the credential and the person that a connection was opened with."""
    held = kind.__table__.c
    mine = (held.id == bindparam("credential"), held.person_id == bindparam("person"), PEOPLE.c.active)
    return select(*database.columns(*wanted)).select_from(places).where(*mine)


def by_digest(kind: Kind, places: FromClause, *wanted: type) -> Select:
    """Of the credential with this secret."""
    mine = (kind.__table__.c.secret_hash == bindparam("digest"), PEOPLE.c.active)
    return select(*database.columns(*wanted)).select_from(places).where(*mine)


def in_room(kind: Kind) -> FromClause:
    """Credentials with their people, and the place of each in a room where he has one."""
    his = (MEMBERSHIPS.c.person_id == PEOPLE.c.id) & (MEMBERSHIPS.c.room_id == bindparam("room"))
    return of_active(kind).outerjoin(MEMBERSHIPS, his).outerjoin(ROOMS, ROOMS.c.id == MEMBERSHIPS.c.room_id)


# Put together once: that would cost more than to ask them.
PEOPLE, MEMBERSHIPS, ROOMS = Person.__table__, Membership.__table__, Room.__table__
BY_DIGEST = {kind: Prepared(by_digest(kind, of_active(kind), kind, Person)) for kind in (Device, Token)}
BY_DIGEST_IN_ROOM = {
    kind: Prepared(by_digest(kind, in_room(kind), kind, Person, Membership, Room)) for kind in (Device, Token)
}
BY_ID = {kind: Prepared(by_id(kind, of_active(kind), Person)) for kind in (Device, Token)}
IN_ROOM = {kind: Prepared(by_id(kind, in_room(kind), Person, Membership, Room)) for kind in (Device, Token)}


def by_secret(kind: Kind, key: str) -> Device | Token | None:
    """The device or token of an active person that holds this secret."""
    row = database.ask(BY_DIGEST[kind], digest=secret.digest(key))
    if row is None:
        return None
    proof, somebody = database.objects(row, kind, Person)
    database.put(proof, person=somebody)
    return proof


def by_secret_in(kind: Kind, key: str, room_id: str | None) -> tuple[Device | Token | None, Membership | None]:
    """The same and, by the same question, the person's place in a room: as rooms.membership_of, or None."""
    if room_id is None:
        return by_secret(kind, key), None
    row = database.ask(BY_DIGEST_IN_ROOM[kind], digest=secret.digest(key), room=room_id)
    if row is None:
        return None, None
    proof, somebody, membership, room = database.objects(row, kind, Person, Membership, Room)
    database.put(proof, person=somebody)
    return proof, placed(membership, room, somebody)


def still(kind: Kind, credential_id: int, person_id: int) -> Person | None:
    """Whose connection it is, if what it showed when it opened counts to this moment."""
    row = database.ask(BY_ID[kind], credential=credential_id, person=person_id)
    return row and database.objects(row, Person)[0]


def still_in(
    kind: Kind, credential_id: int, person_id: int, room_id: str | None
) -> tuple[Person | None, Membership | None]:
    """The same and, by the same question, his place in a room: as rooms.membership_of, or None."""
    if room_id is None:
        return still(kind, credential_id, person_id), None
    row = database.ask(IN_ROOM[kind], credential=credential_id, person=person_id, room=room_id)
    if row is None:
        return None, None
    somebody, membership, room = database.objects(row, Person, Membership, Room)
    return somebody, placed(membership, room, somebody)


def placed(membership: Membership | None, room: Room | None, somebody: Person) -> Membership | None:
    if membership is not None:
        database.put(membership, room=room, person=somebody)
    return membership


def note_use(proof: Device | Token) -> None:
    """Remember now and then that it was used. In a serving process the ticker writes it, with others': after a restart
    all come back at once."""
    last = getattr(proof, LAST_USE[type(proof)].key)
    if last is not None and now() - last <= NOTED_EVERY:
        return
    _used[type(proof)].add(proof.id)
    if not ticker.runs():
        write_uses()


def write_uses() -> None:
    """Called by the ticker. Any of them may have ended meanwhile; and nobody is turned away over this."""
    for kind, used in _used.items():
        ids = sorted(used)
        used.difference_update(ids)
        for start in range(0, len(ids), WRITTEN_AT_ONCE):
            write_used(kind, ids[start : start + WRITTEN_AT_ONCE])


def write_used(kind: Kind, ids: list[int]) -> None:
    """What another process writes at this moment is left to it."""
    mine = select(kind.id).where(kind.id.in_(ids)).order_by(kind.id).with_for_update(skip_locked=True)
    change = update(kind).where(kind.id.in_(mine)).values({LAST_USE[kind]: now()})
    try:
        db.session.execute(change, execution_options={"synchronize_session": False})
        db.session.commit()
    except SQLAlchemyError as error:
        db.session.rollback()
        log.warning("use_not_noted", error=type(error).__name__)
