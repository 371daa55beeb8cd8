"""A new room made of a transcript's lines. Called through the package.

Everything is checked before anything is written. Until all is there the room is closed, has no members and says in its
name that it is being imported, so nobody meets one that was cut short.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import BinaryIO

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from .. import batches, direct, markdown, notices, rooms, saying
from ..errors import Conflict
from ..extensions import db
from ..models import Membership, Message, Person, Room
from . import authors
from .shapes import MemberLine, MessageLine, RoomLine, lines

Answered = aliased(Message)
render = lru_cache(maxsize=4_096)(markdown.to_html)  # people repeat themselves


def read_back(source: BinaryIO, name: str | None = None) -> tuple[str, list[str]]:
    """The id of the new room (called `name`, where given), and the members who are not here, by address or name.

    `source` can be read again from its start. Invalid, with the number of the line, when something is wrong with it;
    Conflict for a direct room whose people have one already.
    """
    head, *people = [line for line in lines(source) if not isinstance(line, MessageLine)]
    require_no_direct_room(head, people)
    room = begin(name or head.name)
    known: dict[int, int] = {}  # whom the file means: id there → id here
    said = (line for line in lines(source) if isinstance(line, MessageLine))
    for batch in batches.paced(rows(said, known)):
        place(room.id, batch)
    return room.id, finish(room, head, people, known, name or head.name)


def require_no_direct_room(head: RoomLine, people: list[MemberLine]) -> None:
    if head.kind != rooms.DIRECT:
        return
    found = [authors.find(one, set()) for one in people]
    key = direct.key_of({one.id for one in found if one})
    if all(found) and db.session.scalar(select(Room.id).where(Room.direct_key == key)) is not None:
        raise Conflict("These people have a direct room already.")


def begin(name: str) -> Room:
    room = Room(id=str(uuid.uuid4()), name=f"{name} (being imported)", kind=rooms.CLOSED)
    db.session.add(room)
    db.session.commit()
    return room


def rows(said: Iterable[MessageLine], known: dict[int, int]) -> Iterator[tuple[dict, int | None]]:
    """Rows for saying.place_many, each with the place of the message that it answers."""
    for line in said:
        gone = line.removed_at is not None
        row = {
            "author_id": authors.find_or_make(line.author, known),
            "client_id": line.client_id,
            "content": "" if gone else line.content,
            "body_html": "" if gone else render(line.content),
            "created_at": line.created_at,
            "edited_at": None if gone else line.edited_at,
            "removed_at": line.removed_at,
            "gen": line.gen,
            "status": line.status if line.gen else "complete",
            "error": line.error if line.gen and not gone else None,
            "asker_id": authors.find_or_make(line.asked_by, known) if line.gen and line.asked_by else None,
        }
        yield row, line.reply_to_seq


def place(room_id: str, batch: list[tuple[dict, int | None]]) -> None:
    """Write one batch and commit."""
    batch_rows = [row for row, _ in batch]
    give_free_client_ids(room_id, batch_rows)
    for row in batch_rows:
        row["sent_digest"] = saying.digest(row["client_id"], row["content"])
    first_seq = saying.place_many(room_id, batch_rows)
    answers = [{"at": seq, "to": to} for seq, (_, to) in enumerate(batch, first_seq) if to is not None]
    if answers:
        answered = select(Answered.id).where(Answered.room_id == room_id, Answered.seq == bindparam("to"))
        table = Message.__table__
        step = update(table).where(table.c.room_id == room_id, table.c.seq == bindparam("at"))
        db.session.execute(step.values(reply_to_id=answered.scalar_subquery()), answers)
    db.session.commit()


def give_free_client_ids(room_id: str, batch_rows: list[dict]) -> None:
    """Keep each client id, but where the message stands here already (a copy beside its original): derive another."""
    by_author = defaultdict(list)
    for row in batch_rows:
        by_author[row["author_id"]].append(row["client_id"])
    theirs = [and_(Message.author_id == one, Message.client_id.in_(ids)) for one, ids in by_author.items()]
    used = {
        tuple(found) for found in db.session.execute(select(Message.author_id, Message.client_id).where(or_(*theirs)))
    }
    for row in batch_rows:
        if (row["author_id"], row["client_id"]) in used:
            row["client_id"] = str(uuid.uuid5(uuid.UUID(room_id), row["client_id"]))


def finish(room: Room, head: RoomLine, people: list[MemberLine], known: dict[int, int], name: str) -> list[str]:
    """Make the room what it was, with its members; those who are not here are returned by address or name."""
    rooms.queue_up()
    places, missing = members_here(head, people, known)
    db.session.refresh(room)
    room.name, room.kind, room.topic = name, head.kind, head.topic
    room.created_at, room.archived_at = head.created_at, head.archived_at
    if head.kind == rooms.DIRECT:
        room.direct_key = direct.key_of(set(places))
    db.session.add_all([Membership(room_id=room.id, person_id=one, **place) for one, place in places.items()])
    try:
        rooms.changed(room)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Conflict("These people have a direct room by now.") from None
    notices.obey()
    return missing


def members_here(head: RoomLine, people: list[MemberLine], known: dict[int, int]) -> tuple[dict[int, dict], list[str]]:
    """Person → his place, and who is missing.

    Everybody is in an open room; a direct one keeps all its people, even gone.
    """
    everybody = select(Person.id).where(Person.active) if head.kind == rooms.OPEN else None
    places = {one: {"role": "member"} for one in db.session.scalars(everybody)} if everybody is not None else {}
    missing = []
    for one in people:
        if head.kind == rooms.DIRECT:
            authors.find_or_make(one, known)
        somebody = db.session.get(Person, known[one.id]) if one.id in known else authors.find(one, set(known.values()))
        if somebody is not None:
            places[somebody.id] = place_of(one)
        if somebody is None or not somebody.active:
            missing.append(one.email or one.name)
    return places, missing


def place_of(one: MemberLine) -> dict:
    """What the file says of a membership."""
    came = {"joined_at": one.joined_at} if one.joined_at else {}
    return {"role": one.role, "answers": one.answers} | came
