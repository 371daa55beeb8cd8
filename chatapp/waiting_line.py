"""One after the other, in the order of coming: who wants to write in a room waits here for the others of this process.
Whoever's turn it is may do the work of those behind along with his own. For saying.py.

PostgreSQL has them wait too, for the room's row, but each of them holds one of few connections meanwhile; with many
writers in one room everybody else is then told that there is no database.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from . import database
from .errors import Unavailable

TURN_S = 5.0  # of patience; with a database that is away those before fail at once, and it is never that long
TOGETHER_MAX = 50  # pieces of work done at once
Work, Answer = TypeVar("Work"), TypeVar("Answer")


@dataclass(slots=True, eq=False)
class Place:
    """Somebody's place in a line: `turn` is free when it is his turn, or when his `work` was done for him."""

    work: object = None
    turn: threading.Lock = field(default_factory=threading.Lock)
    is_taken: bool = False  # whoever's turn it is does this work now
    is_done: bool = False
    answer: object = None


_mutex = threading.Lock()
_lines: dict[str, deque[Place]] = {}  # who waits behind the one whose turn it is


def together(room_id: str, work: Work, do: Callable[[list[Work]], list[Answer]]) -> Answer:
    """What `do` answers for this work, done by one call with that of those who wait right behind, all or nothing.

    Where it meets an IntegrityError one of them is at fault: each then does his own.
    """
    with turn_in(room_id, work) as place:
        if place.is_done:
            return place.answer
        mates = take_along(room_id)
        try:
            answer, *others = do([work, *(mate.work for mate in mates)])
        except BaseException as error:
            give_back(room_id, mates)
            if mates and isinstance(error, IntegrityError):
                return do([work])[0]
            raise
        for mate, his in zip(mates, others, strict=True):
            mate.answer, mate.is_done = his, True
            mate.turn.release()
        return answer


@contextmanager
def turn_in(room_id: str, work=None) -> Iterator[Place]:
    """Around the transaction that writes. Who has to wait lets the database go first (see database.release), and is
    Unavailable when it takes too long."""
    place = stand(room_id, work)
    try:
        if not place.turn.acquire(blocking=False):
            database.release()
            wait(place)
        yield place
    finally:
        leave(room_id, place)


def stand(room_id: str, work=None) -> Place:
    place = Place(work)
    with _mutex:
        if room_id in _lines:
            place.turn.acquire()
            _lines[room_id].append(place)
        else:
            _lines[room_id] = deque()
    return place


def wait(place: Place) -> None:
    if place.turn.acquire(timeout=TURN_S):
        return
    with _mutex:
        is_being_done = place.is_taken
        if not is_being_done:
            place.work = None  # nobody is to do it any more
    if not is_being_done:
        raise Unavailable("Too many are speaking here at once; please try again.", retry_after=1)
    place.turn.acquire()  # what is being done is soon done, one way or the other


def take_along(room_id: str) -> list[Place]:
    """Those first in line who have work that may be done for them."""
    mates, line = [], _lines[room_id]
    with _mutex:
        while line and line[0].work is not None and len(mates) < TOGETHER_MAX - 1:
            mates.append(line.popleft())
            mates[-1].is_taken = True
    return mates


def give_back(room_id: str, mates: list[Place]) -> None:
    """Each of them who is still there stands where he stood, and does his work himself."""
    with _mutex:
        for mate in reversed(mates):
            if mate.work is not None:
                mate.work, mate.is_taken = None, False
                _lines[room_id].appendleft(mate)


def leave(room_id: str, place: Place) -> None:
    """Whether one had one's turn or gave up: the next one's comes. (He whose work others do stands in no line.)"""
    with _mutex:
        if place.is_taken:
            place.work = None
            return
        line = _lines[room_id]
        if place in line:
            line.remove(place)
        elif line:
            line.popleft().turn.release()
        else:
            del _lines[room_id]
