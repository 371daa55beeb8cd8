"""Saying, editing and removing: what holds whichever door it comes through."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatapp import messages, rooms
from chatapp.extensions import db
from chatapp.models import Message

SHAPE = set("id sessionId seq rev author content html status gen replyTo clientId createdAt editedAt removed".split())


def new_id():
    return str(uuid.uuid4())


def counters(ana, room):
    session = ana.gets(f"/sessions/{room}")["session"]
    return session["lastSeq"], session["lastRev"]


def test_a_message_has_the_shape_of_the_contract(ana, room):
    client_id = new_id()
    said = ana.says("hello **world**", room, clientId=client_id)
    assert set(said) >= SHAPE
    assert (said["sessionId"], said["seq"], said["rev"], said["clientId"]) == (room, 1, 1, client_id)
    assert (said["content"], said["status"], said["gen"]) == ("hello **world**", "complete", 0)
    assert (said["replyTo"], said["editedAt"], said["removed"]) == (None, None, False)
    assert said["author"] == {
        "id": ana.id,
        "name": "Ana",
        "kind": "person",
        "avatarUrl": f"/people/{ana.id}/avatar.svg",
    }
    assert "<strong>world</strong>" in said["html"]
    assert said["createdAt"].endswith("Z") and len(said["createdAt"]) == len("2026-01-02T03:04:05.678Z")


def test_a_bot_is_told_apart(cast, ana):
    robby = cast("Robby", kind="bot")
    assert robby.says("beep", ana.makes(members=[robby]))["author"]["kind"] == "bot"


def test_seq_and_rev_have_no_holes_and_start_at_one_in_each_room(ana, ben, room):
    other = ana.makes("Attic")
    said = [somebody.says(f"{n}", room) for n in range(3) for somebody in (ana, ben)]
    assert [(one["seq"], one["rev"]) for one in said] == [(n, n) for n in range(1, 7)]
    first = ana.says("there", other)
    assert (first["seq"], first["rev"]) == (1, 1)


def test_every_change_takes_the_next_rev_and_no_new_seq(ana, room):
    first, second = ana.says("one", room), ana.says("two", room)
    edited = ana.edits(first, "uno")
    assert (edited["seq"], edited["rev"]) == (1, 3)
    removed = ana.removes(second)
    assert (removed["seq"], removed["rev"]) == (2, 4)
    assert counters(ana, room) == (2, 4)


def test_what_is_refused_takes_no_number(ana, ben, room):
    said = ana.says("one", room)
    ana.is_refused("sendMessage", {"sessionId": room, "content": "", "clientId": new_id()}, "invalid", "content")
    again = {"sessionId": room, "content": "other", "clientId": said["clientId"]}
    ana.is_refused("sendMessage", again, "conflict", "clientId")
    ben.is_refused("editMessage", {"messageId": said["id"], "content": "mine"}, "forbidden")
    ben.is_refused("removeMessage", {"messageId": said["id"]}, "forbidden")
    assert counters(ana, room) == (1, 1)


def test_saying_the_same_again_gives_the_same_message(ana, ben, room):
    ben.enters(room)
    first = ana.says("once", room)
    assert ana.says("once", room, clientId=first["clientId"]) == first
    assert ana.says("once \n", room, clientId=first["clientId"].upper()) == first
    assert counters(ana, room) == (1, 1)
    assert len(ben.hears_all("newMessage")) == 1


def test_saying_the_same_again_gives_the_same_message_also_after_an_edit_and_after_removal(ana, room):
    first = ana.says("once", room)
    edited = ana.edits(first, "twice")
    assert ana.says("once", room, clientId=first["clientId"]) == edited
    ana.is_refused(
        "sendMessage", {"sessionId": room, "content": "twice", "clientId": first["clientId"]}, "conflict", "clientId"
    )
    removed = ana.removes(first)
    assert ana.says("once", room, clientId=first["clientId"]) == removed
    assert removed["removed"]


def test_a_client_id_used_in_another_room_is_a_conflict(ana, room):
    first, other = ana.says("once", room), ana.makes("Attic")
    again = {"sessionId": other, "content": "once", "clientId": first["clientId"]}
    assert "once" not in ana.is_refused("sendMessage", again, "conflict", "clientId")["message"]
    assert counters(ana, other) == (0, 0)


def test_two_people_may_choose_the_same_client_id(ana, ben, room):
    first = ana.says("mine", room)
    assert ben.says("mine too", room, clientId=first["clientId"])["id"] != first["id"]


def test_many_at_once_under_one_client_id_are_one_message(app, ana, room):
    client_id = new_id()

    def say(_):
        with app.app_context():
            message, new = messages.send(rooms.membership_of(ana.row(), room), "once", client_id)
            return message.id, new

    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(say, range(8)))
    assert len({message_id for message_id, _ in answers}) == 1
    assert sum(new for _, new in answers) == 1
    assert counters(ana, room) == (1, 1)


def test_many_writers_at_once_leave_no_hole(app, ana, ben, cleo, room):
    def say(n):
        with app.app_context():
            message, _ = messages.send(rooms.membership_of([ana, ben, cleo][n % 3].row(), room), f"{n}", new_id())
            return message.seq, message.rev

    with ThreadPoolExecutor(8) as crowd:
        places = sorted(crowd.map(say, range(40)))
    assert places == [(n, n) for n in range(1, 41)]


@pytest.mark.parametrize("content", ["hi \t\n", "hi\u00a0\u2003", "hi\r\n\r\n"])
def test_trailing_white_space_is_cut_and_the_rest_is_kept_as_typed(ana, room, content):
    assert ana.says(content, room)["content"] == "hi"
    assert ana.says("  indented\n\n  text", room)["content"] == "  indented\n\n  text"


@pytest.mark.parametrize("content", ["", "   ", "\n\t", "\x00", "a\x00b", "a\ud800", "\udc00b", "\ude00\ud83d"])
def test_what_cannot_be_said_is_invalid(ana, room, content):
    ana.is_refused("sendMessage", {"sessionId": room, "content": content, "clientId": new_id()}, "invalid", "content")
    said = ana.says("fine", room)
    ana.is_refused("editMessage", {"messageId": said["id"], "content": content}, "invalid", "content")


@pytest.mark.parametrize("content", ["a" * 10_000, "😀" * 5_000, "é" * 10_000, "a" * 10_000 + " " * 500])
def test_ten_thousand_utf_16_units_can_be_said(ana, room, content):
    assert ana.says(content, room)["content"] == content.rstrip()


@pytest.mark.parametrize("content", ["a" * 10_001, "😀" * 5_000 + "a", "😀" * 10_000, "a" * 60_000])
def test_more_is_too_large(ana, room, content):
    ana.is_refused("sendMessage", {"sessionId": room, "content": content, "clientId": new_id()}, "too_large", "content")
    said = ana.says("short", room)
    ana.is_refused("editMessage", {"messageId": said["id"], "content": content}, "too_large", "content")


def test_an_edit_keeps_the_place_and_says_when(ana, ben, room):
    ben.enters(room)
    said = ana.says("teh", room)
    edited = ana.edits(said, "the  ")
    assert edited["content"] == "the" and edited["editedAt"] >= said["createdAt"] and "the" in edited["html"]
    assert {name: edited[name] for name in ("id", "seq", "createdAt", "clientId")} == {
        name: said[name] for name in ("id", "seq", "createdAt", "clientId")
    }
    assert ben.hears("messageUpdated") == {"sessionId": room, "rev": 2, "message": edited}


def test_an_edit_that_changes_nothing_is_no_change(ana, ben, room):
    ben.enters(room)
    said = ana.says("same", room)
    assert ana.edits(said, "same ") == said
    ben.hears_nothing("messageUpdated")


def test_only_its_author_edits_a_message(ana, ben, room):
    said = ben.says("mine", room)
    ana.is_refused("editMessage", {"messageId": said["id"], "content": "owned"}, "forbidden")
    assert ben.gets(f"/sessions/{room}/messages")["messages"] == [said]


def test_a_removed_message_keeps_its_place_and_loses_everything_it_said(ana, ben, room):
    ben.enters(room)
    said = ana.edits(ana.says("first secret", room), "second secret")
    removed = ana.removes(said)
    assert (removed["id"], removed["seq"], removed["rev"], removed["removed"]) == (said["id"], 1, 3, True)
    assert removed["content"] == "" and removed["editedAt"] is None and removed["replyTo"] is None
    event = ben.hears_all("messageUpdated")[-1]
    assert event == {"sessionId": room, "rev": 3, "message": removed}
    assert "secret" not in str(event)


def test_what_was_removed_is_gone_from_the_database_too(inside, ana, room):
    said = ana.removes(ana.says("first secret", room))
    row = db.session.get(Message, said["id"])
    assert (row.content, row.body_html) == ("", "")


def test_removing_twice_is_once(ana, ben, room):
    ben.enters(room)
    removed = ana.removes(ana.says("gone", room))
    assert ana.removes(removed) == removed
    assert len(ben.hears_all("messageUpdated")) == 1


def test_a_removed_message_cannot_be_edited(ana, room):
    removed = ana.removes(ana.says("gone", room))
    ana.is_refused("editMessage", {"messageId": removed["id"], "content": "back"}, "not_found")


def test_owners_and_administrators_remove_what_others_said(ana, ben, olga, room):
    assert ana.calls("PUT", f"/sessions/{room}/members/{olga.id}").status_code == 200
    for moderator in (ana, olga):
        assert moderator.removes(ben.says("rude", room))["removed"]


def test_an_administrator_has_no_say_in_the_direct_room_of_others(ben, cleo, olga):
    direct = ben.makes(kind="direct", members=[cleo])
    said = ben.says("between us", direct)
    olga.is_refused("removeMessage", {"messageId": said["id"]}, "not_found")
    with_olga = ben.makes(kind="direct", members=[cleo, olga])
    olga.is_refused("removeMessage", {"messageId": ben.says("mine", with_olga)["id"]}, "forbidden")


def test_a_reply_names_what_it_answers(ana, ben, room):
    asked = ana.says("tea?", room)
    assert ben.says("yes", room, replyTo=asked["id"])["replyTo"] == asked["id"]


def test_a_reply_to_what_is_not_in_the_room_is_invalid(ana, ben, room):
    elsewhere = ana.says("there", ana.makes("Attic"))
    for target in (elsewhere["id"], elsewhere["id"] + 999, 2**63 - 1):
        bad = {"sessionId": room, "content": "yes", "clientId": new_id(), "replyTo": target}
        ben.is_refused("sendMessage", bad, "invalid", "replyTo")
