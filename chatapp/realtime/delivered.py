"""Up to which revision the clients of this process have been told of each room that is open here. The relay notes
what it delivers; repairs.py asks what is missing.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

CHANGES = ("newMessage", "messageUpdated", "streamComplete")  # the events that carry a `rev`


@dataclass(slots=True)
class Count:
    """Which numbers came: all up to `upto`, and some `beyond` a hole."""

    upto: int
    beyond: set[int] = field(default_factory=set)

    def add(self, number: int) -> None:
        if number > self.upto:
            self.beyond.add(number)
        while self.upto + 1 in self.beyond:
            self.upto += 1
            self.beyond.discard(self.upto)

    def reach(self, number: int) -> None:
        """Nothing is missing up to `number`."""
        self.upto = max(self.upto, number)
        self.beyond = {one for one in self.beyond if one > self.upto}
        self.add(self.upto)

    def holds(self, number: int) -> bool:
        return number <= self.upto or number in self.beyond


@dataclass(slots=True)
class Told:
    """Of one room: the revisions told, and the places of the messages told of at all."""

    revs: Count
    seqs: Count


_rooms: dict[str, Told] = {}
_lock = threading.Lock()


def begin(room_id: str, rev: int, last_seq: int) -> None:
    """Somebody listens to the room from now on, and will be answered how it stood at `rev` (or later). Counts only when
    nobody did before."""
    with _lock:
        _rooms.setdefault(room_id, Told(Count(rev), Count(last_seq)))


def restart(room_id: str, rev: int, last_seq: int) -> None:
    """The room stands at an earlier point than was told: its database was restored."""
    with _lock:
        _rooms[room_id] = Told(Count(rev), Count(last_seq))


def note(event: str, payload: dict) -> None:
    """An event goes to the clients here."""
    told = _rooms.get(payload["sessionId"]) if event in CHANGES else None
    if told is not None:
        with _lock:
            told.revs.add(payload["rev"])
            if event == "newMessage":
                told.seqs.add(payload["message"]["seq"])


def holds(event: str, payload: dict) -> bool:
    """Whether everybody listening here has been told of this change already."""
    told = _rooms.get(payload["sessionId"]) if event in CHANGES else None
    return told is not None and told.revs.holds(payload["rev"])


def of(room_id: str) -> Told | None:
    return _rooms.get(room_id)


def keep(is_listened_to: Callable[[str], bool]) -> dict[str, int]:
    """Forget the rooms that nobody listens to any more; up to which `rev` the others were told."""
    with _lock:
        for room_id in [room_id for room_id in _rooms if not is_listened_to(room_id)]:
            del _rooms[room_id]
        return {room_id: told.revs.upto for room_id, told in _rooms.items()}


def reach(room_id: str, rev: int) -> None:
    """The clients here have been told everything up to `rev`."""
    with _lock:
        if room_id in _rooms:
            _rooms[room_id].revs.reach(rev)
