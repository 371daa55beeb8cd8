"""Whoever may no longer is deaf at once, and nobody waits until his connections have ended: Redis is told of each."""

import threading
import time

import pytest

from chatapp import devices, members, notices, people, presence, rooms, tokens
from chatapp.realtime import connections
from tests.waiting import wait_until

BESIDE = notices.beside  # as it is where it serves: the other tests' does all at once
PATIENCE_S = 5
TABS = 4


@pytest.fixture
def tabs(ana, ben, room):
    """Of Ben, all in the room, as Ana is; and all have heard so."""
    ana.enters(room)
    browser = ben.opens_a_browser()
    opened = [browser.opens_a_tab() for _ in range(TABS)]
    for tab in opened:
        tab.enters(room)
    for one in (ana, *opened):
        one.hears_all()
    return opened


@pytest.fixture
def slow_redis(monkeypatch):
    """Where presence is kept nothing is answered until the test says so."""
    answers, waiting = threading.Event(), set()

    def slowly(then):
        def waits(*given):
            waiting.add(threading.current_thread())
            return answers.wait(PATIENCE_S) and then(*given)

        return waits

    for name in ("depart", "dismiss"):
        monkeypatch.setattr(presence, name, slowly(getattr(presence, name)))
    yield answers
    answers.set()
    for thread in waiting - {threading.current_thread()}:
        thread.join(PATIENCE_S)


def sign_out(ben):
    devices.end(ben.row(), devices.of(ben.row())[0].id)


def deactivate(ben):
    people.deactivate(ben.row())


WAYS = [sign_out, deactivate]


@pytest.mark.parametrize("ends", WAYS)
def test_who_ends_many_connections_waits_for_none_of_them(inside, ana, ben, room, tabs, slow_redis, ends, monkeypatch):
    monkeypatch.setattr(notices, "beside", BESIDE)
    began = time.monotonic()
    ends(ben)
    ana.says("And the notices of others?", room)
    rooms.revise(rooms.membership_of(ana.row(), room), name="Galley")
    assert time.monotonic() - began < PATIENCE_S
    assert ana.hears("sessionUpdated")
    wait_until(lambda: not any(tab.is_open for tab in tabs))
    assert [tab.hears_all() for tab in tabs] == [[]] * TABS
    slow_redis.set()
    wait_until(lambda: connections.of_person(ben.id) == [])
    if ends is deactivate:
        assert wait_until(lambda: ana.hears_all("userOffline"))[0]["user"]["id"] == ben.id


@pytest.mark.parametrize("ends", WAYS)
def test_all_are_deaf_before_the_first_has_ended(inside, ana, ben, room, tabs, ends, monkeypatch):
    later = []
    monkeypatch.setattr(notices, "beside", lambda *what: later.append(what))
    ends(ben)
    ana.says("Does he still hear me?", room)
    rooms.revise(rooms.membership_of(ana.row(), room), name="Secret")
    assert len(connections.of_person(ben.id)) == TABS and all(tab.is_open for tab in tabs)
    assert [tab.hears_all() for tab in tabs] == [[]] * TABS
    ack = tabs[0].asks("joinSession", {"sessionId": room})
    assert ack["error"]["code"] == "unauthorized"
    for act, *given in later:
        act(*given)
    assert not any(tab.is_open for tab in tabs) and connections.of_person(ben.id) == []


def test_who_puts_somebody_out_does_not_wait_until_he_is_offline(inside, ana, ben, room, tabs, slow_redis, monkeypatch):
    monkeypatch.setattr(notices, "beside", BESIDE)
    began = time.monotonic()
    members.remove(rooms.membership_of(ben.row(), room))
    assert time.monotonic() - began < PATIENCE_S
    assert [tab.hears_all() for tab in tabs] == [[("sessionRemoved", {"sessionId": room})]] * TABS
    slow_redis.set()
    assert wait_until(lambda: ana.hears_all("userOffline"))[0]["user"]["id"] == ben.id
    assert all(tab.is_open for tab in tabs)


def test_one_that_cannot_be_ended_is_logged_and_holds_up_no_other(inside, ben, room, tabs, monkeypatch):
    lines, cut = [], connections.cut
    monkeypatch.setattr(notices.log, "exception", lambda event, **more: lines.append((event, more)))

    def breaks(connection):
        if connection.sid == tabs[0].sid:
            raise RuntimeError("broken")
        cut(connection)

    monkeypatch.setattr(connections, "cut", breaks)
    sign_out(ben)
    assert [tab.is_open for tab in tabs] == [True] + [False] * (TABS - 1)
    assert lines == [("notice_half_obeyed", {"left": "breaks"})]


def test_the_other_connections_of_a_person_hear_on(inside, ana, ben, room, tabs):
    ben.enters(room)
    tokens.revoke(ben.token_row.id)
    assert not ben.tab.is_open and all(tab.is_open for tab in tabs)
    ana.says("Only one has gone", room)
    rooms.revise(rooms.membership_of(ana.row(), room), name="Galley")
    for tab in tabs:
        assert tab.hears("newMessage") and tab.hears("sessionUpdated")
