"""Who is typing: told to the others, and ended by the server, whatever becomes of the typist."""

import time

import pytest

LASTS_S = 3.0


@pytest.fixture
def typing(ana, ben, room):
    """Ana types (on the first of two tabs), and Ben sees it."""
    ana.opens_a_tab().enters(room)
    ana.enters(room)
    ben.enters(room)
    types(ana, room)
    told = ben.hears("typing")
    assert told == {"sessionId": room, "user": {"id": ana.id, "name": "Ana"}, "isTyping": True}
    return told | {"isTyping": False}


def types(somebody, room):
    assert somebody.asks("typing", {"sessionId": room, "isTyping": True}) == {"ok": True}


def test_it_ends_by_itself_three_seconds_after_the_last_word_of_it(ana, ben, room, typing, note):
    for _ in range(2):
        time.sleep(1)
        types(ana, room)
        ben.hears("typing", isTyping=True)
    began = time.monotonic()
    _, at = ben.tab.hears_at("typing", within=5 * LASTS_S, **typing)
    assert at - began >= LASTS_S - 0.5
    assert ben.tab.heard("typing") == []
    note(f"typing ended {at - began:.1f} s after the last word")


def by_sending(ana, tab, room):
    ana.says("There", room)


def by_saying_so(ana, tab, room):
    assert ana.asks("stopTyping", {"sessionId": room}) == {"ok": True}


def by_saying_false(ana, tab, room):
    assert ana.asks("typing", {"sessionId": room, "isTyping": False}) == {"ok": True}


def by_sending_over_http(ana, tab, room):
    given = {"content": "There", "clientId": "1b6c6d92-7f47-4b2c-a1f8-6b2b8b9f0003"}
    assert ana.calls("POST", f"/sessions/{room}/messages", given).status_code == 201


@pytest.mark.parametrize("ended", [by_sending, by_sending_over_http, by_saying_so, by_saying_false])
def test_it_ends_at_once(ana, ben, room, typing, ended):
    ended(ana, ana.tab, room)
    assert ben.hears("typing", within=LASTS_S - 0.7) == typing


@pytest.mark.parametrize("how", ["closes", "is_cut_off", "leaves"])
def test_it_ends_with_the_last_connection(ana, ben, cleo, room, how):
    cleo.enters(room)
    ben.enters(room)
    types(cleo, room)
    ben.hears("typing", isTyping=True)
    if how == "leaves":
        cleo.asks("leaveSession", {"sessionId": room})
    else:
        getattr(cleo.tab, how)()
    assert ben.hears("typing", within=LASTS_S - 0.7)["isTyping"] is False


def test_the_typists_own_tabs_hear_nothing_of_it(ana, ben, room):
    second = ana.opens_a_tab()
    for tab in (second, ana.tab, ben.tab):
        tab.enters(room)
    types(ana, room)
    assert ben.hears("typing")
    ana.says("There", room)
    assert ben.hears("typing")["isTyping"] is False
    ben.says("Aha", room)
    for tab in (second, ana.tab):
        tab.hears("newMessage", rev=2)
        assert tab.heard("typing") == []


def test_a_program_types_over_http(ana, ben, room):
    ben.enters(room)
    assert ana.calls("POST", f"/sessions/{room}/typing", {"isTyping": True}).json() == {"ok": True}
    assert ben.hears("typing", isTyping=True)["user"]["id"] == ana.id
    ana.calls("POST", f"/sessions/{room}/typing", {"isTyping": False})
    assert ben.hears("typing", isTyping=False)


def test_it_is_not_replayed_to_one_who_comes_later(ana, ben, cleo, room, typing):
    cleo.enters(room)
    ana.says("There", room)
    cleo.hears("newMessage")
    assert cleo.tab.heard("typing") in ([], [typing])
