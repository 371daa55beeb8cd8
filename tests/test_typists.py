"""Who is typing: told to the others, never stored, ended by the server."""

import pytest

from chatapp import presence, ratelimit, typists

LASTS = 3  # seconds, by the contract


@pytest.fixture
def together(ana, ben, room):
    ana.enters(room), ben.enters(room)
    ana.hears_all(), ben.hears_all()


def types(somebody, room, is_typing=True):
    assert somebody.asks("typing", {"sessionId": room, "isTyping": is_typing}) == {"ok": True}


def told(room, somebody, is_typing):
    return {"sessionId": room, "user": {"id": somebody.id, "name": somebody.name}, "isTyping": is_typing}


def test_the_others_are_told(together, ana, ben, room):
    types(ben, room)
    assert ana.hears_all() == [("typing", told(room, ben, True))]


def test_the_typists_own_connections_are_not_told(together, ben, cleo, room):
    other = ben.opens_a_tab()
    other.enters(room)
    cleo.enters(room)
    types(ben, room)
    ben.asks("stopTyping", {"sessionId": room})
    ben.hears_nothing("typing"), other.hears_nothing("typing")
    assert [one["isTyping"] for one in cleo.hears_all("typing")] == [True, False]


@pytest.mark.parametrize("how", ["stopTyping", "typing false"])
def test_the_typist_may_end_it(together, ana, ben, room, how):
    types(ben, room)
    ana.hears_all()
    if how == "stopTyping":
        assert ben.asks("stopTyping", {"sessionId": room}) == {"ok": True}
    else:
        types(ben, room, False)
    assert ana.hears_all() == [("typing", told(room, ben, False))]


def test_ending_what_never_began_is_told_to_nobody(together, ana, ben, room):
    types(ben, room, False)
    ben.asks("stopTyping", {"sessionId": room})
    ana.hears_nothing()


def test_it_ends_by_itself_after_three_seconds(together, ana, ben, room, clock):
    types(ben, room)
    ana.hears_all()
    clock.passes(LASTS - 0.1)
    ana.hears_nothing()
    clock.passes(0.2)
    assert ana.hears_all() == [("typing", told(room, ben, False))]
    clock.passes(60)
    ana.hears_nothing()


def test_three_seconds_count_from_the_last_word_of_it(together, ana, ben, room, clock):
    for _ in range(4):
        types(ben, room)
        clock.passes(LASTS - 0.1)
    assert False not in [one["isTyping"] for one in ana.hears_all("typing")]
    clock.passes(0.2)
    assert ana.hears("typing")["isTyping"] is False


def test_it_is_passed_on_about_once_a_second_however_often_it_is_said(together, ana, ben, room, clock):
    for _ in range(10):
        types(ben, room)
    assert len(ana.hears_all("typing")) == 1
    clock.passes(1)
    types(ben, room)
    assert len(ana.hears_all("typing")) == 1


def test_sending_a_message_ends_it_first(together, ana, ben, room):
    types(ben, room)
    ana.hears_all()
    ben.says("there", room)
    assert [name for name, _ in ana.hears_all()] == ["typing", "newMessage"]
    assert typists._typing == {}


def test_a_message_spoken_piece_by_piece_ends_it_too(together, ana, ben, room):
    types(ben, room)
    ana.hears_all()
    ben.begins(room)
    assert [name for name, _ in ana.hears_all()] == ["typing", "newMessage"]


def test_who_never_came_in_ends_it_with_his_last_connection(together, ana, cleo, room):
    other = cleo.opens_a_tab()
    types(cleo, room)
    assert ana.hears_all("typing") == [told(room, cleo, True)]
    other.closes()
    ana.hears_nothing("typing")
    cleo.tab.closes()
    assert ana.hears_all("typing") == [told(room, cleo, False)]


def test_a_message_in_another_room_does_not_end_it(together, ana, ben, room):
    attic = ben.makes("Attic", members=[ana])
    types(ben, room)
    ana.hears_all()
    ben.says("there", attic)
    ana.hears_nothing("typing")


def test_leaving_the_room_ends_it(together, ana, ben, room):
    types(ben, room)
    ana.hears_all()
    ben.leaves(room)
    assert ana.hears_all("typing") == [told(room, ben, False)]


def test_losing_the_last_connection_ends_it(together, ana, ben, room):
    other = ben.opens_a_tab()
    other.enters(room)
    types(ben, room)
    ana.hears_all()
    ben.tab.closes()
    ana.hears_nothing("typing")
    other.closes()
    assert ana.hears_all("typing") == [told(room, ben, False)]


def test_whoever_enters_later_hears_nothing_of_it(together, ben, cleo, room):
    types(ben, room)
    cleo.enters(room)
    cleo.hears_nothing("typing")


def test_in_a_crowd_it_is_acknowledged_and_goes_nowhere(app, together, ana, ben, room, clock):
    with app.app_context():
        for person_id in range(1_000_000, 1_000_099):
            presence.arrive(room, {"id": person_id}, f"sid {person_id}")
    ana.hears_all()
    types(ben, room)
    clock.passes(LASTS + 1)
    ben.asks("stopTyping", {"sessionId": room})
    ana.hears_nothing("typing")


def test_a_hundred_people_are_no_crowd_yet(app, together, ana, ben, room):
    with app.app_context():
        for person_id in range(1_000_000, 1_000_098):
            presence.arrive(room, {"id": person_id}, f"sid {person_id}")
    types(ben, room)
    assert ana.hears("typing")["isTyping"] is True


def test_nobody_types_in_an_archived_room(together, ana, ben, room):
    types(ben, room)
    ana.calls("DELETE", f"/sessions/{room}")
    ana.hears_all()
    types(ben, room)
    assert [one["isTyping"] for one in ana.hears_all("typing")] == [False]
    types(ben, room)
    ana.hears_nothing("typing")


def test_typing_by_the_api_is_told_to_the_sockets(together, ana, ben, room):
    assert ben.calls("POST", f"/sessions/{room}/typing").json == {"ok": True}
    assert ana.hears("typing") == told(room, ben, True)
    assert ben.calls("POST", f"/sessions/{room}/typing", {"isTyping": False}).status_code == 200
    assert ana.hears("typing") == told(room, ben, False)
    ben.hears_nothing("typing")


def test_nothing_of_it_reaches_the_database(together, ben, room, queries):
    with queries() as statements:
        types(ben, room)
        ben.asks("stopTyping", {"sessionId": room})
    assert [one for one in statements if not one.startswith("SELECT")] == []


@pytest.mark.parametrize("ending", ["stopTyping", "typing false"])
def test_one_who_flaps_is_soon_not_passed_on(app, together, ana, ben, room, clock, monkeypatch, ending):
    monkeypatch.setitem(app.config, "RATE_LIMITS", True)
    monkeypatch.setitem(ratelimit.RATES, "type", (10.0, 0.001))
    for _ in range(100):
        types(ben, room)
        ben.asks("stopTyping", {"sessionId": room}) if ending == "stopTyping" else types(ben, room, False)
    assert [one["isTyping"] for one in ana.hears_all("typing")] == [True, False] * 10
    clock.passes(LASTS + 1)
    ana.hears_nothing("typing")
    assert typists._typing == {}


def test_one_who_starts_again_at_once_is_shown_at_once(together, ana, ben, room, clock):
    types(ben, room)
    types(ben, room, False)
    types(ben, room)
    assert [one["isTyping"] for one in ana.hears_all("typing")] == [True, False, True]
    clock.passes(LASTS + 0.1)
    assert [one["isTyping"] for one in ana.hears_all("typing")] == [False]


def test_what_another_process_told_is_ended_by_a_message_through_this_one(together, ana, ben, room, clock, monkeypatch):
    taken = []

    def take(whose):
        taken.extend(whose)
        return [{"id": ben.id, "name": "Ben"} for _ in whose]

    monkeypatch.setattr(typists.typing_marks, "are_needed", lambda: True)
    monkeypatch.setattr(typists.typing_marks, "take", take)
    ben.says("there", room)
    assert [name for name, _ in ana.hears_all()] == ["newMessage"]
    clock.passes(0.2)
    assert ana.hears_all() == [("typing", told(room, ben, False))]
    assert taken == [(room, ben.id)]


def test_what_this_process_told_is_ended_once(together, ana, ben, room, clock, monkeypatch):
    monkeypatch.setattr(typists.typing_marks, "are_needed", lambda: True)
    monkeypatch.setattr(typists.typing_marks, "take", lambda whose: [{"id": ben.id, "name": "Ben"} for _ in whose])
    types(ben, room)
    ben.asks("stopTyping", {"sessionId": room})
    clock.passes(5)
    assert [one["isTyping"] for one in ana.hears_all("typing")] == [True, False]
