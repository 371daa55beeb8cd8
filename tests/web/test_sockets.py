"""The socket's commands: who may, what is acknowledged, who hears it (contract, section 3)."""

import uuid

import pytest

from chatapp import rooms
from chatapp.web import sockets
from chatapp.web.sockets import ChatNamespace

SESSION = set("id name kind topic lastSeq lastRev role".split())
ROOM_COMMANDS = {
    "joinSession": {},
    "leaveSession": {},
    "syncSession": {"afterRev": 0, "streams": []},
    "sendMessage": {"content": "hi", "clientId": "6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11"},
    "typing": {"isTyping": True},
    "stopTyping": {},
}
MESSAGE_COMMANDS = {"editMessage": {"content": "other"}, "removeMessage": {}}


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
    assert ([one["seq"] for one in rest["messages"]], rest["hasMore"], rest["lastRev"]) == ([201, 202, 203, 204, 205], False, 205)


def test_nothing_falls_between_entering_and_reading(ana, ben, room, meanwhile):
    """What is said after the server began to read is heard as an event, for the room was entered before."""
    from chatapp import history

    meanwhile(history, "latest", lambda: ana.says("in between", room))
    ack = ben.enters(room)
    known = {one["content"] for one in ack["messages"]} | {one["message"]["content"] for one in ben.hears_all("newMessage")}
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


@pytest.mark.parametrize("event", ROOM_COMMANDS)
@pytest.mark.parametrize("who", ["never in", "put out"])
def test_a_room_that_one_is_not_in_is_not_found(ana, ben, eve, room, event, who):
    somebody = eve
    if who == "put out":
        somebody = ben
        ben.enters(room)
        ana.calls("DELETE", f"/sessions/{room}/members/{ben.id}")
    ana.enters(room), ana.hears_all(), somebody.tab.hears_all()
    refused = somebody.is_refused(event, {"sessionId": room} | ROOM_COMMANDS[event], "not_found")
    unknown = somebody.is_refused(event, {"sessionId": str(uuid.uuid4())} | ROOM_COMMANDS[event], "not_found")
    assert refused == unknown
    ana.hears_nothing()
    ana.says("secret", room)
    somebody.hears_nothing()


@pytest.mark.parametrize("event", MESSAGE_COMMANDS)
def test_a_message_of_a_room_that_one_is_not_in_is_not_found(ana, eve, ben, room, event):
    said = ben.says("mine", room)
    ana.calls("DELETE", f"/sessions/{room}/members/{ben.id}")
    for somebody in (eve, ben):  # its author, too, once he is out
        refused = somebody.is_refused(event, {"messageId": said["id"]} | MESSAGE_COMMANDS[event], "not_found")
        unknown = somebody.is_refused(event, {"messageId": said["id"] + 1_000} | MESSAGE_COMMANDS[event], "not_found")
        assert refused == unknown
    assert ana.gets(f"/sessions/{room}/messages")["messages"] == [said]


@pytest.mark.parametrize("event", ["nope", "on_connect", "trigger_event", "ack", "connect", "disconnect", "", "__class__", "answer", "joinsession"])
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


def test_an_event_takes_one_payload(ben, room):
    for payload in ((), ({"sessionId": room}, {}), ({"sessionId": room}, None)):
        ack = ben.asks("joinSession", *payload)
        assert ack["error"]["code"] == "invalid"


def test_an_event_without_an_ack_asked_for_is_done_all_the_same(ana, ben, room):
    ana.enters(room)
    ben.tab.sends_packet('2/chat,["typing",{"sessionId":"%s","isTyping":true}]' % room)
    assert ana.hears("typing")["isTyping"] is True


@pytest.mark.parametrize("how", ["signed out", "token revoked", "deactivated", "password changed"])
@pytest.mark.parametrize("event", [*ROOM_COMMANDS, *MESSAGE_COMMANDS])
def test_whoever_may_no_more_is_refused_at_once_even_before_the_cut(ana, ben, room, olga, how, event, inside, monkeypatch):
    from chatapp import devices, notices, people, tokens

    said = ben.says("mine", room)
    tab = ben.tab if how in ("token revoked", "deactivated") else ben.opens_a_browser().opens_a_tab()
    monkeypatch.setattr(notices, "obey", lambda: None)  # another process did it, and the ticker has not come by yet
    if how == "signed out":
        devices.end(ben.row(), devices.of(ben.row())[0].id)
    elif how == "token revoked":
        tokens.revoke(tokens.of(ben.row())[0].id)
    elif how == "deactivated":
        people.deactivate(ben.row())
    else:
        people.set_password(ben.row(), "another password")
    ack = tab.asks(event, {"sessionId": room, "messageId": said["id"]} | ROOM_COMMANDS.get(event, MESSAGE_COMMANDS.get(event)))
    assert ack["error"]["code"] == "unauthorized"
    assert ana.gets(f"/sessions/{room}/messages")["messages"] == [said]


def test_signing_out_cuts_the_browsers_own_connections_and_no_other(ana, ben, room):
    browser, other = ben.opens_a_browser(), ben.opens_a_browser()
    tabs = [browser.opens_a_tab(), browser.opens_a_tab(), other.opens_a_tab(), ben.tab]
    for tab in tabs:
        tab.enters(room)
    browser.posts("/sign-out")
    assert [tab.is_open for tab in tabs] == [False, False, True, True]
    said = ana.says("hi", room)
    assert [tab.hears_all("newMessage")[-1:] for tab in tabs] == [[], [], *[[{"sessionId": room, "rev": 1, "message": said}]] * 2]


def test_an_accident_is_told_without_its_words(ana, ben, room, monkeypatch):
    def breaks(*_):
        raise RuntimeError("SELECT secret FROM people")

    ben.enters(room)
    monkeypatch.setattr(rooms, "membership_of", breaks)
    for event, more in ROOM_COMMANDS.items():
        error = ben.is_refused(event, {"sessionId": room} | more, "internal")
        assert set(error) == {"code", "message"} and "secret" not in str(error)
    monkeypatch.undo()
    assert ben.tab.is_open and ben.says("still here", room)["seq"] == 1


def test_a_database_that_is_away_is_told_as_unavailable(ana, ben, room, monkeypatch):
    from sqlalchemy.exc import InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    ben.enters(room)
    for error in (OperationalError("SELECT secret", {}, Exception("secret")), InterfaceError("secret", {}, Exception()), PoolTimeout("secret")):
        def away(*_, error=error):
            raise error

        monkeypatch.setattr(rooms, "membership_of", away)
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


def test_sending_asks_the_database_four_things(ana, ben, room, queries):
    ana.enters(room), ben.enters(room), ana.says("warm", room)
    with queries() as statements:
        ana.says("hi", room)
    assert [one.split()[0] for one in statements] == ["SELECT", "SELECT", "UPDATE", "INSERT"]


def test_entering_asks_who_whether_and_whether_still(ana, ben, room, queries):
    ana.says("hi", room)
    ana.gets(f"/sessions/{room}/messages"), ben.tab.hears_all()
    with queries() as statements:
        ben.enters(room)
    assert len(statements) == 3 and not [one for one in statements if "FROM messages" in one]


def test_typing_and_leaving_ask_two_things(ben, room, queries):
    ben.enters(room)
    for event in ("typing", "stopTyping", "leaveSession"):
        with queries() as statements:
            ben.asks(event, {"sessionId": room} | ROOM_COMMANDS[event])
        assert len(statements) == 2
