"""What open connections must obey: a device signed out, a token revoked, a person or membership gone, a room changed.

Written in the transaction that makes the change, read by every serving process a few times a second: so a change made
by any process, also by a command, holds everywhere within a second and needs nothing but the database.
"""

import threading
import time
from datetime import timedelta

from sqlalchemy import delete, select

from . import broadcasts, presence, typists
from .extensions import db, socketio
from .models import Membership, Notice, Room, now
from .realtime import connections
from .realtime.connections import NAMESPACE

WINDOW = timedelta(seconds=30)  # ids are not commit order: what is younger is looked at again
KEPT = timedelta(hours=1)

_obeyed: dict[int, float] = {}  # notice id → when (monotonic seconds)
_one_at_a_time = threading.Lock()


def post(kind: str, subject: int | str, person_id: int | None = None) -> None:
    """Add a notice to the transaction under way. Kinds: the functions of OBEY below."""
    db.session.add(Notice(kind=kind, subject=str(subject), person_id=person_id))


def obey() -> None:
    """Act on every notice not yet acted on here. Called after a commit that posted one, and by the ticker."""
    with _one_at_a_time:
        recent = select(Notice).where(Notice.created_at > now() - WINDOW).order_by(Notice.id)
        fresh = [notice for notice in db.session.scalars(recent) if notice.id not in _obeyed]
        for notice in fresh:
            _obeyed[notice.id] = time.monotonic()
            OBEY[notice.kind](notice)


def tidy() -> None:
    """Throw away what every process has long obeyed. Called by the ticker."""
    db.session.execute(delete(Notice).where(Notice.created_at < now() - KEPT))
    db.session.commit()
    old = time.monotonic() - 4 * WINDOW.total_seconds()
    for notice_id in [one for one, obeyed in _obeyed.items() if obeyed < old]:
        del _obeyed[notice_id]


def cut(found: list[connections.Connection]) -> None:
    for connection in found:
        socketio.server.disconnect(connection.sid, namespace=NAMESPACE)


def device_ended(notice: Notice) -> None:
    cut(connections.of_credential("device", int(notice.subject)))


def token_revoked(notice: Notice) -> None:
    cut(connections.of_credential("token", int(notice.subject)))


def person_deactivated(notice: Notice) -> None:
    cut(connections.of_person(int(notice.subject)))


def member_left(notice: Notice) -> None:
    """Also when somebody was put out: the connections live on and hear no more of the room."""
    room_id, person_id = notice.subject, notice.person_id
    if db.session.get(Membership, (room_id, person_id), populate_existing=True) is not None:
        return  # came back meanwhile
    for connection in connections.of_person(person_id, room_id):
        socketio.server.leave_room(connection.sid, room_id, namespace=NAMESPACE)
        connection.rooms.discard(room_id)
    typists.stop(room_id, person_id)
    presence.dismiss(room_id, person_id)
    broadcasts.session_removed(room_id, person_id)


def room_changed(notice: Notice) -> None:
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
