"""The API's messages: a message sent through any door reaches everybody the same way."""

import uuid

import pytest


def post(somebody, room, content="hi", client_id=None, **more):
    given = {"content": content, "clientId": client_id or str(uuid.uuid4())} | more
    return somebody.calls("POST", f"/sessions/{room}/messages", given)


def test_a_message_posted_is_answered_201_and_heard_by_the_sockets(ana, ben, room):
    ben.enters(room)
    response = post(ana, room)
    assert response.status_code == 201 and set(response.json) == {"message"}
    assert ben.hears("newMessage") == {"sessionId": room, "rev": 1, "message": response.json["message"]}


def test_the_same_again_is_answered_200_and_heard_once(ana, ben, room):
    ben.enters(room)
    first = post(ana, room, "once").json["message"]
    again = post(ana, room, "once", first["clientId"])
    assert (again.status_code, again.json["message"]) == (200, first)
    assert ana.says("once", room, clientId=first["clientId"]) == first
    assert len(ben.hears_all("newMessage")) == 1


def test_the_same_client_id_with_other_words_is_409(ana, room):
    first = post(ana, room, "once").json["message"]
    response = post(ana, room, "twice", first["clientId"])
    assert response.status_code == 409
    assert (response.json["error"]["code"], response.json["error"]["field"]) == ("conflict", "clientId")


def test_a_message_by_the_form_is_the_same_message_too(ana, ben, room):
    ben.enters(room)
    browser, client_id = ana.opens_a_browser(), str(uuid.uuid4())
    browser.posts(f"/rooms/{room}/messages", {"content": "by hand", "client_id": client_id})
    said = ben.hears("newMessage")["message"]
    assert (said["content"], said["clientId"], said["seq"]) == ("by hand", client_id, 1)
    assert post(ana, room, "by hand", client_id).json["message"] == said


def test_edited_and_removed_over_http(ana, ben, room):
    ben.enters(room)
    said = post(ana, room, "teh").json["message"]
    edited = ana.calls("PATCH", f"/messages/{said['id']}", {"content": "the"})
    assert (edited.status_code, edited.json["message"]["content"], edited.json["message"]["rev"]) == (200, "the", 2)
    assert ben.hears("messageUpdated")["message"] == edited.json["message"]
    removed = ana.calls("DELETE", f"/messages/{said['id']}")
    assert (removed.status_code, removed.json["message"]["removed"]) == (200, True)
    assert ben.hears("messageUpdated")["message"] == removed.json["message"]
    gone = ana.calls("PATCH", f"/messages/{said['id']}", {"content": "back"})
    assert (gone.status_code, gone.json["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_what_others_said_is_not_ones_to_change(ana, ben, room, method):
    said = ana.says("mine", room)
    response = ben.calls(method, f"/messages/{said['id']}", {"content": "yours"} if method == "PATCH" else None)
    assert (response.status_code, response.json["error"]["code"]) == (403, "forbidden")
    assert ana.gets(f"/sessions/{room}/messages")["messages"] == [said]


def test_a_reply_over_http(ana, ben, room):
    asked = ana.says("tea?", room)
    assert post(ben, room, "yes", replyTo=asked["id"]).json["message"]["replyTo"] == asked["id"]
    response = post(ben, room, "yes", replyTo=asked["id"] + 1_000)
    assert (response.status_code, response.json["error"]["field"]) == (422, "replyTo")


def test_letters_are_letters_in_every_answer(ana, room):
    said = post(ana, room, "Žluťoučký kůň 😀").json["message"]
    assert said["content"] == "Žluťoučký kůň 😀"
    assert ana.gets(f"/sessions/{room}/messages")["messages"] == [said]
