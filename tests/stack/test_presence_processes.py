"""Who is here, by real processes of ours."""

import os
import time

import pytest

from tests.live.people import Somebody

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
