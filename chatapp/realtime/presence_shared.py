"""Who is here, in Redis, for any number of processes. For chatapp/presence.py, which tells what comes of it.

Each process knows its own connections (`mine`): the truth about them. Redis is told, and presence_upkeep.py tells it
again whatever it missed or forgot. presence_scripts.py says how it is kept there.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..briefly import Briefly
from ..extensions import redis
from ..plain_json import Shared
from . import presence_scripts as scripts
from . import presence_shapes as shapes
from . import presence_upkeep as upkeep
from .leases import Lease
from .lua import run, run_one
from .presence_shapes import Change
from .presence_upkeep import key

CROWD_TOLD_MS = 1_000  # between two numbers told to a crowd, over all processes
DIRECT_MAX = 12  # people in a direct room
UNSAID_MAX = 20_000  # connections remembered of which Redis has not heard; with more it is told everything anew
AT_ONCE = 100  # people named in one question


@dataclass(slots=True)
class Mine:
    """One person in one room with connections to this process. `is_told`: Redis, and so the room, heard of it."""

    user: dict
    sids: set[str] = field(default_factory=set)
    is_told: bool = False


class PresenceShared:
    """The store. All of it may be asked while Redis is away, and raises nothing."""

    def __init__(self):
        self.lease = Lease()
        self.mine: dict[str, dict[int, Mine]] = {}
        self.graces: dict[tuple[str, int], float] = {}  # (room, person) → when to ask whether it ended (monotonic s)
        self.unsaid: dict[tuple[str, str], dict] = {}  # (room, sid) → the person
        self.again: dict[tuple[str, str], dict] = {}  # the same: what has been said since, and will be once more
        self.listed: dict[str, float] = {}  # rooms that we have a hand in, as Redis knows → when to renew (monotonic s)
        self.untold: set[tuple[str, int]] = set()  # (room, person): came, and perhaps no room heard of it
        self.counts: dict[str, int] = {}  # people here as last heard, of each room listed
        self.doubtful: set[str] = set()  # rooms to be looked at with the next beat
        self.former: set[str] = set()  # earlier names of this process whose traces are still there
        self.is_lost = False  # whether Redis missed more than we remember
        self.next_beat = 0.0
        self.faces = Briefly()  # those named of each crowd, by WHO's stamp

    def arrive(self, room_id: str, user: dict, sid: str) -> Change | None:
        """A connection more; the change, where the person was not here before."""
        self.mine.setdefault(room_id, {}).setdefault(user["id"], Mine(user)).sids.add(sid)
        return self.settle(room_id, user, sid)

    def depart(self, room_id: str, person_id: int, sid: str) -> None:
        """A connection less. After the last one to any process a person's grace begins."""
        here = self.mine.get(room_id, {}).get(person_id)
        if here is None or sid not in here.sids:
            return
        here.sids.discard(sid)
        if not here.sids:
            self.forget(room_id, person_id)
        self.settle(room_id, here.user, sid)

    def dismiss(self, room_id: str, person_id: int) -> Change | None:
        """All connections of a person to this process less, and no grace; the change, if there are none elsewhere."""
        here = self.forget(room_id, person_id)
        if here is None and (room_id, person_id) not in self.graces:
            return None
        self.graces.pop((room_id, person_id), None)
        sids = here.sids if here else ()
        gone = run_one(scripts.DISMISS, key(room_id), person_id, shapes.CROWD, *sids)
        for sid in sids:
            if gone is None or self.holds(room_id, person_id, sid):  # came back while it was being told
                self.settle(room_id, here.user, sid)
        return Change(room_id, json.loads(gone[0]), gone[1]) if gone else None

    def forget(self, room_id: str, person_id: int) -> Mine | None:
        room = self.mine.get(room_id, {})
        here = room.pop(person_id, None)
        if here and not room:
            del self.mine[room_id]
        return here

    def holds(self, room_id: str, person_id: int, sid: str) -> bool:
        here = self.mine.get(room_id, {}).get(person_id)
        return here is not None and sid in here.sids

    def settle(self, room_id: str, user: dict, sid: str) -> Change | None:
        """Have Redis say of one connection what is true here, also where that changes while it is being told: two
        words under way may overtake each other."""
        change, was_here = None, None
        while was_here != (is_here := self.holds(room_id, user["id"], sid)):
            was_here = is_here
            answer = self.say(room_id, user, sid, is_here)
            if answer is None:
                self.remember(room_id, user, sid)
                break
            if is_here:
                change = self.heard_arrival(room_id, user, answer) or change
            elif answer:
                self.graces[room_id, user["id"]] = time.monotonic() + shapes.GRACE_S
        return change

    def say(self, room_id: str, user: dict, sid: str, is_here: bool) -> list | int | None:
        if not is_here:
            return run_one(scripts.DEPART, key(room_id), sid, user["id"], ms(shapes.GRACE_S))
        if (self.lease.name or self.lease.enter()) is None or not upkeep.enlist(self, [room_id]):
            return None
        return run_one(*self.arrival(room_id, user, sid))

    def arrival(self, room_id: str, user: dict, sid: str) -> tuple:
        """What to ask, as `run_one` takes it."""
        words = json.dumps(user, ensure_ascii=False)
        return scripts.ARRIVE, key(room_id), sid, self.lease.name, user["id"], words, upkeep.ROOM_KEPT_MS, shapes.CROWD

    def heard_arrival(self, room_id: str, user: dict, answer: list) -> Change | None:
        is_new, count = answer
        self.counts[room_id] = count
        self.graces.pop((room_id, user["id"]), None)
        if count < len(self.mine.get(room_id, ())):  # it has forgotten some of our own
            self.doubtful.add(room_id)
        here = self.mine.get(room_id, {}).get(user["id"])
        if here:
            here.is_told = True
        if (room_id, user["id"]) in self.untold:
            self.untold.discard((room_id, user["id"]))
            is_new = True
        return Change(room_id, user, count) if is_new else None

    def remember(self, room_id: str, user: dict, sid: str) -> None:
        """What Redis could not be told; said again with the next beat."""
        if len(self.unsaid) < UNSAID_MAX:
            self.unsaid[room_id, sid] = user
            here = self.mine.get(room_id, {}).get(user["id"])
            if here and not here.is_told:
                self.untold.add((room_id, user["id"]))
        else:
            self.is_lost = True

    def rooms_of(self, person_id: int) -> list[str]:
        """Where this process has a hand in somebody's being here."""
        graces = [room_id for room_id, whose in self.graces if whose == person_id]
        return list({room_id for room_id, room in self.mine.items() if person_id in room}.union(graces))

    def ended(self) -> list[Change]:
        """End the graces that ran out."""
        moment, due = time.monotonic(), {}
        for (room_id, person_id), ends in list(self.graces.items()):
            if ends <= moment:
                due.setdefault(room_id, []).append(person_id)
        return [change for room_id, ids in due.items() for some in pieces(ids) for change in self.end(room_id, some)]

    def end(self, room_id: str, ids: list[int]) -> list[Change]:
        answer = run_one(scripts.END, key(room_id), shapes.CROWD, *ids)
        if answer is None:
            return []  # it stays for the next time
        gone = []
        for person_id, found in zip(ids, answer[1:], strict=True):
            self.graces.pop((room_id, person_id), None)
            self.untold.discard((room_id, person_id))
            if isinstance(found, bytes):
                gone.append(json.loads(found))
            elif found:
                self.graces[room_id, person_id] = time.monotonic() + found / 1000
        left = self.counts[room_id] = answer[0]
        return [Change(room_id, user, left + len(gone) - 1 - place) for place, user in enumerate(gone)]

    def beat(self) -> list[Change]:
        """Keep Redis right. The arrivals that could not be told before."""
        return upkeep.beat(self)

    def crowds(self, room_ids: Iterable[str]) -> tuple[list[tuple[str, int]], set[str]]:
        """Which of these crowds are to be told a number now, and which later. (Another process may do it.)"""
        rooms = list(room_ids)
        answers = run([(scripts.CROWD_NOW, key(room_id), (CROWD_TOLD_MS,)) for room_id in rooms])
        if answers is None:
            return [], set(rooms)
        found = list(zip(rooms, answers, strict=True))
        return [one for one in found if one[1] >= 0], {room_id for room_id, answer in found if answer == -1}

    def who(self, room_id: str) -> dict:
        """`{count, users}`: everybody counted, at most 100 named, in the order in which they came."""
        faces = self.faces.held(room_id)
        answer = run_one(scripts.WHO, key(room_id), shapes.SHOWN_MAX, faces.stamp if faces else b"")
        if answer is None:
            return {"count": None, "users": []}
        count, processes, stamp, *people = answer
        if room_id in self.mine and self.lease.name not in processes.decode().split():
            self.doubtful.add(room_id)
        if faces and faces.stamp == stamp:
            return {"count": count, "users": faces.value}
        shown = [(int(counters.split()[2]), user) for user, counters in zip(people[::2], people[1::2], strict=True)]
        users = Shared(json.loads(user) for _, user in sorted(shown))
        if count > shapes.CROWD:
            self.faces.keep(room_id, stamp, users)
        return {"count": count, "users": users}

    def count(self, room_id: str) -> int:
        """People here as last heard; asks nobody. A room that is asked for is heard of with the next beat."""
        if room_id in self.counts:
            self.doubtful.add(room_id)
        return self.counts.get(room_id, 0)

    def in_rooms(self, room_ids: list[str]) -> dict[str, set[int]]:
        """The ids of those who are in each of these direct rooms."""
        places = [f"i:{place}" for place in range(DIRECT_MAX)]

        def question(client):
            pipeline = client.pipeline(transaction=False)
            for room_id in room_ids:
                pipeline.hmget(key(room_id), places)
            return pipeline.execute()

        found = (redis.ask(question) if room_ids else None) or [()] * len(room_ids)
        return {room_id: {int(one) for one in ids if one} for room_id, ids in zip(room_ids, found, strict=True)}

    def everywhere(self) -> dict[str, int] | None:
        """How many people are in each room, whichever process serves them; None when it cannot be told."""
        return upkeep.everywhere()


def pieces(ids: list) -> Iterable[list]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def ms(seconds: float) -> int:
    return round(seconds * 1000)
