"""Messages when things happen at the same moment, and in archived rooms: the paths that only bad luck takes."""

import uuid

import pytest

from chatapp import messages, rooms, saying, waiting_line, wire
from chatapp.errors import Forbidden, NotFound


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
