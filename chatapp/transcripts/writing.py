"""A room as lines of JSON. Called through the package."""

import json
from collections.abc import Iterator

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import aliased

from .. import wire
from ..extensions import db
from ..models import Membership, Message, Person, Room
from .shapes import FORMAT

PAGE = 1_000  # messages held at a time
Answered = aliased(Message)


def lines_of(room: Room) -> Iterator[str]:
    """Every line, without its end. What is said after the beginning is left out; a removed message keeps its place."""
    room_id, last_seq = room.id, room.last_seq
    yield line("room", room_shape(room))
    there = db.session.execute(members_of(room_id)).all()
    db.session.rollback()
    for row in there:
        yield line("member", person_shape(row) | {"role": row.role})
    seq = 0
    while seq < last_seq:
        page = db.session.execute(messages_after(room_id, seq, last_seq)).all()
        db.session.rollback()  # no transaction stays open while a slow reader takes his time
        if not page:
            break
        for row in page:
            yield line("message", message_shape(row))
        seq = page[-1].seq


def members_of(room_id: str) -> Select:
    columns = (Person.id, Person.name, Person.email, Person.kind, Membership.role)
    return select(*columns).join(Membership.person).where(Membership.room_id == room_id).order_by(Person.id)


def messages_after(room_id: str, seq: int, last_seq: int) -> Select:
    columns = (Message.seq, Message.client_id, Message.content, Message.created_at, Message.edited_at)
    author = (Person.id, Person.name, Person.email, Person.kind)
    wanted = select(*columns, Message.removed_at, *author, Answered.seq.label("reply_to_seq")).join(Message.author)
    wanted = wanted.outerjoin(Answered, Answered.id == Message.reply_to_id)
    wanted = wanted.where(Message.room_id == room_id, Message.seq > seq, Message.seq <= last_seq)
    return wanted.order_by(Message.seq).limit(PAGE)


def line(kind: str, shape: dict) -> str:
    return json.dumps({"type": kind} | shape, ensure_ascii=False)


def room_shape(room: Room) -> dict:
    shape = {"format": FORMAT, "id": room.id, "name": room.name, "kind": room.kind, "topic": room.topic}
    counters = {"lastSeq": room.last_seq, "lastRev": room.rev}
    times = {"createdAt": wire.moment(room.created_at), "archivedAt": wire.moment(room.archived_at)}
    return shape | counters | times


def person_shape(somebody: Person | Row) -> dict:
    return {"id": somebody.id, "name": somebody.name, "email": somebody.email, "kind": somebody.kind}


def message_shape(row: Row) -> dict:
    return {
        "seq": row.seq,
        "author": person_shape(row),
        "clientId": row.client_id,
        "content": row.content,
        "replyToSeq": row.reply_to_seq,
        "createdAt": wire.moment(row.created_at),
        "editedAt": wire.moment(row.edited_at),
        "removedAt": wire.moment(row.removed_at),
    }
