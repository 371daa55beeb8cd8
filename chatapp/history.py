"""Pages of what was said in a room, as wire shapes; the newest one cached. Called by the doors.

Each answer is as new as the membership it is asked with: `room.rev` comes from the primary, and a cached page or a
replica counts only where it stands at that same `rev`. None holds a database connection when it returns.
"""

import itertools
from collections.abc import Callable

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from . import broadcasts, cached, database, rooms, wire
from .briefly import Briefly
from .extensions import db, replicas
from .models import Membership, Message, Person, Room
from .plain_json import Shared

LATEST = 10  # messages: what a first join and the history cache hold
SHEET = 50  # messages: what the page of a room shows
CHANGES_MAX = 200  # changed messages in one answer
CHANGES_CHARACTERS = 150_000  # of text and markup in one answer, if that is more than one message
_greetings = Briefly()


def of_room() -> Select:
    """The questions for pages, put together once: that would cost more than to ask them."""
    table, people = Message.__table__, Person.__table__
    both = table.join(people, people.c.id == table.c.author_id)
    wanted = select(*database.columns(Message, Person)).select_from(both).where(table.c.room_id == bindparam("room"))
    return wanted.limit(bindparam("rows"))


TABLE = Message.__table__.c
NEWEST = of_room().order_by(TABLE.seq.desc())
BEFORE = NEWEST.where(TABLE.seq < bindparam("seq"))
AFTER = of_room().where(TABLE.seq > bindparam("seq")).order_by(TABLE.seq)
CHANGED = of_room().where(TABLE.rev > bindparam("rev")).order_by(TABLE.rev)


def latest(membership: Membership) -> dict:
    """`{messages, hasMore, lastRev}`: the last 10, oldest first, as new as `membership` (from the cache when it is)."""
    return latest_of(membership.room)


def greeting(membership: Membership) -> dict:
    """As `latest`, for those who come in: often many at once."""
    room = membership.room
    database.release()
    kept = _greetings.held(room.id)
    if kept and kept.stamp == room.rev:
        return kept.value
    found = latest_of(room)
    return _greetings.keep(room.id, room.rev, found | {"messages": Shared(found["messages"])})


def latest_of(room: Room) -> dict:
    return cached.kept(cached.history_key(room.id), [room.rev], lambda: older_than(room, None, LATEST))


def sheet(membership: Membership) -> dict:
    """The newest page as a room opens with it (see sheet_of), from the cache when it is as new as `membership`."""
    return sheet_in(membership.room)


def sheet_in(room: Room) -> dict:
    return cached.kept(cached.sheet_key(room.id), [room.rev], lambda: sheet_of(older_than(room, None, SHEET)))


def sheet_of(found: dict) -> dict:
    """`{html, first, last, growing, hasMore, lastRev}` of a page: all its messages in one piece, the `seq` of its first
    and last one (0: it is empty), and whether one of them is still being said."""
    messages = found["messages"]
    shown = {
        "html": "\n".join(one["html"] for one in messages),
        "hasMore": found["hasMore"],
        "lastRev": found["lastRev"],
    }
    shown |= {"first": messages[0]["seq"], "last": messages[-1]["seq"]} if messages else {"first": 0, "last": 0}
    return shown | {"growing": any(one["status"] in broadcasts.AT_WORK for one in messages)}


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
    """Have the newest page of the `count` rooms where something was said last lie ready, for programs and for browsers;
    how many rooms those are. For commands.
    """
    newest = (Message.room_id == Room.id) & (Message.seq == Room.last_seq)
    found = db.session.scalars(select(Room).join(Message, newest).order_by(Message.created_at.desc()).limit(count))
    return len([(latest_of(room), sheet_in(room)) for room in found.all()])


def before(membership: Membership, seq: int | None, limit: int) -> dict:
    """The `limit` messages before `seq` (None: the newest), oldest first; `hasMore`: older ones lie before them."""
    return older_than(membership.room, seq, limit)


def older_than(room: Room, seq: int | None, limit: int) -> dict:
    rows = messages_of(room, NEWEST, limit + 1) if seq is None else messages_of(room, BEFORE, limit + 1, seq=seq)
    return page(room, rows[:limit][::-1], len(rows) > limit)


def after(membership: Membership, seq: int, limit: int) -> dict:
    """The `limit` messages after `seq`, oldest first; `hasMore`: newer ones lie behind them."""
    room = membership.room
    rows = messages_of(room, AFTER, limit + 1, seq=seq)
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
    rows = messages_of(room, CHANGED, limit + 1, rev=after_rev)
    shown = within_budget(rows[:limit])
    return page(room, shown, len(rows) > len(shown))


def within_budget(rows: list[Message]) -> list[Message]:
    """As many of these, from the first on, as one answer may hold; at least one."""
    weights = itertools.accumulate(len(one.content) + len(one.body_html) for one in rows)
    return rows[: max(1, sum(weight <= CHANGES_CHARACTERS for weight in weights))]


def around(membership: Membership, seq: int, limit: int) -> tuple[dict, bool]:
    """A page with `seq` in its middle, and whether newer messages lie behind it."""
    newer = after(membership, seq - 1, limit // 2)
    older = before(membership, seq, limit - len(newer["messages"]))
    messages = older["messages"] + newer["messages"]
    return older | {"messages": messages}, newer["hasMore"]


def messages_of(room: Room, wanted: Select, limit: int, **where) -> list[Message]:
    given = where | {"room": room.id, "rows": limit}
    return [authored(row) for row in read(room, lambda source: source.execute(wanted, given).all())]


def authored(row: Row) -> Message:
    message, author = database.objects(row, Message, Person)
    database.put(message, author=author)
    return message


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
