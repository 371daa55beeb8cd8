"""Who is here while Redis is away, forgets, or holds what is not ours."""

import time

import pytest

from chatapp.extensions import redis
from chatapp.realtime import presence_upkeep
from tests.stack.stores import ids, user, went


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
