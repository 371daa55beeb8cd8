"""One after the other, in the order of coming: who wants to write in a room waits here for the others of this process.
For saying.py.

PostgreSQL has them wait too, for the room's row, but each of them holds one of few connections meanwhile; with many
writers in one room everybody else is then told that there is no database.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from . import database
from .errors import Unavailable

TURN_S = 5.0  # of patience; with a database that is away those before fail at once, and it is never that long
_mutex = threading.Lock()
_lines: dict[str, deque[threading.Lock]] = {}  # who waits behind the one whose turn it is


@contextmanager
def turn_in(room_id: str) -> Iterator[None]:
    """Around the transaction that writes. Who has to wait lets the database go first (see database.release), and is
    Unavailable when it takes too long."""
    place = stand(room_id)
    try:
        if not place.acquire(blocking=False):
            database.release()
            if not place.acquire(timeout=TURN_S):
                raise Unavailable("Too many are speaking here at once; please try again.", retry_after=1)
        yield
    finally:
        leave(room_id, place)


def stand(room_id: str) -> threading.Lock:
    """A place in the line: a lock that is free when it is one's turn."""
    place = threading.Lock()
    with _mutex:
        if room_id in _lines:
            place.acquire()
            _lines[room_id].append(place)
        else:
            _lines[room_id] = deque()
    return place


def leave(room_id: str, place: threading.Lock) -> None:
    """Whether one had one's turn or gave up: the next one's comes."""
    with _mutex:
        line = _lines[room_id]
        if place in line:
            line.remove(place)
        elif line:
            line.popleft().release()
        else:
            del _lines[room_id]
