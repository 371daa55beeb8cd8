"""What Redis loses is made good: each process tells its clients what the database has and they were not told."""

from contextlib import contextmanager

import pytest

from chatapp import broadcasts, history, repairs
from chatapp.extensions import db, socketio
from chatapp.models import Message, Room
from chatapp.realtime import delivered
from chatapp.web.api import event_stream
from tests.web.test_streams_api import Listener


@pytest.fixture
def repaired(app, monkeypatch):
    """`repaired()`: one look, as a process with others beside it takes it. It notes what its clients are told."""
    manager = socketio.server.manager
    deliver = manager.deliver

    def noted(event, payload, *where):
        deliver(event, payload, *where)
        delivered.note(event, payload)

    monkeypatch.setattr(manager, "deliver", noted)
    monkeypatch.setattr(repairs, "UNDER_WAY_S", 0)
    monkeypatch.setattr(repairs, "BETWEEN_PAGES_S", 0)

    def look():
        with app.app_context():
            repairs.make()

    return look


@pytest.fixture
def lost(monkeypatch):
    """`with lost():` nothing that is said reaches anybody here."""

    @contextmanager
    def away():
        with monkeypatch.context() as patch:
            patch.setattr(broadcasts, "to_room", lambda *_, **__: None)
            yield

    return away


def contents(heard):
    return [one["message"]["content"] for one in heard]


def test_a_lost_message_is_told_by_the_next_look_and_only_once(ana, ben, room, lost, repaired):
    ben.enters(room)
    ana.says("Heard", room)
    with lost():
        ana.says("Lost", room)
    repaired()
    assert contents(ben.hears_all("newMessage")) == ["Heard", "Lost"]
    repaired()
    ben.hears_nothing("newMessage")


def test_what_was_told_behind_the_hole_is_not_told_again(ana, ben, room, lost, repaired):
    ben.enters(room)
    with lost():
        ana.says("Lost", room)
    ana.says("Heard", room)
    repaired()
    assert contents(ben.hears_all("newMessage")) == ["Heard", "Lost"]
    assert delivered.of(room).revs.upto == 2


def test_a_lost_edit_and_a_lost_removal_are_told_as_changes(ana, ben, room, lost, repaired):
    ben.enters(room)
    edited, removed = ana.says("One", room), ana.says("Two", room)
    ben.hears_all()
    with lost():
        ana.edits(edited, "Eins")
        ana.removes(removed)
    repaired()
    changed = ben.hears_all("messageUpdated")
    assert [(one["message"]["id"], one["message"]["content"], one["message"]["removed"]) for one in changed] == [
        (edited["id"], "Eins", False),
        (removed["id"], "", True),
    ]
    ben.hears_nothing("newMessage")


def test_a_lost_end_of_a_stream_is_told_as_its_end(ana, ben, room, lost, repaired):
    ben.enters(room)
    given = {"sessionId": room, "clientId": "6a0c7f4e-43f4-4b9c-8a55-0d5c3f0b7b11"}
    stream = ana.asks("startStream", given)["message"]
    named = {"messageId": stream["id"], "gen": stream["gen"]}
    assert ana.asks("streamChunk", named | {"offset": 0, "text": "Piece by piece"})["ok"]
    with lost():
        assert ana.asks("streamComplete", named)["ok"]
    repaired()
    ended = ben.hears("streamComplete")
    assert (ended["message"]["content"], ended["length"], ended["gen"]) == ("Piece by piece", 14, 1)
    assert len(ben.hears_all("newMessage")) == 1


def test_somebody_who_heard_only_of_the_edit_is_told_of_the_message(ana, ben, room, lost, repaired):
    ben.enters(room)
    with lost():
        said = ana.says("One", room)
    ana.edits(said, "Eins")
    ben.hears("messageUpdated")
    repaired()
    assert contents(ben.hears_all("newMessage")) == ["Eins"]


def test_long_ones_come_in_pages_that_a_connection_can_bear(ana, ben, room, lost, repaired, monkeypatch):
    heard_at_a_page = []
    monkeypatch.setattr(
        socketio, "sleep", lambda s: s and heard_at_a_page.append(contents(ben.hears_all("newMessage")))
    )
    monkeypatch.setattr(repairs, "BETWEEN_PAGES_S", 0.05)
    monkeypatch.setattr(history, "CHANGES_CHARACTERS", 50)
    said = [f"{number} says twenty." for number in range(4)] + ["x" * 60, "and the last"]
    ben.enters(room)
    with lost():
        for content in said:
            ana.says(content, room)
    repaired()
    heard_at_a_page.append(contents(ben.hears_all("newMessage")))
    assert heard_at_a_page == [[one] for one in said]
    assert delivered.of(room).revs.upto == 6


def test_many_missed_come_page_by_page_each_once(ana, ben, room, lost, repaired, monkeypatch):
    monkeypatch.setattr(repairs, "PAGE", 3)
    ben.enters(room)
    with lost():
        for number in range(8):
            ana.says(f"{number}", room)
    repaired()
    assert contents(ben.hears_all("newMessage")) == [f"{number}" for number in range(8)]
    assert delivered.of(room).revs.upto == 8


def test_a_full_last_page_is_no_reason_to_say_anything_twice(ana, ben, room, lost, repaired, monkeypatch):
    monkeypatch.setattr(repairs, "PAGE", 3)
    ben.enters(room)
    with lost():
        for number in range(3):
            ana.says(f"{number}", room)
    repaired()
    repaired()
    assert len(ben.hears_all("newMessage")) == 3


def test_what_is_under_way_is_left_to_come(ana, ben, room, lost, repaired, monkeypatch):
    ben.enters(room)
    with lost():
        ana.says("On its way", room)
    monkeypatch.setattr(repairs.socketio, "sleep", lambda _: delivered.reach(room, 1))  # it comes meanwhile
    repaired()
    ben.hears_nothing("newMessage")


def test_what_came_before_somebody_did_is_not_missing(ana, ben, room, repaired):
    ana.says("Before", room)
    ben.enters(room)
    repaired()
    ben.hears_nothing("newMessage")


def test_a_room_that_all_have_left_is_forgotten_and_begins_anew(ana, ben, room, lost, repaired):
    ben.enters(room)
    ben.leaves(room)
    with lost():
        ana.says("Nobody is here", room)
    repaired()
    assert delivered.of(room) is None
    ben.enters(room)
    repaired()
    ben.hears_nothing("newMessage")


def test_somebody_leaves_in_the_middle_of_a_repair(ana, ben, room, lost, repaired, monkeypatch):
    ben.enters(room)
    with lost():
        ana.says("Lost", room)
    monkeypatch.setattr(repairs, "behind", lambda now: now)
    monkeypatch.setattr(repairs.socketio, "sleep", lambda _: delivered._rooms.clear())
    repaired()
    ben.hears_nothing("newMessage")


def test_an_idle_look_costs_one_question_for_all_rooms(app, ana, ben, repaired, queries, monkeypatch):
    for number in range(5):
        ben.enters(ana.makes(f"Room {number}", members=(ben,)))
    with queries() as statements:
        repaired()
    assert len(statements) == 1
    monkeypatch.setattr(repairs, "ROOMS_MAX", 2)
    with queries() as statements:
        repaired()
    assert len(statements) == 3


def test_where_nobody_listens_nothing_is_asked(app, room, repaired, queries):
    with queries() as statements:
        repaired()
    assert statements == []


def test_a_restored_database_is_taken_as_it_is(app, ana, ben, room, lost, repaired):
    ben.enters(room)
    for number in range(3):
        ana.says(f"{number}", room)
    ben.hears_all()
    with app.app_context():  # the last two were never there
        db.session.query(Message).filter(Message.room_id == room, Message.seq > 1).delete()
        db.session.query(Room).filter_by(id=room).update({"rev": 1, "last_seq": 1})
        db.session.commit()
    repaired()
    ben.hears_nothing("newMessage")
    with lost():
        ana.says("Another second", room)
    repaired()
    assert contents(ben.hears_all("newMessage")) == ["Another second"]


@pytest.mark.parametrize("before", [[], ["behind the hole"]])
def test_who_listens_over_http_resumes_behind_what_another_change_superseded(
    ana, ben, room, lost, repaired, before, monkeypatch
):
    """A stream's start and its end are lost: only the end can be told, and its start's `rev` never comes."""
    monkeypatch.setattr(event_stream, "PING_EVERY_S", 0.01)
    heard = Listener(ben, f"/sessions/{room}/events")
    heard.hears_all()
    with lost():
        ana.finishes(ana.speaks("Piece by piece", room=room))
    for content in before:
        ana.says(content, room)
    repaired()
    last = ana.says("After it", room)["rev"]
    told = [(payload["message"]["content"], at) for name, payload, at in heard.hears_all() if name == "newMessage"]
    assert told == [*((content, "0") for content in before), ("Piece by piece", "0"), ("After it", str(last))]
