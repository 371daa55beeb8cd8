"""Who is here, kept in a real Redis by any number of processes: each is a store of its own here, or a process of ours."""

import itertools
import json
import os
import random
import time

import pytest

from chatapp import create_app
from chatapp.extensions import redis
from chatapp.realtime import leases, presence_shapes, presence_upkeep
from chatapp.realtime.presence_shared import PresenceShared
from tests.live.people import Somebody

GRACE_S = 0.3
BEAT_S = 0.05
LEASE_S = 0.7


@pytest.fixture
def linked(redis_server, monkeypatch):
    """This process uses the Redis; what takes seconds takes moments."""
    monkeypatch.setattr(presence_shapes, "GRACE_S", GRACE_S)
    monkeypatch.setattr(presence_upkeep, "BEAT_S", BEAT_S)
    create_app({"APP_ENV": "test", "DATABASE_URL": "sqlite://", "REDIS_URL": redis_server.url})
    yield redis_server
    create_app({"APP_ENV": "test", "DATABASE_URL": "sqlite://"})


@pytest.fixture
def short_lease(monkeypatch):
    monkeypatch.setattr(leases, "LEASE_MS", round(LEASE_S * 1000))


@pytest.fixture
def stores(linked):
    made = [PresenceShared() for _ in range(3)]
    for one in made:
        one.beat()
    return made


def user(person_id):
    return {
        "id": person_id,
        "name": f"Näme {person_id}",
        "kind": "person",
        "avatarUrl": f"/people/{person_id}/avatar.svg",
    }


def ids(answer):
    return [one["id"] for one in answer["users"]]


def went(stores, quiet=3 * GRACE_S):
    """Everything that is told to have ended, by whichever store, until nothing was for so long."""
    found, last = [], time.monotonic()
    while time.monotonic() < last + quiet:
        for store in stores:
            assert store.beat() == []
            new = store.ended()
            found += [(one.room_id, one.user["id"], one.count) for one in new]
            last = time.monotonic() if new else last
        time.sleep(0.02)
    return found


def test_tabs_on_several_processes_are_one_person(stores):
    first, second, third = stores
    assert first.arrive("kitchen", user(1), "a") == ("kitchen", user(1), 1)
    assert second.arrive("kitchen", user(1), "b") is None
    assert second.arrive("kitchen", user(2), "c").count == 2
    assert third.who("kitchen") == {"count": 2, "users": [user(1), user(2)]}
    first.depart("kitchen", 1, "a")
    assert went(stores) == []
    second.depart("kitchen", 1, "b")
    assert third.who("kitchen")["count"] == 2
    assert went(stores) == [("kitchen", 1, 1)]
    assert third.who("kitchen") == {"count": 1, "users": [user(2)]}


def test_a_reload_that_leads_to_another_process_shows_nothing(stores):
    first, second, _ = stores
    first.arrive("kitchen", user(1), "a")
    first.depart("kitchen", 1, "a")
    assert second.arrive("kitchen", user(1), "b") is None
    assert went(stores) == []
    assert ids(first.who("kitchen")) == [1]


def test_the_same_connection_arriving_or_leaving_twice_counts_once(stores):
    first, second, _ = stores
    for _ in range(2):
        first.arrive("kitchen", user(1), "a")
    first.depart("kitchen", 1, "a")
    first.depart("kitchen", 1, "a")
    first.depart("kitchen", 9, "z")
    second.depart("nowhere", 1, "a")
    assert went(stores) == [("kitchen", 1, 0)]


def test_nothing_is_left_of_a_room_that_emptied(stores, linked):
    for number, store in enumerate(stores):
        store.arrive("kitchen", user(number), f"s{number}")
        store.depart("kitchen", number, f"s{number}")
    assert len(went(stores)) == 3
    assert list(linked.client.scan_iter()) == ["presence:processes"]
    assert [(one.mine, one.graces, one.listed, one.counts) for one in stores] == [({}, {}, {}, {})] * 3


def test_everything_in_redis_ends_by_itself(stores, linked):
    stores[0].arrive("kitchen", user(1), "a")
    stores[0].next_beat = 0
    stores[0].beat()
    kept = set(linked.client.scan_iter())
    assert "session:kitchen:online" in kept
    assert all(linked.client.pttl(key) > 0 for key in kept)


def test_things_of_another_kind_under_our_names_do_not_last(stores, linked):
    one, two, _ = stores
    one.arrive("kitchen", user(1), "a")
    two.arrive("garden", user(2), "b")
    linked.client.delete("session:kitchen:online", leases.PROCESSES)
    linked.client.set("session:kitchen:online", "somebody else's")
    linked.client.set(leases.PROCESSES, "somebody else's")
    for _ in range(4):
        time.sleep(BEAT_S)
        one.who("kitchen")
        assert [store.beat() for store in stores] == [[], [], []]
    assert (ids(two.who("kitchen")), ids(one.who("garden"))) == ([1], [2])
    assert one.everywhere() == {"kitchen": 1, "garden": 1}


def test_who_is_put_out_is_gone_at_once_when_every_process_obeyed(stores):
    first, second, third = stores
    first.arrive("kitchen", user(1), "a"), second.arrive("kitchen", user(1), "b"), third.arrive("kitchen", user(2), "c")
    assert [one.dismiss("kitchen", 1) for one in stores] == [None, ("kitchen", user(1), 1), None]
    first.arrive("kitchen", user(3), "d")
    first.depart("kitchen", 3, "d")
    assert first.rooms_of(3) == ["kitchen"]
    assert [one.dismiss("kitchen", 3) for one in stores] == [("kitchen", user(3), 1), None, None]
    assert went(stores) == []


def test_a_dead_process_is_noticed_and_each_departure_told_once(stores, short_lease):
    first, second, dead = stores
    for store in stores:
        store.next_beat = 0
        store.beat()
    for number in range(50):
        dead.arrive("kitchen", user(number), f"s{number}")
        dead.arrive(f"attic {number % 7}", user(number), f"s{number}")
    first.arrive("kitchen", user(100), "here")
    second.arrive("kitchen", user(7), "also here")
    gone = [one for one in went([first, second], quiet=LEASE_S + 3 * GRACE_S) if one[0] == "kitchen"]
    assert sorted(one for _, one, _ in gone) == [one for one in range(50) if one != 7]
    assert [count for _, _, count in gone] == list(range(50, 1, -1))
    assert second.who("kitchen")["count"] == 2
    assert {second.who(f"attic {number}")["count"] for number in range(7)} == {0}


def test_a_process_taken_for_dead_is_back_with_all_its_people(stores, short_lease):
    first, second, stalled = stores
    for store in stores:
        store.next_beat = 0
        store.beat()
    stalled.arrive("kitchen", user(1), "a"), first.arrive("kitchen", user(2), "b")
    assert [one for _, one, _ in went([first, second], quiet=LEASE_S + 3 * GRACE_S)] == [1]
    assert went(stores) == []
    assert sorted(ids(first.who("kitchen"))) == [1, 2]


@pytest.mark.parametrize("what", ["everything", "the room", "the processes"])
def test_what_redis_forgot_is_said_again_and_nobody_hears_of_it(stores, linked, what):
    for number, store in enumerate(stores):
        store.arrive("kitchen", user(number), f"s{number}")
    names = {"the room": "session:kitchen:online", "the processes": "presence:processes"}
    linked.client.flushall() if what == "everything" else linked.client.delete(names[what])
    for store in stores:
        store.who("kitchen")
    assert went(stores) == []
    assert sorted(ids(stores[0].who("kitchen"))) == [0, 1, 2]


def test_a_room_lost_without_anybody_looking_is_found_when_it_is_renewed(stores, linked, monkeypatch):
    monkeypatch.setattr(presence_upkeep, "RENEWED_S", 0.1)
    stores[0].arrive("kitchen", user(1), "a")
    linked.client.delete("session:kitchen:online")
    assert went(stores) == []
    assert stores[1].who("kitchen")["count"] == 1


def until_back(stores):
    deadline = time.monotonic() + 10
    while redis.away:
        redis.probe()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [change for store in stores for change in store.beat()]


@pytest.mark.parametrize("how", ["frozen", "restarted empty"])
def test_away_is_unknown_and_what_happened_meanwhile_is_put_right(stores, linked, how):
    first, second, _ = stores
    (
        first.arrive("kitchen", user(1), "a"),
        second.arrive("kitchen", user(2), "b"),
        second.arrive("kitchen", user(5), "e"),
    )
    linked.freeze() if how == "frozen" else linked.kill()
    assert first.who("kitchen") == {"count": None, "users": []}
    assert first.arrive("kitchen", user(3), "c") is None
    assert first.arrive("kitchen", user(4), "d") is None
    first.depart("kitchen", 4, "d")
    second.depart("kitchen", 2, "b")
    assert second.dismiss("kitchen", 5) is None
    assert (first.ended(), first.beat(), first.crowds({"kitchen"}), first.in_rooms(["kitchen"]), first.everywhere()) == (
        [], [], ([], {"kitchen"}), {"kitchen": set()}, None,
    )  # fmt: skip
    linked.thaw() if how == "frozen" else linked.start()
    assert [one.user["id"] for one in until_back(stores) if one.user["id"] != 4] == [3]
    assert sorted(one for _, one, _ in went(stores) if one != 4) == [2, 5]
    assert sorted(ids(second.who("kitchen"))) == [1, 3]


def test_who_came_and_went_unseen_is_news_when_he_is_back(stores, linked):
    store = stores[0]
    redis.away = True
    assert store.arrive("kitchen", user(1), "a") is None
    store.depart("kitchen", 1, "a")
    linked.client.flushall()
    redis.probe()
    assert store.beat() == []
    assert store.arrive("kitchen", user(1), "b") == ("kitchen", user(1), 1)


def test_more_than_can_be_remembered_is_put_right_too(stores, linked, monkeypatch):
    monkeypatch.setattr("chatapp.realtime.presence_shared.UNSAID_MAX", 2)
    first, second, _ = stores
    for number in range(5):
        first.arrive("kitchen", user(number), f"s{number}")
    linked.freeze()
    for number in range(4):
        first.depart("kitchen", number, f"s{number}")
    second.arrive("kitchen", user(9), "x")
    linked.thaw()
    until_back(stores)
    assert sorted(one for _, one, _ in went(stores)) == [0, 1, 2, 3]
    assert sorted(ids(second.who("kitchen"))) == [4, 9]


def test_a_crowd_is_told_one_number_a_second_over_all_processes(stores):
    for number in range(150):
        stores[number % 3].arrive("hall", user(number), f"s{number}")
    told, changed = [], [{"hall"} for _ in stores]
    began = time.monotonic()
    while time.monotonic() < began + 2.5:
        for place, store in enumerate(stores):
            now, changed[place] = store.crowds(changed[place])
            told += [(time.monotonic(), count) for _, count in now]
        if time.monotonic() < began + 1.8:
            stores[0].arrive("hall", user(random.randrange(1_000, 9_999)), str(random.random()))
            changed[0] = {"hall"}
        time.sleep(0.02)
    assert 2 <= len(told) <= 3
    assert all(later - earlier > 0.9 for (earlier, _), (later, _) in itertools.pairwise(told))
    assert told[-1][1] == stores[1].who("hall")["count"]
    assert len(stores[1].who("hall")["users"]) == 100


def test_crowded_is_known_without_asking(stores, linked):
    first, second, _ = stores
    first.arrive("hall", user(0), "s0")
    for number in range(1, 101):
        second.arrive("hall", user(number), f"s{number}")
    asked = linked.client.info("commandstats")
    assert first.count("hall") == 1
    assert linked.client.info("commandstats")["cmdstat_evalsha"] == asked["cmdstat_evalsha"]
    first.next_beat = 0
    first.beat()
    assert first.count("hall") == 101


def test_direct_rooms_are_looked_up_together_and_everybody_is_counted_for_the_operator(stores):
    stores[0].arrive("one", user(1), "a"), stores[1].arrive("one", user(2), "b"), stores[1].arrive("two", user(2), "b")
    assert stores[2].in_rooms(["one", "two", "three"]) == {"one": {1, 2}, "two": {2}, "three": set()}
    assert stores[2].in_rooms([]) == {}
    assert stores[2].everywhere() == {"one": 2, "two": 1}


def test_a_thousand_people_join_one_room_at_the_same_cost_each(stores, linked, note):
    calls = []
    began = time.monotonic()
    for number in range(1_000):
        if number % 100 == 0:
            linked.client.config_resetstat()
        store = stores[number % 3]
        store.arrive("hall", user(number), f"s{number}")
        assert store.who("hall")["count"] == number + 1
        if number % 100 == 99:
            stats = linked.client.info("commandstats")
            calls.append(
                sum(
                    one["calls"]
                    for name, one in stats.items()
                    if name not in ("cmdstat_info", "cmdstat_config|resetstat", "cmdstat_config")
                )
            )
    seconds = time.monotonic() - began
    note(f"1,000 people came into one room in {seconds:.1f} s, {max(calls) / 100:.0f} commands of Redis each at most")
    assert max(calls) / 100 < 40
    assert max(calls[1:]) - min(calls[1:]) < 100
    assert seconds < 5 * 4


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


LEASE_AND_GRACE_S = 60  # by the contract


def online(somebody, room):
    return somebody.calls("GET", f"/sessions/{room}/online").json()


def until(there, within):
    """Seconds until `there()` is true."""
    began = time.monotonic()
    while not there():
        assert time.monotonic() - began < within, f"not within {within} s"
        time.sleep(0.1)
    return time.monotonic() - began


@pytest.fixture
def on_both(houses):
    """Ana on the first process, Ben on the second, in one room; Ben can also come to the first."""
    first, second = houses
    ana, ben = first.somebody("Ana"), second.somebody("Ben")
    room = ana.makes(ben)
    ana.enters(room)
    ben.enters(room)
    assert ana.hears("userOnline", within=10, count=2)["user"]["id"] == ben.id
    ana.tab.forgets()
    return ana, ben, room


def test_a_reload_from_one_process_to_the_other_shows_nothing_and_typing_ends_everywhere(houses, on_both):
    ana, ben, room = on_both
    elsewhere = Somebody(houses[0].url, (ben.id, ben.name, ben.email, ben.token, ben.token_id))
    ana.tab.forgets()
    ben.tab.closes()
    elsewhere.enters(room)
    time.sleep(7)
    assert [name for name in ana.tab.heard_names() if name.startswith("user")] == []
    ben.opens_a_tab().asks("typing", {"sessionId": room, "isTyping": True})
    assert ana.hears("typing", isTyping=True)
    elsewhere.says("There", room)
    assert ana.hears("typing", within=2.5, isTyping=False)
    assert elsewhere.tab.heard("typing") == []


def test_redis_away_is_unknown_and_all_is_known_again_soon_after(on_both, redis_server, note):
    ana, ben, room = on_both
    redis_server.kill()
    assert online(ana, room) == online(ben, room) == {"count": None, "users": []}
    assert ana.enters(room)["online"] == {"count": None, "users": []}
    redis_server.start()
    took = until(lambda: [online(one, room)["count"] for one in (ana, ben)] == [2, 2], within=5 * 5)
    redis_server.client.flushall()
    again = until(lambda: [online(one, room)["count"] for one in (ana, ben)] == [2, 2], within=5 * 5)
    note(f"presence was known again {took:.1f} s after Redis came back, {again:.1f} s after it was emptied")
    assert {"userOnline", "userOffline"} & set(ana.tab.heard_names()) == set()


@pytest.mark.skipif(not os.environ.get("TEST_LONG"), reason="waits for a real lease: TEST_LONG=1")
def test_a_process_killed_with_fifty_people_is_noticed_within_a_minute(houses, note):
    first, second = houses
    ana, people = first.somebody("Ana"), second.people(50)
    room = ana.makes(*people)
    ana.enters(room)
    for one in people:
        one.enters(room)
    ana.hears("userOnline", within=30, count=51)
    began = time.monotonic()
    second.server.kill()
    gone = [ana.tab.hears_at("userOffline", within=90) for _ in people]
    took = gone[-1][1] - began
    note(f"50 people of a killed process were told to be gone {gone[0][1] - began:.0f} to {took:.0f} s later")
    assert took < LEASE_AND_GRACE_S
    assert sorted(one["user"]["id"] for one, _ in gone) == sorted(one.id for one in people)
    time.sleep(3)
    assert ana.tab.heard("userOffline") == []
    assert online(ana, room)["count"] == 1
