"""The tables: columns, relations and tiny predicates. Verbs live with their nouns (people.py, rooms.py …)."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .extensions import db

BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts by itself only in a column called INTEGER

NEVER_AGAIN = {
    "sqlite_autoincrement": True
}  # an id is never given twice: an open socket may still stand on the old one


def now() -> datetime:
    """This moment in UTC, cut to the milliseconds that the contract shows."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Moment(TypeDecorator):
    """A point in time, aware and in UTC on both databases (SQLite forgets the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value, dialect):
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Person(db.Model):
    """Somebody who can be in rooms: a human being, or a bot."""

    __tablename__ = "people"
    __table_args__ = NEVER_AGAIN

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    email: Mapped[str | None] = mapped_column(String(254), unique=True)  # lower case
    password_hash: Mapped[str | None] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10), default="person")  # person | bot
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_assistant: Mapped[bool] = mapped_column(default=False, server_default=false())  # a bot that we answer for
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class Device(db.Model):
    """A browser somebody is signed in with. Its secret is in the cookie; here is only the hash."""

    __tablename__ = "devices"
    __table_args__ = NEVER_AGAIN

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_agent: Mapped[str] = mapped_column(String(300), default="")
    address: Mapped[str] = mapped_column(String(45), default="")
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    last_seen_at: Mapped[datetime] = mapped_column(Moment, default=now)
    person: Mapped[Person] = relationship()


class Token(db.Model):
    """What a program shows to speak as somebody. Only the hash is kept."""

    __tablename__ = "tokens"
    __table_args__ = NEVER_AGAIN

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
    person: Mapped[Person] = relationship()


class Invite(db.Model):
    """The link by which people join. The code itself is derived (invites.py), never stored."""

    __tablename__ = "invites"
    __table_args__ = NEVER_AGAIN

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    nonce: Mapped[str] = mapped_column(String(64))
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class Room(db.Model):
    """A place to talk. Its counters move only inside the transaction that changes what was said (rooms.advance)."""

    __tablename__ = "rooms"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(1000), default="")  # a direct room has none: its people name it
    kind: Mapped[str] = mapped_column(String(10))  # open | closed | direct
    topic: Mapped[str] = mapped_column(String(300), default="")
    direct_key: Mapped[str | None] = mapped_column(String(64), unique=True)  # one room for one set of people
    version: Mapped[int] = mapped_column(default=1)  # of name, topic, members
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    rev: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    archived_at: Mapped[datetime | None] = mapped_column(Moment)


class Membership(db.Model):
    """A person in a room, and what he may do there."""

    __tablename__ = "memberships"
    __table_args__ = (Index("memberships_by_person", "person_id", "room_id"),)

    room_id: Mapped[str] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(10), default="member")  # owner | member
    joined_at: Mapped[datetime] = mapped_column(Moment, default=now)
    answers: Mapped[str] = mapped_column(
        String(10), default="mention", server_default="mention"
    )  # a bot's: or off, every
    read_seq: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # how far he was when he last left
    room: Mapped[Room] = relationship()
    person: Mapped[Person] = relationship()

    @property
    def standing(self) -> str:
        """The contract's `role`: owner, admin (of the whole) or member."""
        if self.role == "owner":
            return "owner"
        return "admin" if self.person.is_admin and self.room.kind != "direct" else "member"

    @property
    def moderates(self) -> bool:
        return self.standing != "member"


class Message(db.Model):
    """Something said. `content` is Markdown source, `body_html` what the server made of it when it was written."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("room_id", "seq", name="messages_by_seq"),
        UniqueConstraint("author_id", "client_id", name="messages_said_once"),
        Index("messages_by_rev", "room_id", "rev"),
        NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    room_id: Mapped[str] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"))
    seq: Mapped[int] = mapped_column(BigInteger)
    rev: Mapped[int] = mapped_column(BigInteger)
    author_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    client_id: Mapped[str] = mapped_column(String(36))
    sent_digest: Mapped[str] = mapped_column(String(64))  # of what was first sent: outlives edits and removal
    content: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(12), default="complete")  # of a stream: see Stream
    gen: Mapped[int] = mapped_column(default=0)  # how often it was said again; 0 for what was said at once
    asker_id: Mapped[int | None] = mapped_column(BigInteger)  # whom a streamed message answers
    error: Mapped[dict | None] = mapped_column(JSON(none_as_null=True))  # `{code, message}`: why a stream broke off
    reply_to_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    edited_at: Mapped[datetime | None] = mapped_column(Moment)
    removed_at: Mapped[datetime | None] = mapped_column(Moment)
    author: Mapped[Person] = relationship(viewonly=True)  # for reading: `author_id` is what is written


AT_WORK = ("queued", "streaming")  # a stream that has not ended
# In these very words, so that SQLite too sees that the index holds what is asked for.
IS_AT_WORK = text("status IN ('queued', 'streaming')")


class Stream(db.Model):
    """A message being spoken piece by piece, for the `gen`-th time; afterwards a line of the ledger.

    `text` is what was saved of it on the way, the first `length` UTF-16 units; the rest is in stream_texts.py.
    """

    __tablename__ = "streams"
    __table_args__ = (
        Index("streams_at_work", "room_id", "status", sqlite_where=IS_AT_WORK, postgresql_where=IS_AT_WORK),
        Index("streams_by_time", "created_at"),
    )

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    gen: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[str] = mapped_column(String(36))
    author_id: Mapped[int] = mapped_column(BigInteger)
    asker_id: Mapped[int | None] = mapped_column(BigInteger)
    speaker: Mapped[str | None] = mapped_column(String(40))  # the process that speaks; None: it comes from outside
    status: Mapped[str] = mapped_column(String(12))  # queued → streaming → complete|stopped|truncated|error|interrupted
    text: Mapped[str] = mapped_column(Text, default="")
    length: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str | None] = mapped_column(String(30))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    beat_at: Mapped[datetime] = mapped_column(Moment, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    prompt_tokens: Mapped[int | None] = mapped_column()
    completion_tokens: Mapped[int | None] = mapped_column()
    is_estimate: Mapped[bool] = mapped_column(default=False, server_default=false())  # of the tokens: none were told


class Notice(db.Model):
    """A change that open connections must obey, written in the transaction that makes it (notices.py)."""

    __tablename__ = "notices"
    __table_args__ = (Index("notices_by_time", "created_at"), NEVER_AGAIN)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(40))  # a device's, token's or person's id; a room's for the room kinds
    person_id: Mapped[int | None] = mapped_column(BigInteger)  # who left or came, for the membership kinds
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
