"""Messages when things happen at the same moment, and in archived rooms: the paths that only bad luck takes."""

import threading
import time
import uuid
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from sqlalchemy.dialects.postgresql import psycopg2

from chatapp import database, messages, rooms, saying, waiting_line, wire
from chatapp.errors import ChatError, Forbidden, NotFound


def test_an_edit_that_meets_the_removal_does_not_bring_the_words_back(ana, ben, room, meanwhile):
    ben.enters(room)
    said = ana.says("secret", room)
    tab = ana.opens_a_tab()
    meanwhile(waiting_line, "turn_in", lambda: tab.asks("removeMessage", {"messageId": said["id"]}))
    ana.asks("editMessage", {"messageId": said["id"], "content": "secret again"})
    page = ben.gets(f"/sessions/{room}/messages")
    assert page["messages"][0]["removed"] and page["messages"][0]["content"] == ""
    assert page["lastRev"] == 2
    assert [one["message"]["removed"] for one in ben.hears_all("messageUpdated")] == [True]


def test_two_removals_that_meet_are_one(ana, ben, room, meanwhile):
    ben.enters(room)
    said = ben.says("rude", room)
    meanwhile(waiting_line, "turn_in", lambda: ana.removes(said))
    assert ben.removes(said)["removed"]
    assert ben.gets(f"/sessions/{room}/messages")["lastRev"] == 2
    assert len(ben.hears_all("messageUpdated")) == 1


def test_a_message_that_meets_the_archiving_is_refused_whole(ana, ben, room, meanwhile):
    meanwhile(saying, "write", lambda: ana.calls("DELETE", f"/sessions/{room}"))
    ben.is_refused("sendMessage", {"sessionId": room, "content": "late", "clientId": str(uuid.uuid4())}, "forbidden")
    full = ben.gets(f"/sessions/{room}")
    assert (full["session"]["lastSeq"], full["session"]["lastRev"], full["messages"]) == (0, 0, [])


def test_an_edit_that_meets_the_archiving_is_refused_whole(ana, ben, room, meanwhile):
    said = ben.says("before", room)
    meanwhile(rooms, "advance_rev", lambda: ana.calls("DELETE", f"/sessions/{room}"))
    ben.is_refused("editMessage", {"messageId": said["id"], "content": "after"}, "forbidden")
    assert ben.gets(f"/sessions/{room}/messages")["messages"] == [said]


def test_in_an_archived_room_nothing_is_said_edited_or_removed(ana, ben, room):
    said = ben.says("before", room)
    ana.calls("DELETE", f"/sessions/{room}")
    ben.is_refused("sendMessage", {"sessionId": room, "content": "x", "clientId": str(uuid.uuid4())}, "forbidden")
    ben.is_refused("editMessage", {"messageId": said["id"], "content": "x"}, "forbidden")
    ben.is_refused("removeMessage", {"messageId": said["id"]}, "forbidden")
    assert ben.gets(f"/sessions/{room}/messages")["messages"] == [said]


def test_what_was_said_before_the_archiving_is_still_acknowledged_when_repeated(ana, ben, room):
    said = ben.says("before", room)
    ana.calls("DELETE", f"/sessions/{room}")
    assert ben.says("before", room, clientId=said["clientId"]) == said
    other = {"sessionId": room, "content": "other", "clientId": said["clientId"]}
    ben.is_refused("sendMessage", other, "conflict", "clientId")


def test_a_message_may_be_found_by_those_in_its_room_alone(inside, ana, ben, eve, room):
    said = ana.says("hi", room)
    message, membership = saying.find(ben.row(), said["id"])
    assert (message.id, membership.room_id, membership.person_id) == (said["id"], room, ben.id)
    for who, message_id in ((eve, said["id"]), (ben, said["id"] + 1)):
        with pytest.raises(NotFound):
            saying.find(who.row(), message_id)


def test_a_message_found_again_is_as_it_is_now(inside, ana, ben, room):
    said = ana.says("before", room)
    saying.find(ben.row(), said["id"])
    ana.edits(said, "after")
    message, _ = saying.find(ben.row(), said["id"])
    assert wire.message(message)["content"] == "after"


def test_the_row_refuses_by_itself_whatever_door_forgot_to(inside, ana, ben, room):
    said = ana.says("hi", room)
    with pytest.raises(Forbidden):
        messages.edit(ben.row(), said["id"], "mine")
    with pytest.raises(Forbidden):
        messages.remove(ben.row(), said["id"])


@pytest.fixture
def at_once(app, monkeypatch):
    """`at_once(room, (somebody, content, client_id), …)`: they wait behind each other, and are placed by one transaction; what
    came to each, an error by its code."""

    def say(room, *sayings):
        answers, threads = {}, []

        def run(number, somebody, content, client_id):
            with app.app_context():
                try:
                    message, new = messages.send(rooms.membership_of(somebody.row(), room), content, client_id)
                    answers[number] = (message.seq, message.rev, message.content, new)
                except ChatError as error:
                    answers[number] = error.code

        with app.app_context(), waiting_line.turn_in(room):
            for number, saying_ in enumerate(sayings):
                threads.append(threading.Thread(target=run, args=(number, *saying_)))
                threads[-1].start()
                while len(waiting_line._lines[room]) <= number:
                    time.sleep(0.001)
        for thread in threads:
            thread.join(10)
        return [answers[number] for number in range(len(sayings))]

    return say


def new_id():
    return str(uuid.uuid4())


def test_those_who_wait_are_placed_in_their_order_by_one_transaction(ana, ben, cleo, room, at_once, queries):
    cleo.enters(room)
    with queries() as statements:
        answers = at_once(room, (ana, "one", new_id()), (ben, "two", new_id()), (ana, "three", new_id()))
    assert answers == [(1, 1, "one", True), (2, 2, "two", True), (3, 3, "three", True)]
    assert len([one for one in statements if one.startswith("UPDATE")]) == 1
    assert sorted(one["message"]["seq"] for one in cleo.hears_all("newMessage")) == [1, 2, 3]
    page = cleo.gets(f"/sessions/{room}/messages")
    assert [one["author"]["name"] for one in page["messages"]] == ["Ana", "Ben", "Ana"] and page["lastRev"] == 3


def test_what_was_said_before_is_said_once_and_spoils_nothing_for_those_beside_it(ana, ben, cleo, room, at_once):
    cleo.enters(room)
    said = new_id()
    answers = at_once(room, (ana, "one", said), (ben, "two", new_id()), (ana, "one", said), (ana, "other", said))
    assert answers == [(1, 1, "one", True), (2, 2, "two", True), (1, 1, "one", False), "conflict"]
    assert len(cleo.hears_all("newMessage")) == 2
    assert cleo.gets(f"/sessions/{room}/messages")["lastRev"] == 2


def test_those_who_wait_while_the_room_is_archived_are_all_refused(ana, ben, room, at_once, meanwhile):
    meanwhile(saying, "write", lambda: ana.calls("DELETE", f"/sessions/{room}"))
    assert at_once(room, (ana, "one", new_id()), (ben, "two", new_id())) == ["forbidden", "forbidden"]
    assert ana.gets(f"/sessions/{room}/messages")["messages"] == []


def test_on_postgresql_one_alone_is_one_statement(inside, ana, room, monkeypatch):
    asked = []

    class Fake:
        dialect = SimpleNamespace(name="postgresql")

        def rows(self, prepared, values):
            asked.append((prepared.on(psycopg2.dialect()).text, values))
            return []

    monkeypatch.setattr(database, "short_way", lambda: nullcontext(Fake()))
    with pytest.raises(Forbidden):
        saying.place(SimpleNamespace(room_id=room, person_id=ana.id, person=None), new_id(), "hi", "<p>hi</p>")
    ((statement, values),) = asked
    assert statement.startswith("WITH fresh AS") and "UPDATE rooms" in statement and "INSERT INTO messages" in statement
    assert (values["room"], values["count"], values["new_content"]) == (room, 1, "hi")
