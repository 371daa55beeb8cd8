"""A message spoken piece by piece: what its speaker is answered, and what the room hears of it."""

import time
import uuid
from datetime import timedelta

import pytest

from chatapp.extensions import db
from chatapp.models import Stream
from chatapp.streams import turns, voices
from tests.cast import outside
from tests.streams.messages import of


def test_from_the_first_piece_to_the_end(ana, ben, robby, room, clock):
    begun = robby.begins(room)
    assert (begun["status"], begun["gen"], begun["content"], begun["seq"], begun["rev"]) == ("streaming", 1, "", 1, 1)
    assert ana.hears("newMessage")["message"] == begun
    assert robby.pushes(begun, 0, "Hello, ") == 7
    about = {"sessionId": room, "messageId": begun["id"], "gen": 1}
    assert ana.hears("streamChunk") == about | {"offset": 0, "text": "Hello, "}
    assert robby.pushes(begun, 7, "**wor") == 12
    assert robby.pushes(begun, 12, "ld**") == 16
    ana.hears_nothing("streamChunk")  # joined for a moment
    clock.pumps()
    assert ana.hears("streamChunk") == about | {"offset": 7, "text": "**world**"}
    done = robby.finishes(begun)
    assert (done["status"], done["content"], done["rev"], done["seq"]) == ("complete", "Hello, **world**", 2, 1)
    assert "<strong>world</strong>" in done["html"]
    assert ana.hears("streamStatus") == about | {"phase": "complete", "length": 16}
    assert ana.hears("streamComplete") == {"sessionId": room, "rev": 2, "message": done, "gen": 1, "length": 16}
    assert ana.gets(f"/sessions/{room}/messages")["messages"][-1]["content"] == "Hello, **world**"


def test_what_waits_leaves_before_the_end(ana, robby, room):
    begun = robby.speaks("one ", "two ", "three", room=room)
    robby.finishes(begun)
    events = [name for name, _ in ana.hears_all()]
    assert events == ["newMessage", "streamChunk", "streamChunk", "streamStatus", "streamComplete"]


def test_a_thousand_characters_do_not_wait(ana, robby, room):
    begun = robby.speaks("a", room=room)
    robby.pushes(begun, 1, "b" * 1_000)
    assert [len(one["text"]) for one in ana.hears_all("streamChunk")] == [1, 1_000]


def test_a_piece_counts_for_what_is_new_in_it(ana, robby, room, clock):
    begun = robby.speaks("Hello", room=room)
    assert robby.pushes(begun, 0, "Hello") == 5
    assert robby.pushes(begun, 2, "llo, you") == 10
    assert robby.pushes(begun, 3, "l") == 10
    clock.pumps()
    assert "".join(one["text"] for one in ana.hears_all("streamChunk")) == "Hello, you"


def test_a_gap_is_a_conflict_that_says_where_the_text_ends(robby, room):
    begun = robby.speaks("Hello", room=room)
    error = robby.is_refused("streamChunk", of(begun, offset=6, text="x"), "conflict", "offset")
    assert error["length"] == 5


@pytest.mark.parametrize("offset", [32_001, 99_999, 2**63 - 1])
def test_a_gap_beyond_all_that_a_text_may_hold_is_one_too(robby, room, offset):
    begun = robby.speaks("Hello", room=room)
    assert robby.is_refused("streamChunk", of(begun, offset=offset, text="x"), "conflict", "offset")["length"] == 5
    robby.pushes(begun, 5, "x" * 32_000)  # ends it
    error = robby.is_refused("streamChunk", of(begun, offset=offset, text="x"), "conflict")
    assert (error["length"], error["status"]) == (32_000, "truncated")
    robby.is_refused("streamChunk", of(begun, offset=2**63, text="x"), "invalid", "offset")


def test_offsets_are_utf_16_units_and_no_pair_is_split(ana, robby, room, clock):
    begun = robby.speaks("a🙂", room=room)
    assert robby.pushes(begun, 3, "漢🙂") == 6
    assert robby.is_refused("streamChunk", of(begun, offset=5, text="\ud83d"), "invalid", "text")
    assert robby.is_refused("streamChunk", of(begun, offset=5, text="🙂!"), "conflict", "offset")["length"] == 6
    clock.pumps()
    assert [(one["offset"], one["text"]) for one in ana.hears_all("streamChunk")] == [(0, "a🙂"), (3, "漢🙂")]
    assert robby.finishes(begun)["content"] == "a🙂漢🙂"


def test_who_comes_later_gets_the_text_so_far_and_who_returns_gets_the_rest(ben, robby, room):
    begun = robby.speaks("Hello, ", "you", room=room)
    whole = {"messageId": begun["id"], "gen": 1, "status": "streaming", "offset": 0, "text": "Hello, you"}
    assert ben.opens_a_tab().enters(room)["streams"] == [whole]
    ask = {"sessionId": room, "afterRev": 1, "streams": [of(begun, length=7)]}
    assert ben.asks("syncSession", ask)["streams"] == [whole | {"offset": 7, "text": "you"}]
    ask["streams"][0]["length"] = 99
    assert ben.asks("syncSession", ask)["streams"] == [whole]
    robby.finishes(begun)
    assert ben.asks("syncSession", ask)["streams"] == []


def test_the_same_client_id_begins_once(ana, robby, room):
    given = {"sessionId": room, "clientId": str(uuid.uuid4())}
    first, again = robby.asks("startStream", given), robby.asks("startStream", given)
    assert first == again
    assert len(ana.hears_all("newMessage")) == 1
    robby.is_refused("sendMessage", given | {"content": "else"}, "conflict", "clientId")


def test_it_ends_once_and_nothing_is_added_afterwards(ana, robby, room):
    begun = robby.speaks("Hello", room=room)
    done = robby.finishes(begun)
    assert robby.finishes(begun, status="error", error="too late") == done
    assert robby.is_refused("streamChunk", of(begun, offset=5, text="!"), "conflict")["length"] == 5
    assert ana.asks("stopStream", of(begun)) == {"ok": True, "status": "complete"}
    assert len(ana.hears_all("streamComplete")) == 1


def test_an_error_stands_beside_what_was_said(ana, robby, room):
    begun = robby.speaks("Half a", room=room)
    done = robby.finishes(begun, error={"code": "unavailable", "message": "The model went away."})
    error = {"code": "unavailable", "message": "The model went away."}
    assert (done["status"], done["content"], done["error"]) == ("error", "Half a", error)
    assert ana.hears("streamComplete")["error"] == error


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"status": "queued"}, "status"),
        ({"error": 7}, "error"),
        ({"error": {"code": "NO!", "message": "x"}}, "error"),
        ({"error": "\x00"}, "error"),
    ],
)
def test_a_wrong_end_is_named(robby, room, more, field):
    robby.is_refused("streamComplete", of(robby.speaks("x", room=room), **more), "invalid", field)


def test_an_empty_stream_is_a_message_all_the_same(robby, room):
    assert robby.finishes(robby.begins(room))["content"] == ""


def test_white_space_is_not_cut(robby, room):
    assert robby.finishes(robby.speaks("  a ", " \n", room=room))["content"] == "  a  \n"


def test_it_ends_at_32_000_characters(ana, robby, room):
    begun = robby.speaks("x" * 31_999, room=room)
    assert robby.pushes(begun, 31_999, "🙂") == 31_999  # half of it does not fit
    done = ana.hears("streamComplete")
    assert (done["message"]["status"], done["length"]) == ("truncated", 31_999)
    robby.is_refused("streamChunk", of(begun, offset=0, text="x" * 32_001), "too_large", "text")


def test_only_its_author_speaks(ana, ben, robby, room, eve):
    begun = robby.speaks("Hello", room=room)
    for somebody in (ana, ben, eve):
        somebody.is_refused("streamChunk", of(begun, offset=5, text="!"), "not_found")
        somebody.is_refused("streamComplete", of(begun), "not_found")
    ana.calls("DELETE", f"/sessions/{room}/members/{robby.id}")
    robby.is_refused("streamChunk", of(begun, offset=5, text="!"), "not_found")


def test_who_asked_and_who_moderates_may_stop_it_and_nobody_else(ana, ben, cleo, robby, room, cast, eve):
    ana.calls("PUT", f"/sessions/{room}/members/{cleo.id}")
    asked = ben.says("@Robby how are you?", room)
    begun = robby.speaks("I am ", room=room, replyTo=asked["id"])
    assert begun["askedBy"] == ben.id
    cleo.is_refused("stopStream", of(begun), "forbidden")
    eve.is_refused("stopStream", of(begun), "not_found")
    ben.is_refused("stopStream", of(begun) | {"gen": 2}, "conflict", "gen")
    assert ben.asks("stopStream", of(begun)) == {"ok": True, "status": "stopped"}
    assert ana.hears("streamComplete")["message"]["content"] == "I am "
    again = robby.speaks("So ", room=room)
    assert ana.asks("stopStream", of(again)) == {"ok": True, "status": "stopped"}
    ben.is_refused("stopStream", {"messageId": asked["id"], "gen": 0}, "not_found")


def test_it_is_said_again_as_the_next_gen_of_the_same_message(ana, ben, robby, room):
    asked = ben.says("Well?", room)
    begun = robby.speaks("First", room=room, replyTo=asked["id"])
    ben.is_refused("repeatStream", of(begun), "conflict")
    robby.finishes(begun)
    ana.hears_all()
    again = ben.asks("repeatStream", of(begun))["message"]
    assert (again["id"], again["seq"], again["gen"], again["status"], again["content"]) == (
        begun["id"],
        begun["seq"],
        2,
        "streaming",
        "",
    )
    assert ana.hears("messageUpdated")["message"] == again
    status = {"messageId": begun["id"], "gen": 2, "phase": "streaming", "length": 0}
    assert ana.hears("streamStatus") == {"sessionId": room} | status
    robby.is_refused("streamChunk", of(begun, offset=0, text="late"), "conflict")
    ben.is_refused("repeatStream", of(begun), "conflict", "gen")
    robby.pushes(again, 0, "Second")
    assert robby.finishes(again)["content"] == "Second"


def test_three_at_a_time_in_a_room_and_the_rest_wait_their_turn(ana, robby, room, clock):
    begun = [robby.begins(room) for _ in range(5)]
    assert [one["status"] for one in begun] == ["streaming"] * 3 + ["queued"] * 2
    error = robby.is_refused("streamChunk", of(begun[3], offset=0, text="x"), "conflict")
    assert (error["length"], error["status"]) == (0, "queued")
    shown = ana.asks("joinSession", {"sessionId": room})["streams"]
    assert [(one["status"], one.get("place")) for one in shown] == [("streaming", None)] * 3 + [
        ("queued", 1),
        ("queued", 2),
    ]
    robby.finishes(begun[1])
    risen = ana.hears("messageUpdated")["message"]
    assert (risen["id"], risen["status"]) == (begun[3]["id"], "streaming")
    assert ana.hears_all("streamStatus")[-1]["phase"] == "streaming"
    robby.pushes(begun[3], 0, "my turn")
    assert ana.asks("stopStream", of(begun[4]))["status"] == "stopped"


def test_one_at_a_time_for_each_person_asking(ana, ben, robby, room):
    other = ben.makes("Attic", members=[robby])
    first = robby.begins(room, replyTo=ben.says("one", room)["id"])
    second = robby.begins(other, replyTo=ben.says("two", other)["id"])
    third = robby.begins(room, replyTo=ana.says("three", room)["id"])
    assert [one["status"] for one in (first, second, third)] == ["streaming", "queued", "streaming"]
    robby.finishes(first)
    assert robby.pushes(second, 0, "now") == 3


def test_a_person_speaks_for_himself_and_keeps_nobody_else_waiting(ana, ben, robby, room):
    asked = ana.says("Well?", room)
    first, second = (ben.begins(room, replyTo=asked["id"]) for _ in range(2))
    assert [(one["status"], one["askedBy"]) for one in (first, second)] == [("streaming", ben.id), ("queued", ben.id)]
    ana.asks("stopStream", of(second))
    answer = robby.begins(room, replyTo=asked["id"])
    assert (answer["status"], answer["askedBy"]) == ("streaming", ana.id)  # Ana is not busy with what Ben replies


def test_what_nobody_asked_for_has_the_places_of_the_room(cast, ana, robby, room):
    other = cast("Marvin", kind="bot")
    ana.calls("PUT", f"/sessions/{room}/members/{other.id}")
    said = other.says("Well?", room)
    begun = [robby.begins(room, replyTo=said["id"]) for _ in range(4)]
    assert [(one["status"], one["askedBy"]) for one in begun] == [("streaming", None)] * 3 + [("queued", None)]


def test_so_many_in_a_process(ana, robby, room, monkeypatch, clock):
    monkeypatch.setattr(turns, "IN_PROCESS", 1)
    first, second = robby.begins(room), robby.begins(room)
    assert (first["status"], second["status"]) == ("streaming", "queued")
    robby.finishes(first)
    assert robby.pushes(second, 0, "now") == 3


def test_the_text_is_saved_on_the_way_and_not_for_every_piece(app, robby, room, clock, queries):
    begun = robby.speaks("Hello", room=room)
    with queries() as statements:
        robby.pushes(begun, 5, ", you")
    assert not [one for one in statements if not one.startswith("SELECT")]
    clock.passes(1.6)
    with app.app_context():
        assert db.session.get(Stream, (begun["id"], 1)).text == "Hello, you"


def test_who_speaks_no_more_is_interrupted(ana, robby, room, clock, monkeypatch):
    robby.speaks("Half a", room=room)
    clock.passes(2)
    robby.tab.closes()
    clock.passes(9)
    monkeypatch.setattr("chatapp.streams.tending.LEFT_AFTER", timedelta(minutes=-1))
    clock.ticks()
    ana.hears_nothing("streamComplete")  # the database may only have been away: it is watched first
    clock.passes(11)
    done = ana.hears("streamComplete")["message"]
    assert (done["status"], done["content"]) == ("interrupted", "Half a")


def test_it_lasts_two_minutes_at_the_most(ana, robby, room, clock):
    robby.speaks("On and on", room=room)
    clock.passes(121)
    assert ana.hears("streamComplete")["message"]["status"] == "truncated"


def test_the_room_is_told_every_ten_seconds_that_it_goes_on(ana, robby, room, clock):
    begun = robby.speaks("Hm", room=room)
    clock.passes(10.1)
    told = ana.hears("streamStatus")
    assert told == {"sessionId": room, "messageId": begun["id"], "gen": 1, "phase": "streaming", "length": 2}


def test_removed_in_the_middle_it_says_nothing_more(ana, robby, room):
    begun = robby.speaks("Oh no", room=room)
    gone = ana.removes(begun)
    assert (gone["removed"], gone["content"]) == (True, "")
    robby.is_refused("streamChunk", of(begun, offset=5, text="!"), "conflict")
    robby.is_refused("editMessage", {"messageId": begun["id"], "content": "x"}, "not_found")


def test_it_cannot_be_edited_while_it_is_said(robby, room):
    robby.is_refused("editMessage", {"messageId": robby.begins(room)["id"], "content": "x"}, "conflict")


def test_an_archived_room_lets_it_end(ana, robby, room):
    begun = robby.speaks("Hello", room=room)
    ana.calls("PATCH", f"/sessions/{room}", {"archived": True})
    assert robby.finishes(begun)["content"] == "Hello"
    robby.is_refused("startStream", {"sessionId": room, "clientId": str(uuid.uuid4())}, "forbidden")


def test_what_a_person_said_is_said_again_by_himself_alone(ana, ben, room):
    begun = ben.speaks("Mine", room=room, replyTo=ana.says("Well?", room)["id"])
    ben.finishes(begun)
    ana.is_refused("repeatStream", of(begun), "forbidden")  # though the room is hers
    again = ben.asks("repeatStream", of(begun))["message"]
    assert (again["gen"], again["editedAt"], again["askedBy"]) == (2, None, ben.id)


def test_what_is_removed_is_not_said_again(ana, robby, room):
    begun = robby.speaks("Oh no", room=room)
    robby.finishes(begun)
    ana.removes(begun)
    ana.is_refused("repeatStream", of(begun), "not_found")


def test_of_two_who_have_it_said_again_at_once_one_does(ana, robby, room, meanwhile):
    begun = robby.speaks("Well", room=room)
    robby.finishes(begun)
    meanwhile(turns, "hold_asker", lambda: outside(robby.asks, "repeatStream", of(begun)))
    ana.is_refused("repeatStream", of(begun), "conflict", "gen")


def test_a_bot_that_says_it_again_speaks_for_whoever_asked_first(ben, robby, room):
    begun = robby.speaks("Well", room=room, replyTo=ben.says("How are you?", room)["id"])
    robby.finishes(begun)
    assert robby.asks("repeatStream", of(begun))["message"]["askedBy"] == ben.id


def test_the_line_of_a_room_has_an_end(robby, room, monkeypatch):
    monkeypatch.setattr(turns, "IN_LINE", 4)
    given = {"sessionId": room, "clientId": str(uuid.uuid4())}
    first = robby.asks("startStream", given)
    for _ in range(3):
        robby.begins(room)
    robby.is_refused("startStream", given | {"clientId": str(uuid.uuid4())}, "rate_limited")
    assert robby.asks("startStream", given)["message"]["id"] == first["message"]["id"]


def test_who_asks_whether_it_is_his_turn_is_alive(robby, room, clock):
    queued = [robby.begins(room) for _ in range(4)][3]
    clock.offset += 20
    robby.is_refused("streamChunk", of(queued, offset=0, text=""), "conflict")
    assert time.monotonic() - voices.get(queued["id"], 1).heard_at < 5
