"""Who is here, at random, beside a model that is too simple to be wrong."""

import json
import os
import random
import time

import pytest

from chatapp.extensions import redis
from chatapp.realtime import presence_upkeep
from chatapp.realtime.presence_shared import PresenceShared
from tests.stack.stores import ids, user

SEEDS = range(int(os.environ.get("TEST_SEEDS", "6")))


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_it_agrees_with_a_simple_model(linked, seed, short_lease, monkeypatch):
    """Connections come and go, processes die and others take their place, Redis freezes and forgets: at rest it holds
    exactly the people with a connection, and whoever was told to have gone is not among them."""
    chance, rooms = random.Random(seed), ["kitchen", "attic"]
    monkeypatch.setattr(presence_upkeep, "RENEWED_S", 0.3)
    stores, has_accidents = [PresenceShared() for _ in range(3)], seed % 2
    held, shown = [{} for _ in stores], {room: set() for room in rooms}  # store → (room, sid) → person; what a room saw

    is_frozen = False

    def hear(came=(), gone=()):
        for change in came:
            shown[change.room_id].add(change.user["id"])
        for change in gone:
            shown[change.room_id].discard(change.user["id"])

    for step in range(150):
        for store in stores:  # as the ticker of each: more often than a grace lasts
            hear(came=store.beat())
        place = chance.randrange(3)
        store, mine = stores[place], held[place]
        verb = chance.choice(
            ["arrive"] * 5
            + ["depart"] * 4
            + ["dismiss", "sweep", "sweep", "thaw", "die"]
            + ["flush", "freeze"] * has_accidents
        )
        if verb == "arrive":
            room, person, sid = chance.choice(rooms), chance.randrange(8), f"{step}"
            mine[room, sid] = person
            hear(came=[one for one in [store.arrive(room, user(person), sid)] if one])
        elif verb == "depart" and mine:
            room, sid = chance.choice(sorted(mine))
            store.depart(room, mine.pop((room, sid)), sid)
        elif verb == "dismiss":
            room, person = chance.choice(rooms), chance.randrange(8)
            for each, his in zip(stores, held, strict=True):
                hear(gone=[one for one in [each.dismiss(room, person)] if one])
                for whose in [one for one in his if one[0] == room and his[one] == person]:
                    del his[whose]
        elif verb == "flush" and not is_frozen and chance.random() < 0.3:
            linked.client.flushall()
        elif verb == "freeze" and chance.random() < 0.3:
            linked.freeze()
            is_frozen = True
        elif verb == "thaw":
            linked.thaw()
            redis.probe()
            is_frozen = False
        elif verb == "die" and chance.random() < 0.3:
            stores[place], held[place] = PresenceShared(), {}
        else:
            hear(gone=store.ended())
    linked.thaw()
    deadline, quiet = time.monotonic() + 20, time.monotonic() + 2.5
    while time.monotonic() < min(quiet, deadline):  # longer than lease and grace without any news
        redis.probe()
        for store in stores:
            came, gone = store.beat(), store.ended()
            hear(came, gone)
            quiet = time.monotonic() + 2.5 if came or gone else quiet
        time.sleep(0.02)
    for room in rooms:
        here = {person for mine in held for (where, _), person in mine.items() if where == room}
        answer = stores[0].who(room)
        assert (answer["count"], set(ids(answer))) == (len(here), here)
        kept = linked.client.hgetall(f"session:{room}:online")
        connections = {name for name in kept if name.startswith("c:")}
        assert connections == {f"c:{sid}" for mine in held for where, sid in mine if where == room}
        assert sorted(int(value) for name, value in kept.items() if name.startswith("i:")) == sorted(here)
        assert {name for name in kept if name.startswith("g:")} == set()
        for person in here:
            assert json.loads(kept[f"u:{person}"]) == user(person)
        assert here == shown[room] or (
            has_accidents and here < shown[room]
        )  # after two at once somebody may seem to stay
