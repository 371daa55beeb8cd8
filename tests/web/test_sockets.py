"""The socket's commands: who may, what is acknowledged, who hears it (contract, section 3)."""

import json
import uuid

import pytest

from chatapp import database, history, reading, rooms
from chatapp.realtime import connections, delivered
from chatapp.web import auth, sockets
from chatapp.web.sockets import ChatNamespace

SESSION = set("id name kind topic lastSeq lastRev role".split())
ROOM_COMMANDS = {
    "joinSession": {},
    "leaveSession": {},
    "syncSession": {"afterRev": 0, "streams": []},
    "sendMessage": {"content": "hi", "clientId": "6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11"},
    "typing": {"isTyping": True},
    "stopTyping": {},
    "startStream": {"clientId": "0b0d7a5e-9d0c-4c8e-8a1e-1f2f3a4b5c6d"},
}
MESSAGE_COMMANDS = {
    "editMessage": {"content": "other"},
    "removeMessage": {},
    "streamChunk": {"gen": 1, "offset": 0, "text": "more"},
    "streamComplete": {"gen": 1},
    "stopStream": {"gen": 1},
    "repeatStream": {"gen": 1},
}


def test_the_commands_are_those_of_the_contract():
    assert {name.removeprefix("on_") for name in sockets.COMMANDS} == ROOM_COMMANDS.keys() | MESSAGE_COMMANDS.keys()


def test_entering_for_the_first_time_gives_the_last_ten(ana, ben, room):
    said = [ana.says(f"{n}", room) for n in range(12)]
    ack = ben.enters(room)
    assert set(ack) == {"ok", "session", "messages", "hasMore", "online", "streams"}
    assert set(ack["session"]) >= SESSION
    assert (ack["session"]["id"], ack["session"]["role"]) == (room, "member")
    assert (ack["session"]["lastSeq"], ack["session"]["lastRev"]) == (12, 12)
    assert (ack["messages"], ack["hasMore"], ack["streams"]) == (said[2:], True, [])
    assert set(ack["online"]) == {"count", "users"} and ack["online"]["count"] == 1


def test_entering_after_an_absence_gives_what_changed(ana, ben, room):
    said = [ana.says(f"{n}", room) for n in range(12)]
    edited = ana.edits(said[0], "edited")
    ack = ben.enters(room, afterRev=11)
    assert (ack["messages"], ack["hasMore"]) == ([said[11], edited], False)
    assert ben.enters(room, afterRev=13)["messages"] == []
    assert ben.enters(room, afterRev=99)["messages"] == ben.enters(room, afterRev=None)["messages"] == said[2:]


def test_entering_after_a_long_absence_gives_two_hundred_at_most(app, ana, ben, room):
    from chatapp import messages

    with app.app_context():
        membership = rooms.membership_of(ana.row(), room)
        for n in range(205):
            messages.send(membership, f"{n}", str(uuid.uuid4()))
    ack = ben.enters(room, afterRev=0)
    assert ([one["seq"] for one in ack["messages"]], ack["hasMore"]) == (list(range(1, 201)), True)
    rest = ben.asks("syncSession", {"sessionId": room, "afterRev": 200, "streams": []})
    assert ([one["seq"] for one in rest["messages"]], rest["hasMore"], rest["lastRev"]) == (
        [201, 202, 203, 204, 205],
        False,
        205,
    )


def test_nothing_falls_between_entering_and_reading(ana, ben, room, meanwhile):
    """What is said after the server began to read is heard as an event, for the room was entered before."""
    meanwhile(history, "greeting", lambda: ana.says("in between", room))
    ack = ben.enters(room)
    known = {one["content"] for one in ack["messages"]} | {
        one["message"]["content"] for one in ben.hears_all("newMessage")
    }
    assert "in between" in known


def test_catching_up_beyond_what_there_is_is_a_first_visit(ana, ben, room):
    said = [ana.says(f"{n}", room) for n in range(3)]
    ack = ben.asks("syncSession", {"sessionId": room, "afterRev": 4, "streams": []})
    assert ack == {"ok": True, "messages": said, "hasMore": False, "lastRev": 3, "streams": []}
    held = [{"messageId": 1, "gen": 1, "length": 0}]
    assert ben.asks("syncSession", {"sessionId": room, "afterRev": 3, "streams": held})["messages"] == []


def test_sending_is_acknowledged_with_the_message_and_heard_by_all_the_sender_too(ana, ben, cleo, room):
    other = ana.opens_a_tab()
    for one in (ana, ben, other):
        one.enters(room)
    said = ana.says("hi", room)
    for one in (ana, ben, other):
        assert one.hears("newMessage") == {"sessionId": room, "rev": 1, "message": said}
        one.hears_nothing("newMessage")
    cleo.hears_nothing("newMessage")


def test_one_may_send_without_having_entered(ana, ben, room):
    ana.enters(room)
    said = ben.says("from afar", room)
    assert ana.hears("newMessage")["message"] == said
    ben.hears_nothing("newMessage")


def test_leaving_ends_the_events_and_not_the_membership(ana, ben, room):
    ben.enters(room)
    ben.leaves(room), ben.hears_all()
    ana.says("hi", room)
    ben.hears_nothing()
    assert ben.says("still a member", room)["seq"] == 2


@pytest.mark.parametrize(
    "event",
    ["nope", "on_connect", "trigger_event", "ack", "connect", "disconnect", "", "__class__", "answer", "joinsession"],
)
def test_an_unknown_event_is_answered_and_harms_nothing(ana, ben, room, event):
    ben.enters(room)
    for payload in ([], [{}], [{"sessionId": room}], ["x", "y"]):
        ack = ben.asks(event, *payload)
        assert ack["ok"] is False and ack["error"]["code"] in ("unknown_event", "invalid")
    said = ana.says("still there?", room)
    assert ben.hears("newMessage")["message"] == said
    ana.calls("DELETE", f"/sessions/{room}/members/{ben.id}")
    ben.hears_all()
    ana.says("and now?", room)
    ben.hears_nothing()


@pytest.mark.parametrize("packet", ["[{}]", "[[]]", "[null]", "[1]", "[true,{}]", '[["joinSession"],{}]', '[{"a":1}]'])
def test_an_event_whose_name_is_no_text_is_answered(ben, room, packet):
    ack = ben.tab.sends_packet(f"2/chat,1{packet}")
    assert ack["ok"] is False and ack["error"]["code"] in ("unknown_event", "invalid")
    assert ben.enters(room)["ok"]


@pytest.mark.parametrize("packet", ["2/chat,1[]", "2/chat,1{}", "2/chat,1", '2/chat,1"x"', "2/chat,1null"])
def test_a_packet_that_is_no_event_is_answered(ben, room, packet):
    assert ben.tab.sends_packet(packet)["error"]["code"] in ("unknown_event", "invalid")
    assert ben.enters(room)["ok"]


@pytest.mark.parametrize("packet", ["50-/chat,1[]", "5/chat,1", "6/chat,1[]", '50-/chat,1["typing",{}]'])
def test_a_binary_packet_without_attachments_does_not_swallow_what_comes_after_it(ben, room, packet):
    ben.tab.sends_packet(packet)
    assert ben.enters(room)["ok"]


def test_an_event_takes_one_payload(ben, room):
    for payload in ((), ({"sessionId": room}, {}), ({"sessionId": room}, None)):
        ack = ben.asks("joinSession", *payload)
        assert ack["error"]["code"] == "invalid"


def test_an_event_without_an_ack_asked_for_is_done_all_the_same(ana, ben, room):
    ana.enters(room)
    ben.tab.sends_packet("2/chat," + json.dumps(["typing", {"sessionId": room, "isTyping": True}]))
    assert ana.hears("typing")["isTyping"] is True


def test_an_accident_is_told_without_its_words(ana, ben, room, monkeypatch):
    def breaks(*_):
        raise RuntimeError("SELECT secret FROM people")

    ben.enters(room)
    monkeypatch.setattr(auth, "still_in", breaks)
    for event, more in ROOM_COMMANDS.items():
        error = ben.is_refused(event, {"sessionId": room} | more, "internal")
        assert set(error) == {"code", "message"} and "secret" not in str(error)
    monkeypatch.undo()
    assert ben.tab.is_open and ben.says("still here", room)["seq"] == 1


def test_a_database_that_is_away_is_told_as_unavailable(ana, ben, room, monkeypatch):
    from sqlalchemy.exc import InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    ben.enters(room)
    for error in (
        OperationalError("SELECT secret", {}, Exception("secret")),
        InterfaceError("secret", {}, Exception()),
        PoolTimeout("secret"),
    ):

        def away(*_, error=error, **__):
            raise error

        monkeypatch.setattr(database, "ask", away)
        told = ben.is_refused("joinSession", {"sessionId": room}, "unavailable")
        assert told["retryAfter"] > 0 and "secret" not in str(told)
    monkeypatch.undo()
    assert ben.enters(room)["ok"]


def test_a_connection_that_never_came_in_ends_without_a_trace(app, ana, room):
    ana.enters(room), ana.hears_all()
    with app.app_context():
        ChatNamespace(app).on_disconnect("nobody", "transport close")
        ack = ChatNamespace(app).ack("joinSession", "nobody", {"sessionId": room})
    assert ack["error"]["code"] == "unauthorized"
    ana.hears_nothing()


def test_sending_asks_the_database_three_things(ana, ben, room, queries):
    ana.enters(room), ben.enters(room), ana.says("warm", room)
    with queries() as statements:
        ana.says("hi", room)
    assert [one.split()[0] for one in statements] in (
        ["SELECT", "UPDATE", "INSERT"],
        ["SELECT", "WITH"],  # PostgreSQL does both by one
    )


def test_entering_asks_who_whether_and_whether_still(ana, ben, room, queries):
    ana.says("hi", room)
    ana.gets(f"/sessions/{room}/messages"), ben.tab.hears_all()
    with queries() as statements:
        ben.enters(room)
    assert len(statements) == 3 and not [one for one in statements if "FROM messages" in one]


def test_typing_and_leaving_ask_one_thing(ben, room, queries):
    ben.enters(room)
    for event in ("typing", "stopTyping", "leaveSession"):
        with queries() as statements:
            ben.asks(event, {"sessionId": room} | ROOM_COMMANDS[event])
        assert len(statements) == 1


def test_catching_up_alone_enters_the_room(ana, ben, room):
    ana.enters(room)
    said = ana.says("before", room)
    ana.hears_all()
    answer = ben.asks("syncSession", {"sessionId": room, "afterRev": 0})
    assert answer == {"ok": True, "messages": [said], "hasMore": False, "lastRev": 1, "streams": []}
    assert ana.hears("userOnline")["user"]["id"] == ben.id
    later = ana.says("after", room)
    assert ben.hears("newMessage") == {"sessionId": room, "rev": 2, "message": later}
    assert ana.gets(f"/sessions/{room}/online")["count"] == 2


def test_who_is_gone_before_he_has_come_in_is_not_here(ana, ben, room, clock, monkeypatch):
    come = reading.come
    monkeypatch.setattr(reading, "come", lambda *given: (come(*given), connections.discard(ben.tab.sid)))
    assert ben.asks("joinSession", {"sessionId": room})["error"]["code"] == "unauthorized"
    clock.offset += 10  # longer than a grace
    clock.ticks()
    assert ana.gets(f"/sessions/{room}/online")["count"] == 0


def test_a_failure_while_one_comes_in_leaves_him_outside(ana, ben, room, monkeypatch):
    come = reading.come

    def comes(*given):
        come(*given)
        monkeypatch.setattr(auth, "still_in", lambda *_: 1 / 0)

    monkeypatch.setattr(reading, "come", comes)
    ben.is_refused("joinSession", {"sessionId": room}, "internal")
    monkeypatch.undo()
    ana.says("to whom?", room)
    ben.hears_nothing("newMessage")
    assert connections.get(ben.tab.sid).rooms == set()
    assert ben.enters(room)["ok"]


def test_who_is_signed_out_while_he_comes_in_takes_no_other_tab_with_him(ana, ben, room, monkeypatch):
    ben.opens_a_tab().enters(room)
    come = reading.come

    def comes(*given):
        come(*given)
        monkeypatch.setattr(auth, "still_in", lambda *_: (None, None))

    monkeypatch.setattr(reading, "come", comes)
    ben.is_refused("joinSession", {"sessionId": room}, "unauthorized")
    monkeypatch.undo()
    assert ana.gets(f"/sessions/{room}/online")["count"] == 1


def test_who_comes_in_again_has_the_room_watched_again(ben, room):
    ben.enters(room)
    delivered._rooms.clear()
    ben.enters(room)
    assert delivered.of(room) is not None


def test_nothing_falls_between_catching_up_and_the_events(ana, ben, room, meanwhile):
    meanwhile(history, "changes", lambda: ana.says("in between", room))
    answer = ben.asks("syncSession", {"sessionId": room, "afterRev": 0})
    known = answer["messages"] + [one["message"] for one in ben.hears_all("newMessage")]
    assert "in between" in {one["content"] for one in known}


def test_who_knows_everything_is_told_nothing_and_that_there_is_no_more(ana, ben, room, queries):
    said = [ana.says(f"{n}", room) for n in range(12)]
    ana.edits(said[0], "edited")
    for _ in range(2):
        joined = ben.enters(room, afterRev=13)
        assert (joined["messages"], joined["hasMore"], joined["session"]["lastRev"]) == ([], False, 13)
        with queries() as statements:
            answer = ben.asks("syncSession", {"sessionId": room, "afterRev": 13, "streams": []})
        assert answer == {"ok": True, "messages": [], "hasMore": False, "lastRev": 13, "streams": []}
        assert not [one for one in statements if "FROM messages" in one]
    empty = ana.makes("Attic")
    assert (ana.enters(empty, afterRev=0)["messages"], ana.enters(empty, afterRev=0)["hasMore"]) == ([], False)
