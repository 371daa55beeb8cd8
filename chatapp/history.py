"""Pages of what was said in a room, as wire shapes; the newest one cached. Called by the doors.

Each answer is as new as the membership it is asked with: `room.rev` comes from the primary, and a cached page or a
replica counts only where it stands at that same `rev`. None holds a database connection when it returns.
"""

from collections.abc import Callable

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from . import cached, database, rooms, wire
from .extensions import db, replicas
from .models import Membership, Message, Room

LATEST = 10  # messages: what a first join and the history cache hold
CHANGES_MAX = 200  # changed messages in one answer


def latest(membership: Membership) -> dict:
    """`{messages, hasMore, lastRev}`: the last 10, oldest first, as new as `membership` (from the cache when it is)."""
    return latest_of(membership.room)


def latest_of(room: Room) -> dict:
    return cached.kept(cached.history_key(room.id), [room.rev], lambda: older_than(room, None, LATEST))


def full(membership: Membership) -> dict:
    """`{session, messages, members}`; `session` with the reader's role."""
    room = membership.room
    held = cached.kept(cached.full_key(room.id), [room.rev, room.version], lambda: full_of(room))
    return held | {"session": held["session"] | {"role": membership.standing}}


def full_of(room: Room) -> dict:
    session, messages = wire.session(room), latest_of(room)["messages"]
    members = read(room, lambda source: rooms.members_of(room.id, source))
    return {"session": session, "messages": messages, "members": [wire.member(one) for one in members]}


def warm(count: int) -> int:
    """Have the newest page of the `count` rooms where something was said last lie ready; how many there are of them.
    For commands.
    """
    newest = (Message.room_id == Room.id) & (Message.seq == Room.last_seq)
    found = db.session.scalars(select(Room).join(Message, newest).order_by(Message.created_at.desc()).limit(count))
    return len([latest_of(room) for room in found.all()])


def before(membership: Membership, seq: int | None, limit: int) -> dict:
    """The `limit` messages before `seq` (None: the newest), oldest first; `hasMore`: older ones lie before them."""
    return older_than(membership.room, seq, limit)


def older_than(room: Room, seq: int | None, limit: int) -> dict:
    wanted = of_room(room).order_by(Message.seq.desc())
    if seq is not None:
        wanted = wanted.where(Message.seq < seq)
    rows = messages_of(room, wanted, limit + 1)
    return page(room, rows[:limit][::-1], len(rows) > limit)


def after(membership: Membership, seq: int, limit: int) -> dict:
    """The `limit` messages after `seq`, oldest first; `hasMore`: newer ones lie behind them."""
    room = membership.room
    rows = messages_of(room, of_room(room).where(Message.seq > seq).order_by(Message.seq), limit + 1)
    return page(room, rows[:limit], len(rows) > limit)


def changes(membership: Membership, after_rev: int, limit: int = CHANGES_MAX) -> dict:
    """The messages changed after `after_rev`, each once and as it is now, by `rev`.

    An `after_rev` beyond the room's (a restored database) is answered like a first join.
    """
    room = membership.room
    if after_rev == room.rev:
        database.release()
        return page(room, [], False)
    if after_rev > room.rev:
        return latest_of(room)
    rows = messages_of(room, of_room(room).where(Message.rev > after_rev).order_by(Message.rev), limit + 1)
    return page(room, rows[:limit], len(rows) > limit)


def around(membership: Membership, seq: int, limit: int) -> tuple[dict, bool]:
    """A page with `seq` in its middle, and whether newer messages lie behind it."""
    newer = after(membership, seq - 1, limit // 2)
    older = before(membership, seq, limit - len(newer["messages"]))
    messages = older["messages"] + newer["messages"]
    return older | {"messages": messages}, newer["hasMore"]


def of_room(room: Room) -> Select:
    return select(Message).where(Message.room_id == room.id)


def messages_of(room: Room, wanted: Select, limit: int) -> list[Message]:
    fresh = wanted.limit(limit).options(joinedload(Message.author, innerjoin=True))
    return read(room, lambda source: list(source.scalars(fresh.execution_options(populate_existing=True))))


def read(room: Room, question: Callable[[Session], list]) -> list:
    """The rows that `question` asks for: of a replica that shows the room as it is, else of the primary."""
    database.release()
    found = replicas.ask(lambda replica: question(replica) if shows(replica, room) else None)
    if found is None:
        found = question(db.session)
        database.release()
    return found


def shows(replica: Session, room: Room) -> bool:
    """Whether this snapshot has everything that was said and changed in the room, and nothing of another history."""
    stands = select(Room.rev, Room.version).where(Room.id == room.id)
    return replica.execute(stands).one_or_none() == (room.rev, room.version)


def page(room: Room, rows: list[Message], has_more: bool) -> dict:
    return {"messages": [wire.message(row) for row in rows], "hasMore": has_more, "lastRev": room.rev}
