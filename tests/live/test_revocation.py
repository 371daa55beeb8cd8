"""Somebody may no longer: whoever says so, by page, API or command line, open connections obey at once."""

import re
import time
import uuid

import pytest
import socketio

from tests.live.tabs import SOON_S, Lost, Tab


def is_turned_away(tab):
    """Neither hears nor is answered: the connection was ended, or says that it is signed out."""
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        try:
            ack = tab.asks("typing", {"sessionId": "any", "isTyping": True})
        except Lost:
            return True
        if ack["error"]["code"] == "unauthorized":
            return True
        time.sleep(0.05)
    return False


def hears_nothing_from_now_on(tab, speaker, room):
    """Whatever `speaker` does; a witness shows that it was told."""
    tab.forgets()
    witness = speaker.opens_a_tab()
    witness.enters(room)
    said = speaker.says("Do you still hear me?", room)
    speaker.asks("editMessage", {"messageId": said["id"], "content": "And now?"})
    speaker.calls("PATCH", f"/sessions/{room}", {"topic": f"Secret {uuid.uuid4()}"})
    witness.hears("messageUpdated")
    witness.hears("sessionUpdated")
    time.sleep(0.3)
    return tab.heard_names() == []


def test_one_who_signs_out_is_gone_from_every_tab_of_that_browser(ana, ben, room):
    browser, other = ben.opens_a_browser(), ben.opens_a_browser()
    tabs = [browser.opens_a_tab(), browser.opens_a_tab(transport="polling")]
    elsewhere = other.opens_a_tab()
    for tab in (*tabs, elsewhere):
        tab.enters(room)
    cookie = browser.cookie
    assert browser.posts("/sign-out").url.endswith("/sign-in")
    for tab in tabs:
        assert is_turned_away(tab)
        assert hears_nothing_from_now_on(tab, ana, room)
    with pytest.raises(socketio.exceptions.ConnectionError):
        Tab(ben.url, headers={"Cookie": cookie})
    assert elsewhere.hears("newMessage")
    assert elsewhere.says("I am still here", room)


def test_a_browser_ended_from_another_one_is_gone(ana, ben, room):
    lost, own = ben.opens_a_browser(), ben.opens_a_browser()
    tab, kept = lost.opens_a_tab(), own.opens_a_tab()
    tab.enters(room)
    kept.enters(room)
    (path,) = re.findall(r"/account/devices/\d+/end", own.gets("/account").text)  # one's own has no such button
    own.posts(path)
    assert is_turned_away(tab)
    assert hears_nothing_from_now_on(tab, ana, room)
    assert kept.hears("newMessage")


def test_a_new_password_signs_every_other_browser_out(ana, ben, room):
    other, own = ben.opens_a_browser(), ben.opens_a_browser()
    gone, kept = other.opens_a_tab(), own.opens_a_tab()
    gone.enters(room)
    kept.enters(room)
    own.posts("/account/password", {"current": "correct horse battery", "new": "another horse entirely"})
    assert is_turned_away(gone)
    assert hears_nothing_from_now_on(gone, ana, room)
    assert kept.hears("newMessage")


def test_a_token_revoked_from_the_command_line_counts_no_more(house, ana, ben, room):
    browser = ben.opens_a_browser().opens_a_tab()
    browser.enters(room)
    ben.enters(room)
    house.server.flask("tokens", "revoke", str(ben.token_id))
    assert is_turned_away(ben.tab)
    assert hears_nothing_from_now_on(ben.tab, ana, room)
    assert ben.calls("GET", "/me").status_code == 401
    with pytest.raises(socketio.exceptions.ConnectionError):
        ben.opens_a_tab()
    assert browser.hears("newMessage")  # the token ended, not the person


def test_somebody_deactivated_from_the_command_line_is_gone_everywhere(house, ana, ben, room):
    browser = ben.opens_a_browser()
    tabs = [ben.opens_a_tab(), ben.opens_a_tab(transport="polling"), browser.opens_a_tab()]
    for tab in tabs:
        tab.enters(room)
    house.server.flask("users", "deactivate", ben.email)
    for tab in tabs:
        assert is_turned_away(tab)
        assert hears_nothing_from_now_on(tab, ana, room)
    assert ben.calls("GET", "/me").status_code == 401
    assert browser.gets("/account").url.split("?")[0].endswith("/sign-in")


def by_api(house, owner, somebody, room):
    assert owner.calls("DELETE", f"/sessions/{room}/members/{somebody.id}").json() == {"ok": True}


def by_command(house, owner, somebody, room):
    house.server.flask("rooms", "remove", room, somebody.email)


def by_page(house, owner, somebody, room):
    owner.opens_a_browser().posts(f"/rooms/{room}/members/{somebody.id}/remove")


@pytest.mark.parametrize("removed", [by_api, by_page, by_command])
def test_one_removed_from_a_room_hears_that_and_nothing_more_of_it(house, ana, ben, cleo, room, removed):
    said = ben.says("Before", room)
    tabs = [ben.tab, ben.opens_a_tab(transport="polling"), ben.opens_a_browser().opens_a_tab()]
    for tab in tabs:
        tab.enters(room)
    cleo.enters(room)
    removed(house, ana, ben, room)
    for tab in tabs:
        assert tab.hears("sessionRemoved") == {"sessionId": room}
        assert hears_nothing_from_now_on(tab, ana, room)
        assert refusals_of(tab, room, said["id"]) == {"not_found"}
    assert cleo.hears("userOffline")["user"]["id"] == ben.id
    assert ben.calls("GET", f"/sessions/{room}").status_code == 404
    assert tabs[0].is_open
    assert ben.makes()  # the account is as it was


def refusals_of(tab, room, message_id):
    here, this = {"sessionId": room}, {"messageId": message_id}
    asked = {
        "joinSession": here,
        "leaveSession": here,
        "syncSession": here | {"afterRev": 0, "streams": []},
        "sendMessage": here | {"content": "Let me in", "clientId": "1b6c6d92-7f47-4b2c-a1f8-6b2b8b9f0001"},
        "typing": here | {"isTyping": True},
        "stopTyping": here,
        "editMessage": this | {"content": "Let me in"},
        "removeMessage": this,
    }
    return {tab.asks(event, payload)["error"]["code"] for event, payload in asked.items()}


def test_one_who_leaves_hears_nothing_more(ana, ben, room):
    ben.enters(room)
    assert ben.calls("DELETE", f"/sessions/{room}/members/{ben.id}").status_code == 200
    assert ben.hears("sessionRemoved") == {"sessionId": room}
    assert hears_nothing_from_now_on(ben.tab, ana, room)


@pytest.mark.parametrize("by_command_line", [False, True])
def test_one_added_hears_it_and_may_enter_at_once(house, ana, room, by_command_line):
    fay = house.somebody("Fay")
    assert fay.asks("joinSession", {"sessionId": room})["error"]["code"] == "not_found"
    if by_command_line:
        house.server.flask("rooms", "add", room, fay.email)
    else:
        ana.calls("PUT", f"/sessions/{room}/members/{fay.id}")
    told = fay.hears("sessionUpdated")["session"]
    assert (told["id"], told["name"], "role" in told) == (room, "Kitchen", False)
    assert fay.enters(room)["session"]["role"] == "member"


def test_a_room_changed_from_the_command_line_reaches_its_members_in_it_or_not(house, ana, ben, room):
    stranger = house.somebody("Eve")
    assert stranger.tab.is_open
    ana.enters(room)
    assert ben.tab.is_open
    house.server.flask("rooms", "archive", room)
    for member in (ana, ben):
        told = member.hears("sessionUpdated")["session"]
        assert (told["id"], told["archived"], "role" in told) == (room, True, False)
    stranger.makes(name="Elsewhere")
    assert stranger.hears("sessionUpdated")["session"]["name"] == "Elsewhere"


def test_a_room_renamed_by_its_owner_reaches_its_members(ana, ben, cleo, room):
    ben.enters(room)
    assert cleo.tab.is_open
    ana.calls("PATCH", f"/sessions/{room}", {"name": "Scullery", "topic": "Pans"})
    for member in (ben, cleo):
        told = member.hears("sessionUpdated", within=5)["session"]
        assert (told["name"], told["topic"]) == ("Scullery", "Pans")


def test_an_archived_room_is_read_and_not_written(ana, ben, room):
    ben.enters(room)
    ana.says("The last word", room)
    ana.calls("DELETE", f"/sessions/{room}")
    assert ben.hears("sessionUpdated")["session"]["archived"]
    given = {"sessionId": room, "content": "One more", "clientId": "1b6c6d92-7f47-4b2c-a1f8-6b2b8b9f0002"}
    assert ben.asks("sendMessage", given)["error"]["code"] == "forbidden"
    assert [one["content"] for one in ben.enters(room)["messages"]] == ["The last word"]
