"""A room as lines of JSON. Called through the package."""

import json
from collections.abc import Iterator

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import aliased

from .. import streams, wire
from ..extensions import db
from ..models import Membership, Message, Person, Room
from .shapes import FORMAT

PAGE = 1_000  # messages held at a time
Answered = aliased(Message)
Asker = aliased(Person)


def lines_of(room: Room) -> Iterator[str]:
    """Every line, without its end. What is said after the beginning is left out; a removed message keeps its place."""
    room_id, last_seq = room.id, room.last_seq
    yield line("room", room_shape(room))
    there = db.session.execute(members_of(room_id)).all()
    db.session.rollback()
    for row in there:
        yield line("member", member_shape(row))
    seq = 0
    while seq < last_seq:
        page = db.session.execute(messages_after(room_id, seq, last_seq)).all()
        db.session.rollback()  # no transaction stays open while a slow reader takes his time
        if not page:
            break
        spoken = said_so_far(room_id) if any(row.status in streams.AT_WORK for row in page) else {}
        for row in page:
            yield line("message", message_shape(row) | stream_shape(row, spoken))
        seq = page[-1].seq


def members_of(room_id: str) -> Select:
    columns = (Person.id, Person.name, Person.email, Person.kind)
    place = (Membership.role, Membership.answers, Membership.joined_at)
    return select(*columns, *place).join(Membership.person).where(Membership.room_id == room_id).order_by(Person.id)


def messages_after(room_id: str, seq: int, last_seq: int) -> Select:
    columns = (Message.seq, Message.client_id, Message.content, Message.created_at, Message.edited_at)
    author = (Person.id, Person.name, Person.email, Person.kind)
    stream = (Message.id.label("message_id"), Message.status, Message.gen, Message.error, Asker.id.label("asker_id"))
    asker = (Asker.name.label("asker_name"), Asker.email.label("asker_email"), Asker.kind.label("asker_kind"))
    wanted = select(*columns, Message.removed_at, *author, *stream, *asker, Answered.seq.label("reply_to_seq"))
    wanted = wanted.join(Message.author).outerjoin(Asker, Asker.id == Message.asker_id)
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


def member_shape(row: Row) -> dict:
    place = {"role": row.role, "answers": row.answers, "joinedAt": wire.moment(row.joined_at)}
    return person_shape(row) | place


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


def said_so_far(room_id: str) -> dict[int, str]:
    """Message → its text, of those that are being spoken."""
    return {one["messageId"]: one["text"] for one in streams.snapshots(room_id)}


def stream_shape(row: Row, spoken: dict[int, str]) -> dict:
    """What a message has more that was spoken piece by piece. One that has not ended counts as interrupted here."""
    if row.gen == 0:
        return {}
    asker = {"id": row.asker_id, "name": row.asker_name, "email": row.asker_email, "kind": row.asker_kind}
    gone = row.removed_at is not None
    shape = {"gen": row.gen, "status": row.status, "error": None if gone else row.error}
    shape["askedBy"] = asker if row.asker_id else None
    if row.status in streams.AT_WORK:
        shape |= {"status": "interrupted", "content": spoken.get(row.message_id, row.content)}
    return shape
