"""The open connections of this process: who is behind each, and which rooms it listens to. One registry a process."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from ..extensions import socketio

NAMESPACE = "/chat"
PERSON = "person:"  # no sid holds a colon


@dataclass(slots=True)
class Connection:
    """One socket. `credential` is ("device" | "token", id): what it showed when it opened."""

    sid: str
    person_id: int
    credential: tuple[str, int]
    rooms: set[str] = field(default_factory=set)
    end: Callable[[], object] | None = None  # ends one that is no socket (listeners.py)
    is_deaf: bool = False  # it hears nothing any more, and is about to end


_by_sid: dict[str, Connection] = {}
_by_person: dict[int, dict[str, Connection]] = defaultdict(dict)


def add(connection: Connection) -> None:
    _by_sid[connection.sid] = connection
    _by_person[connection.person_id][connection.sid] = connection


def get(sid: str) -> Connection | None:
    return _by_sid.get(sid)


def discard(sid: str) -> Connection | None:
    """Forget a connection that ended; it is returned for whoever tidies up after it."""
    connection = _by_sid.pop(sid, None)
    if connection is not None:
        mine = _by_person[connection.person_id]
        mine.pop(sid, None)
        if not mine:
            del _by_person[connection.person_id]
    return connection


def of_person(person_id: int, room_id: str | None = None) -> list[Connection]:
    """Somebody's connections, all or those that listen to one room."""
    mine = _by_person.get(person_id, {}).values()
    return [one for one in mine if room_id is None or room_id in one.rooms]


def all_of(person_id: int) -> str:
    """A mark that may stand among sids: all of somebody's connections, in whichever process it is read."""
    return f"{PERSON}{person_id}"


def sids_of(skip: str | list[str] | None) -> list[str]:
    """Sids, with the marks among them resolved to the connections that this process has."""
    marks = [skip] if isinstance(skip, str) else skip or []
    return [sid for mark in marks for sid in meant_by(mark)]


def meant_by(mark: str) -> list[str]:
    if not mark.startswith(PERSON):
        return [mark]
    number = mark.removeprefix(PERSON)
    return [one.sid for one in of_person(int(number))] if number.isdecimal() else []


def hearing(person_id: int) -> list[Connection]:
    """Somebody's connections that may be told something."""
    return [one for one in of_person(person_id) if not one.is_deaf]


def deafen(connection: Connection) -> None:
    """Its person may not hear anything any more, from this moment on. It never waits, as `cut` may."""
    connection.is_deaf = True
    if connection.end:
        connection.end()
        return
    for room_id in socketio.server.rooms(connection.sid, namespace=NAMESPACE):
        socketio.server.leave_room(connection.sid, room_id, namespace=NAMESPACE)


def cut(connection: Connection) -> None:
    """End one that was deafened: what it leaves behind is tidied up, for which Redis is asked."""
    if connection.end is None:
        socketio.server.disconnect(connection.sid, namespace=NAMESPACE)


def put_out(connection: Connection, room_id: str) -> None:
    """It hears no more of a room."""
    if connection.end:  # it listens to nothing else
        connection.end()
    else:
        socketio.server.leave_room(connection.sid, room_id, namespace=NAMESPACE)
    connection.rooms.discard(room_id)


def of_credential(kind: str, credential_id: int) -> list[Connection]:
    return [one for one in _by_sid.values() if one.credential == (kind, credential_id)]


def people() -> set[int]:
    """The ids of everybody connected to this process."""
    return set(_by_person)


def count() -> int:
    return len(_by_sid)
