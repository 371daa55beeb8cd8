"""Who is here: a person, not a tab; a reload shows nothing; whoever is gone is seen to be gone."""

import time

import pytest

GRACE_S = 5.0
ENDS_WITHIN_S = 5 * GRACE_S
RELOAD_S = 1.5  # between the old page and the new one


def online(reader, room):
    return reader.calls("GET", f"/sessions/{room}/online").json()


def ids(answer):
    return {user["id"] for user in answer["users"]}


def test_coming_is_told_once_however_many_tabs_there_are(ana, ben, room):
    assert online(ana, room) == {"count": 0, "users": []}
    assert ids(ana.enters(room)["online"]) == {ana.id}
    tabs = [ben.opens_a_tab(), ben.opens_a_tab(transport="polling"), ben.opens_a_browser().opens_a_tab()]
    for tab in tabs:
        answer = tab.enters(room)["online"]
        assert (answer["count"], ids(answer)) == (2, {ana.id, ben.id})
    came = ana.hears("userOnline", count=2)
    assert (came["sessionId"], came["user"]["id"]) == (room, ben.id)
    assert online(ana, room) == answer
    ana.tab.forgets()
    tabs[0].closes()
    tabs[1].asks("leaveSession", {"sessionId": room})
    time.sleep(GRACE_S + 1)
    assert online(ana, room) == answer
    assert ana.tab.heard_names() == []


def test_a_reload_shows_nothing_and_leaving_for_good_is_told_after_the_grace(ana, ben, cleo, room, note):
    for somebody in (ana, ben, cleo):
        somebody.enters(room)
    ana.hears("userOnline", count=3)
    ana.tab.forgets()
    began = time.monotonic()
    ben.tab.closes()
    cleo.tab.closes()
    time.sleep(RELOAD_S)
    assert online(ana, room)["count"] == 3
    reloaded = ben.opens_a_tab()
    reloaded.enters(room)
    gone, at = ana.tab.hears_at("userOffline", within=ENDS_WITHIN_S)
    assert (gone["sessionId"], gone["user"]["id"], gone["count"]) == (room, cleo.id, 2)
    assert at - began >= GRACE_S - 0.5
    time.sleep(max(0.0, began + RELOAD_S + GRACE_S + 1 - time.monotonic()))
    assert ana.tab.heard_names() == []
    assert ids(online(ana, room)) == {ana.id, ben.id}
    note(f"a departure was told {at - began:.1f} s after the last tab was closed")


def test_leaving_the_room_and_a_connection_cut_without_goodbye_are_told_too(ana, ben, cleo, room):
    for somebody in (ana, ben, cleo):
        somebody.enters(room)
    ben.asks("leaveSession", {"sessionId": room})
    cleo.tab.is_cut_off()
    gone = [ana.hears("userOffline", within=ENDS_WITHIN_S) for _ in range(2)]
    assert {one["user"]["id"] for one in gone} == {ben.id, cleo.id}
    assert [one["count"] for one in gone] == [2, 1]
    assert ben.tab.is_open


def test_who_is_here_is_told_room_by_room(ana, ben, room):
    other = ana.makes(ben, name="Garden")
    ana.enters(room)
    ana.enters(other)
    ben.enters(other)
    came = ana.hears("userOnline", sessionId=other, count=2)
    assert came["user"]["id"] == ben.id
    assert (online(ana, room)["count"], online(ana, other)["count"]) == (1, 2)


@pytest.fixture(scope="module")
def crowd(house):
    """101 people in one room, and its owner."""
    people = house.people(102)
    room = people[0].makes(*people[1:])
    return people, room


def test_a_crowded_room_is_told_numbers_and_no_typing(crowd):
    people, room = crowd
    owner, last = people[0], people[-1]
    owner.enters(room)
    for one in people[1:-1]:
        one.enters(room)
    assert owner.hears("userOnline", count=100)
    owner.tab.forgets()
    answer = last.enters(room)["online"]
    assert (answer["count"], len(answer["users"])) == (102, 100)
    assert owner.hears("presence", count=102) == {"sessionId": room, "count": 102}
    assert last.asks("typing", {"sessionId": room, "isTyping": True}) == {"ok": True}
    last.says("Hello, all of you", room)
    owner.hears("newMessage")
    assert not {"typing", "userOnline"} & set(owner.tab.heard_names())
