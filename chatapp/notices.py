"""What open connections must obey: a device signed out, a token revoked, a person or membership gone, a room changed.

Written in the transaction that makes the change, read by every serving process a few times a second: so a change made
by any process, also by a command, holds everywhere within a second and needs nothing but the database. What takes
longer, because Redis is told of it, is done beside the look.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

import structlog
from flask import Flask, current_app
from sqlalchemy import Row, bindparam, delete, func, select

from . import broadcasts, database, presence, typists
from .extensions import db, socketio
from .models import Membership, Notice, Room, now
from .prepared import Prepared
from .realtime import connections

WINDOW = 30.0  # seconds in which a transaction commits: ids are not commit order, so those are looked at again
MARGIN = 200  # notices before the first look of a process that are looked at too, for the same reason
KEPT = timedelta(hours=1)
UNREAD = "unread"
POSTED = "notice posted"

_obeyed: set[int] = set()  # notice ids
_looks: deque[tuple[float, int]] = deque()  # when (monotonic seconds) everything up to which id was obeyed
_last_look: deque[float] = deque(maxlen=1)  # the last one that could read (monotonic seconds)
_told: set[int | str] = set()  # troubles in the log already: there is a look every 0.3 s
_one_at_a_time = threading.Lock()
_begun = [0]  # how many notices this process has begun to obey
log = structlog.get_logger(__name__)

TABLE = Notice.__table__.c
WANTED = select(TABLE.id, TABLE.kind, TABLE.subject, TABLE.person_id).where(TABLE.id > bindparam("upto"))
BEYOND = Prepared(WANTED.order_by(TABLE.id))  # asked some times a second


def post(kind: str, subject: int | str, person_id: int | None = None) -> None:
    """Add a notice to the transaction under way. Kinds: the functions of OBEY below."""
    db.session.add(Notice(kind=kind, subject=str(subject), person_id=person_id))
    db.session.info[POSTED] = True


def obey() -> None:
    """Act on every notice not yet acted on here. Called after a commit that posted one, and by the ticker.

    Never raises: the change is made, and what could not be obeyed now is tried again at the next look.
    """
    if db.session.info.pop(POSTED, False):
        socketio.server.manager.call_others()
    try:
        with _one_at_a_time:
            look()
            _told.discard(UNREAD)
    except Exception as error:
        db.session.rollback()
        if UNREAD not in _told:
            _told.add(UNREAD)
            log.warning("notices_unread", error=type(error).__name__)


def look() -> None:
    """One look at the table; what is taken away comes before what is told."""
    found = database.ask_all(BEYOND, upto=done_with())
    fresh = sorted((one for one in found if one.id not in _obeyed), key=lambda one: (one.kind == "room", one.id))
    told = set()
    for notice in fresh:
        change = (notice.kind, notice.subject, notice.person_id)
        if change in told or attempt(notice):
            told.add(change)
            _obeyed.add(notice.id)
    if found and _obeyed.issuperset(one.id for one in found) and found[-1].id > _looks[-1][1]:
        _looks.append((time.monotonic(), found[-1].id))
    _last_look.append(time.monotonic())


def begun() -> int:
    """A number that changes whenever a notice begins to be obeyed here. As long as it is the same, whatever ended since
    is still to come as a notice, and will find the connections of that moment."""
    return _begun[0]


def attempt(notice: Row) -> bool:
    _begun[0] += 1
    try:
        OBEY[notice.kind](notice)
    except Exception:
        db.session.rollback()
        if notice.id not in _told:
            _told.add(notice.id)
            log.exception("notice_not_obeyed", kind=notice.kind)
        return False
    return True


def done_with() -> int:
    """The id up to which nothing new can come: the highest of a look that was WINDOW before the last one. (No clock is
    asked but our own, and time in which the database was away does not count.)"""
    if not _looks:
        highest = db.session.scalar(select(func.max(Notice.id))) or 0
        _looks.append((time.monotonic(), max(0, highest - MARGIN)))
    while len(_looks) > 1 and _looks[1][0] < _last_look[0] - WINDOW:
        _looks.popleft()
    return _looks[0][1]


def tidy() -> None:
    """Throw away what every process has long obeyed. Called by the ticker."""
    db.session.execute(delete(Notice).where(Notice.created_at < now() - KEPT))
    db.session.commit()
    for remembered in (_obeyed, _told):
        remembered.difference_update([one for one in remembered if one != UNREAD and one <= done_with()])


def cut(found: list[connections.Connection]) -> None:
    """All of them hear nothing more from this moment on. That each ends, of which Redis is told, is not waited for."""
    deafen(found)
    end(found)


def deafen(found: list[connections.Connection]) -> None:
    for connection in found:
        connections.deafen(connection)


def end(found: list[connections.Connection]) -> None:
    for connection in found:
        beside(connections.cut, connection)


def beside(act: Callable[..., object], *given) -> None:
    """Have it done in the background: whoever looks holds up the notices after this one, and often a request."""
    socketio.start_background_task(in_context, current_app._get_current_object(), act, *given)


def in_context(app: Flask, act: Callable[..., object], *given) -> None:
    with app.app_context():
        try:
            act(*given)
        except Exception:
            log.exception("notice_half_obeyed", left=act.__name__)


def device_ended(notice: Row) -> None:
    cut(connections.of_credential("device", int(notice.subject)))


def token_revoked(notice: Row) -> None:
    cut(connections.of_credential("token", int(notice.subject)))


def person_deactivated(notice: Row) -> None:
    """Gone at once, without the grace of somebody who may come back: it is said first, and his connections' ends, which
    would begin one, then have nothing to add."""
    person_id = int(notice.subject)
    found = connections.of_person(person_id)
    deafen(found)
    for room_id in presence.rooms_of(person_id):
        beside(presence.dismiss, room_id, person_id)
    end(found)


def member_left(notice: Row) -> None:
    """Also when somebody was put out: the connections live on and hear no more of the room."""
    room_id, person_id = notice.subject, notice.person_id
    if db.session.get(Membership, (room_id, person_id), populate_existing=True) is not None:
        return  # came back meanwhile
    for connection in connections.of_person(person_id, room_id):
        connections.put_out(connection, room_id)
    typists.stop(room_id, person_id)
    if room_id in presence.rooms_of(person_id):
        beside(presence.dismiss, room_id, person_id)
    broadcasts.session_removed(room_id, person_id)


def room_changed(notice: Row) -> None:
    """Name, topic, members or archive: told to the members who are connected here."""
    room = db.session.get(Room, notice.subject, populate_existing=True)
    connected = connections.people()
    if room is None or not connected:
        return
    members = db.session.scalars(select(Membership.person_id).where(Membership.room_id == room.id))
    broadcasts.session_updated(room, connected.intersection(members))


OBEY = {
    "device": device_ended,
    "token": token_revoked,
    "person": person_deactivated,
    "left": member_left,
    "room": room_changed,
}
