"""One event to a whole room: encoded and framed once, and written straight to the sockets of all who are in it. What a
room is told within a short tick leaves together; a lonely event leaves at once. For relay.py, on eventlet and gevent.

The rest between two rounds grows with what the last one cost, so that telling never takes more than a part of the
processor: the more there is to tell, the more of it goes in one piece.
"""

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from engineio.packet import MESSAGE, Packet

from .lines import framed
from .slow_readers import PASSING_EVENTS

PACE = 3.0  # so many times as long as a round took, until the next
REST_MAX_S = 0.02


@dataclass(slots=True)
class Told:
    """One event, for all of a room but the connections (Engine.IO sids) in `but`. `number`: in the order of telling."""

    number: int
    packet: Packet
    frame: bytes
    is_passing: bool
    but: frozenset[str]


@dataclass(slots=True)
class Round:
    """What one room is to be told next. `begun`: up to where single connections have had it already."""

    told: list[Told] = field(default_factory=list)
    begun: dict[str, int] = field(default_factory=dict)

    def rest(self, eio_sid: str) -> list[Told]:
        """What this connection has yet to get."""
        return [one for one in self.told[self.begun.get(eio_sid, 0) :] if eio_sid not in one.but]

    def special(self) -> set[str]:
        """Those who do not get all of it."""
        return set(self.begun).union(*(one.but for one in self.told))


class Fanout:
    """`sockets`: Engine.IO sid → Transport. `listening(room)` are the sids in a room, `rooms_of(sid)` the reverse;
    `later(seconds, function)` calls in a green thread of its own."""

    def __init__(self, sockets: dict, listening: Callable, rooms_of: Callable, later: Callable):
        self.sockets, self.listening, self.rooms_of, self.later = sockets, listening, rooms_of, later
        self.rounds: dict[str, Round] = {}
        self.rests_until = 0.0
        self.numbers = itertools.count()

    def tell(self, room: str, event: str, encoded: str, but: frozenset[str]) -> None:
        """`encoded`: the Socket.IO packet."""
        packet = Packet(MESSAGE, encoded)
        if not self.rounds:
            self.later(max(0.0, self.rests_until - time.monotonic()), self.tell_all)
        told = Told(next(self.numbers), packet, framed(packet.encode()), event in PASSING_EVENTS, but)
        self.rounds.setdefault(room, Round()).told.append(told)

    def enters(self, eio_sid: str, room: str) -> None:
        """A connection that comes in now hears nothing of before."""
        if room in self.rounds:
            self.rounds[room].begun[eio_sid] = len(self.rounds[room].told)

    def leaves(self, eio_sid: str, room: str) -> None:
        """What was said while it was in, it hears."""
        if room in self.rounds and eio_sid in self.sockets:
            hand(self.sockets[eio_sid], self.owed(eio_sid))

    def owed(self, eio_sid: str) -> list[Told]:
        """What a connection gets before anything that is sent to it now, as it was told it before."""
        return self.take(eio_sid, self.rounds.keys() & self.rooms_of(eio_sid)) if self.rounds else []

    def take(self, eio_sid: str, rooms: Iterable[str]) -> list[Told]:
        """What a connection has yet to get of these rooms, in order; from now on it has it."""
        told = in_order(self.rounds[room].rest(eio_sid) for room in rooms)
        for room in rooms:
            self.rounds[room].begun[eio_sid] = len(self.rounds[room].told)
        return told

    def tell_all(self) -> None:
        """Nothing here gives others a turn: who is told what stays as it was decided."""
        began = time.monotonic()
        rounds, self.rounds = self.rounds, {}
        listening = {room: self.listening(room) for room in rounds}
        several = in_several(listening.values()) if len(rounds) > 1 else set()
        for room, waiting in rounds.items():
            self.tell_room(waiting, listening[room], several)
        for eio_sid in several:
            rests = (rounds[room].rest(eio_sid) for room in rounds.keys() & self.rooms_of(eio_sid))
            hand(self.sockets.get(eio_sid), in_order(rests))
        ended = time.monotonic()
        self.rests_until = ended + min(REST_MAX_S, PACE * (ended - began))

    def tell_room(self, waiting: Round, listening: Iterable[str], several: set[str]) -> None:
        whole, special = joined(waiting.told), waiting.special()
        for eio_sid in listening:
            client = self.sockets.get(eio_sid)
            line = client and client.line
            if eio_sid in several:
                continue
            if line is None or line.waiting or eio_sid in special:
                hand(client, waiting.rest(eio_sid))
            else:
                line.write(whole)


def in_several(rooms: Iterable[Iterable[str]]) -> set[str]:
    """Who is in more than one of these rooms."""
    seen, several = set(), set()
    for room in rooms:
        several |= seen.intersection(room)
        seen.update(room)
    return several


def in_order(some: Iterable[list[Told]]) -> list[Told]:
    return sorted(itertools.chain.from_iterable(some), key=lambda one: one.number)


def joined(told: Iterable[Told]) -> bytes:
    return b"".join([one.frame for one in told])


def hand(client, told: list[Told]) -> None:
    """To one connection, by the way it has."""
    if client is None or client.closed or not told:
        return
    line = client.line
    if line is None:
        for one in told:
            client.send(one.packet)
    else:
        line.write(joined(one for one in told if not (one.is_passing and line.is_behind)))
