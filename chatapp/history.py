"""Pages of what was said in a room, as wire shapes; the newest one cached. Called by the doors.

A cached page carries the `rev` it was read at or before, and counts only while the room still stands there. So a
slow reader that stores an old page after a newer commit harms nobody: its `rev` does not match any more.
"""

import threading

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from . import rooms, wire
from .extensions import cache, db
from .models import Membership, Message

LATEST = 10  # messages: what a first join and the history cache hold
CHANGES_MAX = 200  # changed messages in one answer
LOADING = [threading.Lock() for _ in range(64)]  # of readers that miss at once one loads; rooms share the locks


def history_key(room_id: str) -> str:
    return f"history:{room_id}"


def full_key(room_id: str) -> str:
    return f"session:{room_id}:full"


def forget(room_id: str) -> None:
    """Drop the cached pages of a room where something was said, edited or removed."""
    cache.delete_many(history_key(room_id), full_key(room_id))


def latest(membership: Membership) -> dict:
    """`{messages, hasMore, lastRev}`: the last 10, oldest first, as new as `membership` (from the cache when it is)."""
    held = held_latest(membership)
    if held is not None:
        return held
    with LOADING[hash(membership.room_id) % len(LOADING)]:
        return held_latest(membership) or load_latest(membership)


def held_latest(membership: Membership) -> dict | None:
    """The cached page, if it is as new as `membership`."""
    held = cache.get(history_key(membership.room_id))
    return held if held is not None and held["lastRev"] == membership.room.rev else None


def load_latest(membership: Membership) -> dict:
    made = before(membership, None, LATEST)
    cache.set(history_key(membership.room_id), made)
    return made


def full(membership: Membership) -> dict:
    """`{session, messages, members}`; `session` with the reader's role."""
    room = membership.room
    held = cache.get(full_key(room.id))
    if held is None or (held["session"]["lastRev"], held["session"]["version"]) != (room.rev, room.version):
        members = [wire.member(one) for one in rooms.members_of(room.id)]
        held = {"session": wire.session(room), "messages": latest(membership)["messages"], "members": members}
        cache.set(full_key(room.id), held)
    return held | {"session": held["session"] | {"role": membership.standing}}


def before(membership: Membership, seq: int | None, limit: int) -> dict:
    """The `limit` messages before `seq` (None: the newest), oldest first; `hasMore`: older ones lie before them."""
    wanted = of_room(membership).order_by(Message.seq.desc())
    if seq is not None:
        wanted = wanted.where(Message.seq < seq)
    rows = read(wanted, limit + 1)
    return page(membership, rows[:limit][::-1], len(rows) > limit)


def after(membership: Membership, seq: int, limit: int) -> dict:
    """The `limit` messages after `seq`, oldest first; `hasMore`: newer ones lie behind them."""
    rows = read(of_room(membership).where(Message.seq > seq).order_by(Message.seq), limit + 1)
    return page(membership, rows[:limit], len(rows) > limit)


def changes(membership: Membership, after_rev: int, limit: int = CHANGES_MAX) -> dict:
    """The messages changed after `after_rev`, each once and as it is now, by `rev`.

    An `after_rev` beyond the room's (a restored database) is answered like a first join.
    """
    if after_rev == membership.room.rev:
        return page(membership, [], False)
    if after_rev > membership.room.rev:
        return latest(membership)
    rows = read(of_room(membership).where(Message.rev > after_rev).order_by(Message.rev), limit + 1)
    return page(membership, rows[:limit], len(rows) > limit)


def around(membership: Membership, seq: int, limit: int) -> tuple[dict, bool]:
    """A page with `seq` in its middle, and whether newer messages lie behind it."""
    newer = after(membership, seq - 1, limit // 2)
    older = before(membership, seq, limit - len(newer["messages"]))
    messages = older["messages"] + newer["messages"]
    return older | {"messages": messages}, newer["hasMore"]


def of_room(membership: Membership) -> Select:
    return select(Message).where(Message.room_id == membership.room_id)


def read(wanted: Select, limit: int) -> list[Message]:
    fresh = wanted.limit(limit).options(joinedload(Message.author, innerjoin=True))
    return list(db.session.scalars(fresh.execution_options(populate_existing=True)))


def page(membership: Membership, rows: list[Message], has_more: bool) -> dict:
    return {"messages": [wire.message(row) for row in rows], "hasMore": has_more, "lastRev": membership.room.rev}
