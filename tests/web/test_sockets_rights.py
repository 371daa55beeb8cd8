"""The socket's commands asked by those who may not, or may no more: rights hold at every command."""

import uuid

import pytest

from tests.web.test_sockets import MESSAGE_COMMANDS, ROOM_COMMANDS


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


@pytest.mark.parametrize("how", ["signed out", "token revoked", "deactivated", "password changed"])
@pytest.mark.parametrize("event", [*ROOM_COMMANDS, *MESSAGE_COMMANDS])
def test_whoever_may_no_more_is_refused_at_once_even_before_the_cut(
    ana, ben, room, olga, how, event, inside, monkeypatch
):
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
    ack = tab.asks(
        event, {"sessionId": room, "messageId": said["id"]} | ROOM_COMMANDS.get(event, MESSAGE_COMMANDS.get(event))
    )
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
    assert [tab.hears_all("newMessage")[-1:] for tab in tabs] == [
        [],
        [],
        *[[{"sessionId": room, "rev": 1, "message": said}]] * 2,
    ]
