"""Who is here: per person, whatever the number of tabs; a reload shows nothing; a crowd is told in numbers."""

import pytest

from chatapp import presence
from chatapp.realtime.presence_shapes import Change

GRACE = 5  # seconds, by the contract
CROWD = 100


def user(person_id, name="Somebody"):
    return {
        "id": person_id,
        "name": f"{name} {person_id}",
        "kind": "person",
        "avatarUrl": f"/people/{person_id}/avatar.svg",
    }


def online(somebody, room):
    answer = somebody.gets(f"/sessions/{room}/online")
    return answer["count"], [one["id"] for one in answer["users"]]


@pytest.fixture
def fill(app):
    """`fill(room, n)`: so many more people are there."""

    def arrive(room, count, first=1_000_000):
        with app.app_context():
            for person_id in range(first, first + count):
                presence.arrive(room, user(person_id), f"sid {person_id}")

    return arrive


def test_whoever_enters_is_told_to_the_room_with_the_number(ana, ben, room):
    ana.enters(room)
    ben.enters(room)
    face = {"id": ben.id, "name": "Ben", "kind": "person", "avatarUrl": f"/people/{ben.id}/avatar.svg"}
    assert ana.hears_all("userOnline")[-1] == {"sessionId": room, "user": face, "count": 2}
    assert online(ana, room) == (2, [ana.id, ben.id])


def test_the_answer_to_joining_counts_oneself(ana, ben, room):
    ana.enters(room)
    answer = ben.enters(room)["online"]
    assert answer["count"] == 2 and [one["name"] for one in answer["users"]] == ["Ana", "Ben"]


def test_several_tabs_are_one_person(ana, ben, room, clock):
    ana.enters(room), ben.enters(room)
    ana.hears_all()
    second = ben.opens_a_tab()
    second.enters(room)
    assert online(ana, room) == (2, [ana.id, ben.id])
    second.closes()
    clock.passes(GRACE + 1)
    ana.hears_nothing()
    assert online(ana, room)[0] == 2


def test_a_tab_that_enters_twice_counts_once(ana, ben, room, clock):
    ana.enters(room), ben.enters(room), ben.enters(room)
    ana.hears_all()
    ben.tab.closes()
    clock.passes(GRACE + 1)
    assert ana.hears("userOffline")["count"] == 1


def test_the_last_tab_to_leave_starts_the_grace(ana, ben, room, clock):
    ana.enters(room), ben.enters(room)
    ana.hears_all()
    ben.tab.closes()
    clock.passes(GRACE - 0.1)
    ana.hears_nothing()
    assert online(ana, room) == (2, [ana.id, ben.id])
    clock.passes(0.2)
    assert ana.hears("userOffline") == {"sessionId": room, "user": ben_user(ben), "count": 1}
    assert online(ana, room) == (1, [ana.id])
    clock.passes(60)
    ana.hears_nothing()


def ben_user(ben):
    return {"id": ben.id, "name": "Ben", "kind": "person", "avatarUrl": f"/people/{ben.id}/avatar.svg"}


def test_a_reload_shows_nothing(ana, ben, room, clock):
    ana.enters(room), ben.enters(room)
    ana.hears_all()
    ben.tab.closes()
    clock.passes(GRACE - 1)
    ben.opens_a_tab().enters(room)
    clock.passes(60)
    ana.hears_nothing()
    assert online(ana, room)[0] == 2


def test_each_leaving_has_a_grace_of_its_own(ana, ben, room, clock):
    ana.enters(room), ben.enters(room)
    ben.tab.closes()
    clock.passes(GRACE - 1)
    again = ben.opens_a_tab()
    again.enters(room)
    again.closes()
    ana.hears_all()
    clock.passes(GRACE - 1)
    ana.hears_nothing("userOffline")
    clock.passes(1.1)
    assert ana.hears("userOffline")["count"] == 1


def test_leaving_the_room_counts_like_closing_the_tab(ana, ben, room, clock):
    ana.enters(room), ben.enters(room)
    ben.leaves(room)
    ana.hears_all()
    clock.passes(GRACE + 0.1)
    assert ana.hears("userOffline")["user"]["id"] == ben.id


def test_leaving_again_and_again_does_not_stretch_the_grace(ana, ben, room, clock):
    ana.enters(room), ben.enters(room)
    ana.hears_all()
    ben.leaves(room)
    clock.passes(GRACE - 1)
    ben.leaves(room)
    ben.opens_a_tab().asks("leaveSession", {"sessionId": room})
    clock.passes(1.1)
    assert ana.hears("userOffline")["user"]["id"] == ben.id


def test_leaving_a_room_one_never_entered_shows_nothing(ana, ben, room, clock):
    ana.enters(room)
    ana.hears_all()
    ben.leaves(room)
    clock.passes(60)
    ana.hears_nothing()


def test_one_room_says_nothing_of_another(ana, ben, room):
    attic = ana.makes("Attic", members=[ben])
    ana.enters(room)
    ana.hears_all()
    ben.enters(attic)
    ana.hears_nothing("userOnline")
    assert online(ana, room) == (1, [ana.id]) and online(ana, attic) == (1, [ben.id])


def test_at_most_a_hundred_are_named_and_all_are_counted(ana, room, fill):
    fill(room, 150)
    answer = ana.enters(room)["online"]
    assert (answer["count"], len(answer["users"])) == (151, 100)
    assert ana.gets(f"/sessions/{room}/online") == answer


def test_up_to_a_hundred_everybody_is_told_by_name(ana, room, fill, clock):
    ana.enters(room)
    fill(room, CROWD - 2)
    ana.hears_all()
    fill(room, 1, first=5_000_000)
    assert ana.hears("userOnline")["count"] == CROWD
    clock.passes(2)
    ana.hears_nothing("presence")


def test_a_crowd_is_told_in_numbers(ana, ben, room, fill, clock):
    ana.enters(room)
    fill(room, CROWD - 1)
    ana.hears_all()
    ben.enters(room)
    clock.passes(1)
    assert ana.hears_all() == [("presence", {"sessionId": room, "count": CROWD + 1})]
    clock.passes(5)
    ana.hears_nothing()


def test_a_crowd_is_told_once_a_second_however_many_come(ana, room, fill, clock):
    ana.enters(room)
    fill(room, CROWD)
    ana.hears_all()
    fill(room, 50, first=5_000_000)
    ana.hears_nothing()
    clock.passes(1)
    assert ana.hears_all() == [("presence", {"sessionId": room, "count": 151})]


def test_a_crowd_that_thins_out_is_told_to_the_last_number(app, ana, ben, room, fill, clock):
    ana.enters(room), ben.enters(room)
    fill(room, CROWD)
    clock.passes(1)
    ana.hears_all()
    ben.tab.closes()
    clock.passes(GRACE + 0.1)
    clock.passes(1)
    assert ana.hears_all() == [("presence", {"sessionId": room, "count": CROWD + 1})]
    with app.app_context():
        presence.dismiss(room, 1_000_000)
    assert ana.hears("userOffline")["count"] == CROWD
    clock.passes(1)
    ana.hears_nothing()


def test_a_room_that_emptied_leaves_nothing_behind(ben, room, clock):
    ben.enters(room)
    ben.tab.closes()
    clock.passes(GRACE + 0.1)
    assert (presence.alone.rooms, presence.alone.graces) == ({}, {})


def test_who_was_not_here_is_neither_departed_nor_dismissed(inside, ana, room, clock):
    ana.enters(room)
    ana.hears_all()
    presence.depart(room, 999, "nobody")
    presence.dismiss(room, 999)
    presence.dismiss("nowhere", ana.id)
    presence.depart("nowhere", ana.id, ana.tab.sid)
    clock.passes(60)
    ana.hears_nothing()
    assert presence.in_rooms([room, "nowhere"]) == {room: {ana.id}, "nowhere": set()}


def test_who_is_signed_out_is_offline_after_the_grace(ana, ben, room, clock):
    browser = ben.opens_a_browser()
    ana.enters(room)
    browser.opens_a_tab().enters(room)
    ana.hears_all()
    browser.posts("/sign-out")
    clock.passes(GRACE + 0.1)
    assert ana.hears("userOffline")["count"] == 1


def test_who_is_deactivated_is_offline_at_once_in_every_room(ana, ben, olga, room, clock):
    attic = ana.makes("Attic", members=[ben])
    other = ben.opens_a_tab()
    ana.enters(room), ana.enters(attic), ben.enters(room), other.enters(room), other.enters(attic)
    ben.asks("typing", {"sessionId": room, "isTyping": True})
    browser = olga.opens_a_browser()
    ana.hears_all()
    browser.posts(f"/people/{ben.id}/deactivate")
    gone = ana.hears_all("userOffline")
    assert sorted(one["sessionId"] for one in gone) == sorted([room, attic])
    assert {(one["user"]["id"], one["count"]) for one in gone} == {(ben.id, 1)}
    assert online(ana, room) == online(ana, attic) == (1, [ana.id])
    assert [one["isTyping"] for one in ana.hears_all("typing")] == [False]
    clock.passes(60)
    ana.hears_nothing("userOffline")
    assert presence.alone.graces == {}


class Elsewhere:
    """A store that came to know something by itself."""

    def __init__(self, *changes):
        self.changes = changes

    def beat(self):
        return self.changes

    def crowds(self, room_ids):
        return [], set(room_ids)


def test_who_could_not_be_told_when_he_came_is_told_later(inside, ana, room, monkeypatch):
    ana.enters(room)
    ana.hears_all()
    monkeypatch.setattr(presence, "alone", Elsewhere(Change(room, user(9), 2)))
    presence.beat()
    assert ana.hears_all() == [("userOnline", {"sessionId": room, "user": user(9), "count": 2})]


def test_a_number_that_may_not_be_told_yet_is_told_later(inside, ana, room, fill, monkeypatch):
    ana.enters(room)
    fill(room, CROWD)
    ana.hears_all()
    with monkeypatch.context() as patch:
        patch.setattr(presence, "alone", Elsewhere())
        presence.tell_crowds()
        ana.hears_nothing()
    presence.tell_crowds()
    assert ana.hears("presence")["count"] == CROWD + 1


def test_with_redis_it_is_kept_there(inside, monkeypatch):
    monkeypatch.setitem(inside.config, "REDIS_URL", "redis://127.0.0.1:1")
    assert presence.store() is presence.shared
    assert presence.who("anywhere") == {"count": None, "users": []}
    assert presence.everywhere() is None


def test_the_faces_of_a_crowd_are_shown_to_many_and_are_right_at_once_when_one_leaves(ana, ben, room, fill, inside):
    ben.enters(room)
    fill(room, CROWD + 1)
    first = ana.enters(room)["online"]
    assert first["count"] == CROWD + 3 and len(first["users"]) == 100 and first["users"][0]["name"] == "Ben"
    assert presence.who(room)["users"] is presence.who(room)["users"], "gathered once"
    presence.dismiss(room, ben.id)
    count, ids = online(ana, room)
    assert count == CROWD + 2 and len(ids) == 100 and ben.id not in ids


def test_the_faces_of_a_crowd_are_not_kept_for_long(inside, room, fill, clock):
    fill(room, CROWD + 1)
    kept = presence.who(room)["users"]
    clock.passes(0.9)
    assert presence.who(room)["users"] is kept
    clock.passes(0.2)
    fill("elsewhere", CROWD + 1)
    assert presence.who(room)["users"] == kept and presence.who(room)["users"] is not kept
    assert presence.who("elsewhere")["count"] == CROWD + 1
    clock.passes(2)
    presence.who("elsewhere")
    assert list(presence.alone.faces) == ["elsewhere"], "those of other rooms are let go"
