"""People talk: what one says by any door reaches everybody, whatever carries it."""

import re
import uuid

import pytest

from tests.live.copies import Copy
from tests.live.tabs import a_message


def test_what_one_says_reaches_everybody_in_the_room_and_the_other_tabs_of_the_speaker(ana, ben, cleo, room):
    second = ana.opens_a_tab()
    second.enters(room)
    for somebody in (ana, ben, cleo):
        somebody.enters(room)
    said = ana.says("Good morning")
    for listener in (ana, second, ben, cleo):
        assert listener.hears("newMessage") == {"sessionId": room, "rev": said["rev"], "message": said}


def test_those_who_are_not_in_the_room_hear_nothing_of_it(house, ana, ben, cleo, room):
    stranger = house.somebody("Eve")
    own = stranger.makes(name="Elsewhere")
    stranger.enters(own)
    assert stranger.asks("joinSession", {"sessionId": room})["error"]["code"] == "not_found"
    assert cleo.tab.is_open  # a member, connected, not in the room
    ana.enters(room)
    ana.says("Between us")
    stranger.says("Anybody here?")
    stranger.hears_nothing_more("typing", {"event": "newMessage", "sessionId": own})
    assert stranger.tab.heard("newMessage") == cleo.tab.heard("newMessage") == []


def test_one_who_left_the_room_hears_nothing_more_of_it(ana, ben, room):
    ana.enters(room)
    ben.enters(room)
    assert ben.asks("leaveSession", {"sessionId": room}) == {"ok": True}
    ana.says("After he left")
    ben.enters(room)
    ben.tab.forgets()
    ana.says("When he was back")
    assert ben.hears("newMessage")["message"]["content"] == "When he was back"


def test_an_edit_and_a_removal_reach_everybody(ana, ben, room):
    ana.enters(room)
    ben.enters(room)
    said = ana.says("Helo")
    edited = ana.asks("editMessage", {"messageId": said["id"], "content": "Hello"})["message"]
    assert ben.hears("messageUpdated") == {"sessionId": room, "rev": 2, "message": edited}
    assert (edited["content"], edited["seq"], edited["rev"]) == ("Hello", 1, 2)
    removed = ana.asks("removeMessage", {"messageId": said["id"]})["message"]
    assert ben.hears("messageUpdated") == {"sessionId": room, "rev": 3, "message": removed}
    assert removed["removed"]
    assert "Hello" not in str(removed)


def by_socket(speaker, content, room):
    return speaker.says(content, room)["clientId"]


def by_api(speaker, content, room):
    given = {"content": content, "clientId": str(uuid.uuid4())}
    sent = speaker.calls("POST", f"/sessions/{room}/messages", given)
    assert sent.status_code == 201, sent.text
    assert speaker.calls("POST", f"/sessions/{room}/messages", given).status_code == 200
    return given["clientId"]


def by_form(speaker, content, room):
    """As a browser without JavaScript sends it."""
    browser = speaker.opens_a_browser()
    page = f"/rooms/{room}"
    client_id = re.search(r'name="client_id" value="([^"]+)"', browser.gets(page).text)[1]
    landed = browser.posts(f"{page}/messages", {"content": content, "client_id": client_id}, page=page)
    assert landed.url.endswith(f"{page}#m-{client_id}")
    assert f'id="m-{client_id}"' in landed.text
    return client_id


@pytest.mark.parametrize("door", [by_socket, by_api, by_form])
def test_a_message_by_any_door_reaches_everybody_alike(ana, ben, cleo, room, door):
    polling = cleo.opens_a_tab(transport="polling")
    for tab in (ana.tab, ben.tab, polling):
        tab.enters(room)
    client_id = door(ana, "Good *morning*, žába 🐸", room)
    event = ben.hears("newMessage")
    message = event["message"]
    assert event == {"sessionId": room, "rev": 1, "message": message}
    assert (message["clientId"], message["seq"], message["author"]["id"]) == (client_id, 1, ana.id)
    assert message["content"] == "Good *morning*, žába 🐸"
    assert "Good <em>morning</em>, žába 🐸" in message["html"]
    assert ana.hears("newMessage") == polling.hears("newMessage") == event
    assert ben.calls("GET", f"/sessions/{room}/messages").json()["messages"] == [message]
    assert ben.enters(room)["messages"] == [message]


def test_a_long_polling_client_does_all_that_others_do(ana, ben, room):
    polling = ben.opens_a_tab(transport="polling")
    assert polling.client.transport() == "polling"
    ana.enters(room)
    assert polling.enters(room)["messages"] == []
    ana.says("Can you hear me?")
    assert polling.hears("newMessage")["message"]["content"] == "Can you hear me?"
    said = polling.says("I can", room)
    assert ana.hears("newMessage", rev=2)["message"] == polling.hears("newMessage", rev=2)["message"] == said
    edited = polling.asks("editMessage", {"messageId": said["id"], "content": "I can!"})["message"]
    assert ana.hears("messageUpdated")["message"] == edited


def test_polling_and_websocket_clients_in_one_room_agree(house, ana, ben, cleo, room):
    people, copies = (ana, ben, cleo), [Copy(room) for _ in range(6)]
    ways = [(one, way) for one in people for way in ("polling", "websocket")]
    tabs = [one.opens_a_tab(transport=way, listener=copy.hear) for (one, way), copy in zip(ways, copies, strict=True)]
    for tab, copy in zip(tabs, copies, strict=True):
        copy.enter(tab)
    answers = [tab.sends("sendMessage", a_message(room, f"number {n}")) for n in range(20) for tab in tabs]
    assert all(answer.wait()["ok"] for answer in answers)
    for tab, copy in zip(tabs, copies, strict=True):
        tab.hears("newMessage", rev=120)
        assert len(tab.heard("newMessage")) == 119
        assert copy.rows() == house.rows(room)
