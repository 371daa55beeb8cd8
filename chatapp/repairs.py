"""What Redis loses, and what PostgreSQL made while its answer was lost, told all the same: each serving process
compares how far its clients were told of the rooms open here with how far the database is. Called by the ticker
(relay.py says where that is needed).
"""

from collections.abc import Iterable

from sqlalchemy import select

from . import broadcasts, history, metrics, saying
from .extensions import db, socketio
from .models import Message, Room
from .realtime import delivered, listeners, relay

UNDER_WAY_S = 0.4  # a change may be on its way by Redis for so long; what comes later than that is sent again
ROOMS_MAX = 1_000  # in one question
PAGE = 200  # changes read at once; told are those of them that one answer may hold
BETWEEN_PAGES_S = 0.05  # so that the clients' queues empty, which are bounded


def make() -> None:
    """One look at all rooms open here. Missing changes reach the clients here within about 1.1 s of their commit."""
    told = delivered.keep(relay.is_listened_to)
    now = counters(told)
    for room_id, (rev, last_seq) in now.items():
        if rev < told[room_id]:
            delivered.restart(room_id, rev, last_seq)
    late = behind(now)
    if late:
        socketio.sleep(UNDER_WAY_S)
        late = behind(late)
    while late:
        late = [room_id for room_id in late if tell(room_id, now[room_id][0])]
        socketio.sleep(BETWEEN_PAGES_S if late else 0)


def counters(room_ids: Iterable[str]) -> dict[str, tuple[int, int]]:
    """`rev` and `last_seq` of rooms, as they are now."""
    found, wanted = {}, list(room_ids)
    for start in range(0, len(wanted), ROOMS_MAX):
        these = Room.id.in_(wanted[start : start + ROOMS_MAX])
        rows = db.session.execute(select(Room.id, Room.rev, Room.last_seq).where(these))
        found |= {row.id: (row.rev, row.last_seq) for row in rows}
    db.session.rollback()  # nothing is held while others have their turn
    return found


def behind(now: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Those of these rooms whose clients here have not been told all of it."""
    rooms = ((room_id, delivered.of(room_id)) for room_id in now)
    return {room_id: now[room_id] for room_id, told in rooms if told is not None and told.revs.upto < now[room_id][0]}


def tell(room_id: str, rev: int) -> bool:
    """Tell the clients here one page of what they miss up to `rev`; whether more is left."""
    told = delivered.of(room_id)
    if told is None:  # everybody has gone
        return False
    missed = changes(room_id, told.revs.upto)
    rows = history.within_budget(missed)
    is_all = len(rows) == len(missed) < PAGE
    found = [(row, told.revs.holds(row.rev), told.seqs.holds(row.seq)) for row in rows]
    events = [broadcasts.as_it_is(row, not known) for row, as_it_is, known in found if not (as_it_is and known)]
    reached = max([rev, *(row.rev for row in rows)]) if is_all else rows[-1].rev
    db.session.rollback()
    for event, payload in events:
        if delivered.holds(event, payload) and told.seqs.holds(payload["message"]["seq"]):
            continue  # it came by itself meanwhile
        broadcasts.to_room_here(room_id, event, payload)
        metrics.REPAIRED.inc()
        socketio.sleep(0)
    delivered.reach(room_id, reached)
    listeners.reached(room_id, reached)  # they count for themselves, and what was superseded would stay a hole
    return not is_all


def changes(room_id: str, after_rev: int) -> list[Message]:
    """A page of messages changed after `after_rev`, as they are now, by `rev`. (Those between are later versions.)"""
    wanted = saying.with_author(Message.room_id == room_id, Message.rev > after_rev).order_by(Message.rev)
    return list(db.session.scalars(wanted.limit(PAGE)))
