"""What keeps presence in Redis right over time: rooms are renewed, what Redis missed or forgot is told again, and what
a dead process left is taken away. For presence_shared.py, whose store every function here works on.
"""

import random
import time

from ..extensions import redis
from . import presence_scripts as scripts
from . import presence_shapes as shapes
from .leases import KEPT_MS as NAMES_KEPT_MS
from .leases import PROCESSES
from .lua import TOGETHER, run
from .presence_shapes import Change

BEAT_S = 2.0
WALKED_TOGETHER = 20  # rooms of which a piece is looked through in one journey
ROOM_KEPT_MS = 600_000  # a room that no process renews ends by itself
RENEWED_S = 150.0  # within so long each room is looked at and renewed


def key(room_id: str) -> str:
    """Where who is in a room is kept."""
    return f"session:{room_id}:online"


def rooms_key(process: str) -> str:
    """Where the rooms are kept that a process has a hand in: whoever buries it must know where."""
    return f"presence:rooms:{process}"


def beat(store) -> list[Change]:
    """One turn, when it is time or Redis is back. The arrivals that the rooms have not been told of."""
    if redis.away:
        store.next_beat = 0.0
        return []
    if time.monotonic() < store.next_beat:
        return []
    store.next_beat = time.monotonic() + BEAT_S
    lives = store.lease.beat()
    if lives is None:
        return []
    came = say_again(store) if lives and not store.is_lost else tell_everything(store)
    renew(store)
    unlist(store)
    for name in [*store.lease.dead, *store.former]:
        bury(store, name)
    return came


def say_again(store) -> list[Change]:
    """What Redis could not be told when it happened; and once more a beat later: what a silent Redis was told, and was
    given up, it may do when it wakes, after what it was told since."""
    entries = store.again | store.unsaid
    store.again, store.unsaid = store.unsaid, {}
    came = [store.settle(room_id, user, sid) for (room_id, sid), user in entries.items()]
    return [change for change in came if change]


def tell_everything(store) -> list[Change]:
    """Redis has forgotten this process (or must): under a new name it says all it knows. What it said under the old one
    and is true no more is taken away like a dead one's."""
    store.is_lost = True  # until all is said
    if store.lease.name:
        store.former.add(store.lease.name)
    rooms = {*store.listed, *store.mine, *(room_id for room_id, _ in store.unsaid)}
    store.listed.clear()
    if store.lease.enter() is None or not enlist(store, rooms):
        return []
    held = [(room_id, here.user, sid) for room_id in list(store.mine) for here, sid in connections(store, room_id)]
    # Who went meanwhile went unseen: he comes once more, and goes.
    gone = [(room_id, user, sid) for (room_id, sid), user in store.unsaid.items()]
    came = put_back(store, held + gone)
    if came is None:
        return []
    store.is_lost = False
    store.again, store.unsaid = store.unsaid, {}
    return came


def connections(store, room_id: str):
    """Those of a room to this process, as (person, sid)."""
    return [(here, sid) for here in list(store.mine.get(room_id, {}).values()) for sid in list(here.sids)]


def put_back(store, entries: list[tuple]) -> list[Change] | None:
    """Say of each (room, person, sid) that it is here. Who is new in a room and was never told to it; None: it cannot
    be said now. What ended meanwhile is ended again."""
    came = []
    for start in range(0, len(entries), TOGETHER):
        some = entries[start : start + TOGETHER]
        answers = run([call(store.arrival(*entry)) for entry in some])
        if answers is None:
            return None
        for (room_id, user, sid), answer in zip(some, answers, strict=True):
            here = store.mine.get(room_id, {}).get(user["id"])
            was_told = here is None or here.is_told
            change = store.heard_arrival(room_id, user, answer)
            if change and not was_told:
                came.append(change)
            elif change and here is None:  # if he comes back before his grace ends, it is news to the room
                store.untold.add((room_id, user["id"]))
            if not store.holds(room_id, user["id"], sid):
                store.settle(room_id, user, sid)
    return came


def call(question: tuple) -> tuple:
    script, place, *arguments = question
    return script, place, tuple(arguments)


def enlist(store, room_ids) -> bool:
    """Have Redis know that this process has a hand in these rooms. Whether it does."""
    new = [room_id for room_id in room_ids if room_id not in store.listed]
    for start in range(0, len(new), TOGETHER):
        some = new[start : start + TOGETHER]
        if redis.ask(lambda client, some=some: client.sadd(rooms_key(store.lease.name), *some)) is None:
            return False
        for room_id in some:
            store.listed[room_id] = time.monotonic() + random.uniform(0, RENEWED_S)  # noqa: S311 - spreads them
    return True


def unlist(store) -> None:
    """Rooms that this process has no hand in any more."""
    waiting = {room_id for room_id, _ in store.graces}
    left = [room_id for room_id in store.listed if room_id not in store.mine and room_id not in waiting]
    name = rooms_key(store.lease.name)
    for start in range(0, len(left), TOGETHER):
        some = left[start : start + TOGETHER]
        for room_id in some:
            store.listed.pop(room_id, None)
            store.counts.pop(room_id, None)
        redis.ask(lambda client, some=some: client.srem(name, *some))
    # Somebody may have come while it was being said.
    back = [room_id for room_id in left if room_id in store.mine]
    if back:
        redis.ask(lambda client: client.sadd(name, *back))
    redis.ask(lambda client: client.pexpire(name, NAMES_KEPT_MS))


def renew(store) -> None:
    """Look at the rooms whose turn it is and at the doubtful ones, and keep them for longer."""
    moment = time.monotonic()
    due = [room_id for room_id, when in store.listed.items() if when <= moment or room_id in store.doubtful]
    told = [told_of(store, room_id) for room_id in due]  # before it is asked: many may be on their way there
    answers = run([(scripts.RENEW, key(room_id), (ROOM_KEPT_MS,)) for room_id in due])
    if answers is None:
        return
    store.doubtful.clear()
    for room_id, known, (count, idle, processes) in zip(due, told, answers, strict=True):
        was_due, store.listed[room_id] = store.listed[room_id] <= moment, moment + RENEWED_S
        store.counts[room_id] = count
        # A grace that nobody ends: the process that began it died, or never heard that it did.
        look_after(store, room_id, count < known, processes.decode().split(), may_hang=was_due and idle > 0)


def told_of(store, room_id: str) -> int:
    """How many people of a room Redis has heard of from this process."""
    return sum(here.is_told for here in store.mine.get(room_id, {}).values())


def look_after(store, room_id: str, has_lost: bool, processes: list[str], may_hang: bool) -> None:
    """A room that Redis has lost (some of) our people of, or where it keeps those of processes long gone."""
    if room_id in store.mine and (has_lost or store.lease.name not in processes):
        put_back(store, [(room_id, here.user, sid) for here, sid in connections(store, room_id)])
    gone = [name for name in processes if store.lease.is_dead(name)]
    if gone or may_hang:
        walk(store, [room_id], gone)


def bury(store, name: str) -> None:
    """Take away what a process left that is no more. Whoever has no other connection may come back for a moment."""
    rooms = redis.ask(lambda client: client.smembers(rooms_key(name)))
    if rooms is None or not walk(store, [room_id.decode() for room_id in rooms], [name]):
        return  # it is asked for again
    redis.ask(lambda client: client.zrem(PROCESSES, name, f"dead {name}"))
    redis.ask(lambda client: client.delete(rooms_key(name)))
    store.former.discard(name)


def walk(store, room_ids: list[str], dead: list[str]) -> bool:
    """Go through these rooms, piece by piece. Whether all could be seen."""
    names = f" {' '.join(dead)} "
    to_see = dict.fromkeys(room_ids, 0)
    while to_see:
        some = dict(list(to_see.items())[:WALKED_TOGETHER])
        grace = round(shapes.GRACE_S * 1000)
        answers = run([(scripts.WALK, key(room_id), (cursor, names, grace)) for room_id, cursor in some.items()])
        if answers is None:
            return False
        for room_id, (cursor, *ids) in zip(some, answers, strict=True):
            to_see[room_id] = int(cursor)
            if not int(cursor):
                del to_see[room_id]
            if ids:
                enlist(store, [room_id])
            for person_id in ids:  # one that is to be asked for sooner is not put off
                store.graces.setdefault((room_id, int(person_id)), time.monotonic() + shapes.GRACE_S)
    return True


def everywhere() -> dict[str, int] | None:
    """How many people are in each room, whichever process serves them; None when it cannot be told."""
    names = redis.ask(lambda client: client.zrange(PROCESSES, 0, -1))
    rooms: set[str] = set()
    for name in names or ():
        listed = redis.ask(lambda client, name=name: client.smembers(rooms_key(name.decode().removeprefix("dead "))))
        if listed is None:
            return None
        rooms.update(one.decode() for one in listed)
    some = sorted(rooms)
    counts = run([(scripts.WHO, key(room_id), (0,)) for room_id in some])
    if names is None or counts is None:
        return None
    return {room_id: count for room_id, (count, *_) in zip(some, counts, strict=True) if count}
