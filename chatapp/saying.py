"""What every way of saying something shares: a message gets its place once, is found by who may read it, and changes
under the room's next revision. Called by messages and
streams, and by seed and transcripts for much at once.
"""

import hashlib

from sqlalchemy import Select, bindparam, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from . import broadcasts, cached, database, rooms, waiting_line
from .errors import Conflict, Forbidden, Invalid, NotFound
from .extensions import db
from .models import Membership, Message, Person, now
from .prepared import Prepared

# Put together once: that would cost more than to have them done.
UNCHANGED = {"status": "complete", "gen": 0, "asker_id": None, "error": None, "edited_at": None, "removed_at": None}
TABLE, FRESH = Message.__table__, rooms.STEP.statement.cte("fresh")
PLACE = TABLE.c.id, TABLE.c.seq, TABLE.c.rev
GIVEN = [one for one in TABLE.c if one not in set(PLACE)]
INSERT = Prepared(insert(TABLE).returning(*PLACE), [one.name for one in (*GIVEN, TABLE.c.seq, TABLE.c.rev)])
STEP_AND_INSERT = Prepared(
    insert(TABLE)
    .from_select(
        [one.name for one in (*GIVEN, TABLE.c.seq, TABLE.c.rev)],
        select(*[bindparam(f"new_{one.name}", type_=one.type) for one in GIVEN], FRESH.c.last_seq, FRESH.c.rev),
    )
    .returning(*PLACE)
)


def unplaced(membership: Membership, client_id: str, content: str, **values) -> Message:
    """A message of a member, without a place yet, for a session to add."""
    message = Message(**first_values(membership, client_id, content), **values)
    set_committed_value(message, "author", membership.person)
    return message


def first_values(membership: Membership, client_id: str, content: str) -> dict:
    return {
        "room_id": membership.room_id,
        "author_id": membership.person_id,
        "client_id": client_id,
        "sent_digest": digest(client_id, content),
        "content": content,
    }


def place(
    membership: Membership, client_id: str, content: str, body_html: str, reply_to: int | None = None
) -> Message | None:
    """A message of a member, with its place and committed; None when its client_id was already said. Forbidden in a
    room that was archived meanwhile. To be read, as a membership is."""
    values = first_values(membership, client_id, content)
    values |= UNCHANGED | {"body_html": body_html, "reply_to_id": reply_to, "created_at": now()}
    database.release()
    try:
        placed = waiting_line.together(membership.room_id, values, write)
    except IntegrityError:
        return None
    if placed is None:
        raise Forbidden("This room is archived.")
    message = database.read_as(Message, values | placed._asdict())
    database.put(message, author=membership.person)
    return message


def write(said: list[dict]) -> list[tuple | None]:
    """Take places in a room and write what was said there, in one transaction: `(id, seq, rev)` of each; None for all
    of them in an archived room."""
    return [write_one(said[0])] if len(said) == 1 else write_many(said)


def write_one(said: dict) -> tuple | None:
    asked = {"room": said["room_id"], "count": 1}
    with database.short_way() as way:
        if way.dialect.name == "postgresql":
            found = way.rows(STEP_AND_INSERT, asked | {f"new_{name}": value for name, value in said.items()})
            return found[0] if found else None
        step = way.rows(rooms.STEP, asked)
        if not step:
            return None
        return way.rows(INSERT, said | {"seq": step[0].last_seq, "rev": step[0].rev})[0]


def write_many(said: list[dict]) -> list[tuple | None]:
    with db.engine.begin() as connection:
        asked = {"room": said[0]["room_id"], "count": len(said)}
        last = connection.execute(rooms.STEP.statement, asked).one_or_none()
        if last is None:
            return [None] * len(said)
        first_seq, first_rev = last.last_seq - len(said) + 1, last.rev - len(said) + 1
        rows = [one | {"seq": first_seq + n, "rev": first_rev + n} for n, one in enumerate(said)]
        return sorted(connection.execute(INSERT.statement, rows), key=lambda row: row.seq)


def place_many(room_id: str, rows: list[dict]) -> int:
    """Much at once (seed, import), in the transaction under way: rows as the table has them but for their places, which
    they get in their order. Answers the first `seq`.
    """
    last_seq, last_rev = rooms.advance(room_id, len(rows))
    first_seq, first_rev = last_seq - len(rows) + 1, last_rev - len(rows) + 1
    for steps, row in enumerate(rows):
        row.update(room_id=room_id, seq=first_seq + steps, rev=first_rev + steps)
    db.session.execute(insert(Message.__table__), rows)
    return first_seq


def digest(client_id: str, content: str) -> str:
    """What a repetition is compared with. The client id salts it: equal texts do not look equal."""
    return hashlib.sha256(f"{client_id}:{content}".encode()).hexdigest()


def said_before(membership: Membership, content: str, client_id: str) -> Message | None:
    """The message already said under this client id; Conflict when that was something else."""
    said = db.session.scalar(with_author(Message.author_id == membership.person_id, Message.client_id == client_id))
    if said is None:
        return None
    if said.room_id != membership.room_id or said.sent_digest != digest(client_id, content):
        raise Conflict("clientId: it was used for another message.", field="clientId")
    return said


def require_in_room(message_id: int | None, room_id: str) -> None:
    if message_id is None:
        return
    if db.session.scalar(select(Message.room_id).where(Message.id == message_id)) != room_id:
        raise Invalid("replyTo: there is no such message in this room.", field="replyTo")


def with_author(*where) -> Select:
    """Messages as they are now, with their authors."""
    wanted = select(Message).where(*where).options(joinedload(Message.author, innerjoin=True))
    return wanted.execution_options(populate_existing=True)


def find(somebody: Person, message_id: int) -> tuple[Message, Membership]:
    """A message somebody may read, with his place in its room; NotFound otherwise."""
    message = db.session.scalar(with_author(Message.id == message_id))
    if message is None:
        raise NotFound("There is no such message.")
    try:
        return message, rooms.membership_of(somebody, message.room_id)
    except NotFound:
        raise NotFound("There is no such message.") from None


def change(message: Message, **values) -> Message:
    """Give a message new values under the room's next revision, commit and tell."""
    with waiting_line.turn_in(message.room_id):
        rev = rooms.advance_rev(message.room_id)
        db.session.refresh(message)  # under the room's lock: nobody else changes it now
        if message.removed_at is not None:
            db.session.rollback()
            raise NotFound("This message was removed.")
        for name, value in values.items():
            setattr(message, name, value)
        message.rev = rev
        db.session.commit()
    broadcasts.message_updated(message)
    cached.forget(message.room_id)
    return message
