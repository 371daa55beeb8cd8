"""What every way of saying something shares: a message gets its place once, is found by who may read it, and changes
under the room's next revision. Called by messages and
streams, and by seed and transcripts for much at once.
"""

import hashlib

from sqlalchemy import Select, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from . import broadcasts, cached, rooms, waiting_line
from .errors import Conflict, Invalid, NotFound
from .extensions import db
from .models import Membership, Message, Person, now


def unplaced(membership: Membership, client_id: str, content: str, **values) -> Message:
    """A message of a member, without a place yet."""
    return Message(
        room_id=membership.room_id,
        author=membership.person,
        client_id=client_id,
        sent_digest=digest(client_id, content),
        content=content,
        **values,
    )


def place(message: Message) -> bool:
    """Give the message its place and commit; False when its client_id was already said."""
    with waiting_line.turn_in(message.room_id):
        message.seq, message.rev = rooms.advance(message.room_id)
        message.created_at = now()
        db.session.add(message)
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            return False
    return True


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
