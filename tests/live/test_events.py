"""Server-Sent Events: what a socket hears, over plain HTTP, on every kind of server (ASYNC_MODE)."""

import time
import uuid

import pytest
import requests

from chatapp.wire import utf16_length
from tests.live.listening import Listening

GONE_S = 1.0  # the contract's bound; asserted five times over


def said_since(listening):
    """The messages told of: (rev, id) in the order of their coming."""
    return [(payload["rev"], payload["message"]["id"]) for event, payload, *_ in listening.events if "rev" in payload]


@pytest.fixture
def marvin(house):
    return house.somebody("Marvin", kind="bot")


def begins(marvin, room):
    return marvin.calls("POST", f"/sessions/{room}/streams", {"clientId": str(uuid.uuid4())}).json()["message"]


def pushes(marvin, message, offset, text):
    given = {"gen": message["gen"], "offset": offset, "text": text}
    return marvin.calls("POST", f"/streams/{message['id']}/chunks", given).json()["length"]


def test_what_happens_in_a_room_is_heard(ana, ben, room):
    heard = Listening(ben, f"/sessions/{room}/events")
    assert heard.answer.headers["Content-Type"].startswith("text/event-stream")
    heard.waits_for(lambda: False, 0.3)
    ana.enters(room)
    said = ana.says("Hello")
    assert heard.hears("newMessage")["message"] == said
    ana.asks("typing", {"sessionId": room, "isTyping": True})
    assert heard.hears("typing")["user"]["id"] == ana.id
    ana.asks("editMessage", {"messageId": said["id"], "content": "Hello you"})
    assert heard.hears("messageUpdated")["message"]["content"] == "Hello you"
    assert ben.id in [one["id"] for one in ana.calls("GET", f"/sessions/{room}/online").json()["users"]]
    assert heard.last_id == "2"


def test_cut_off_again_and_again_nothing_is_missed_and_nothing_comes_twice(ana, ben, room):
    ana.enters(room)
    heard, told, last = None, [], "0"
    for n in range(60):
        if n % 6 == 0:
            if heard:
                last = heard.last_id or last
                told += said_since(heard)
                heard.closes()
            heard = Listening(ben, f"/sessions/{room}/events", **{"Last-Event-ID": last})
        ana.says(f"line {n}")
    heard.waits_for(lambda: heard.last_id == "60", 10)
    told += said_since(heard)
    revs = [rev for rev, _ in told]
    assert sorted(set(revs)) == list(range(1, 61))
    first = said_since(heard)
    assert len(first) == len(set(first))


@pytest.mark.parametrize("how", ["token", "put out", "deactivated"])
def test_who_may_hear_no_more_is_let_go_within_a_second(house, ana, ben, room, how, note):
    heard = Listening(ben, f"/sessions/{room}/events")
    ana.enters(room)
    ana.says("one")
    heard.hears("newMessage")
    at = time.monotonic()
    if how == "token":
        house.server.flask("tokens", "revoke", str(ben.token_id))
        at = time.monotonic()
    elif how == "put out":
        assert ana.calls("DELETE", f"/sessions/{room}/members/{ben.id}").status_code == 200
    else:
        house.server.flask("users", "deactivate", ben.email)
        at = time.monotonic()
    took = heard.ends(5 * GONE_S) - at
    note(f"events, {how}: ended {max(0.0, took):.2f} s after the change (aim {GONE_S:.0f})")
    again = requests.get(heard.answer.url, headers={"Authorization": f"Bearer {ben.token}"}, timeout=10)
    assert again.status_code in (401, 404)


def test_one_stream_is_followed_to_its_end_and_resumed(ana, marvin, room):
    ana.calls("PUT", f"/sessions/{room}/members/{marvin.id}")
    begun = begins(marvin, room)
    words = ["Hello ", "🙂", "漢字 ", "and ", "on"]
    length = pushes(marvin, begun, 0, words[0] + words[1])
    first = Listening(ana, f"/messages/{begun['id']}/stream")
    assert first.hears("streamChunk")["text"] == "Hello 🙂"
    first.closes()
    length = pushes(marvin, begun, length, words[2])
    second = Listening(ana, f"/messages/{begun['id']}/stream", **{"Last-Event-ID": first.last_id})
    chunk = second.hears("streamChunk")
    assert (chunk["offset"], chunk["text"]) == (8, "漢字 ")
    for word in words[3:]:
        length = pushes(marvin, begun, length, word)
    marvin.calls("POST", f"/streams/{begun['id']}/complete", {"gen": 1})
    done = second.hears("streamComplete")
    assert done["message"]["content"] == "".join(words) and done["length"] == utf16_length("".join(words))
    second.ends()
    heard = "".join(one[1]["text"] for one in second.events if one[0] == "streamChunk")
    assert "Hello 🙂" + heard == "".join(words)
    after = Listening(ana, f"/messages/{begun['id']}/stream?offset=3")
    assert after.hears("streamComplete")["message"]["status"] == "complete"
    after.ends()
    assert ana.calls("GET", f"/messages/{begun['id']}/stream?gen=2").status_code == 404


def test_a_hundred_listen_at_once(house, long_form):
    count = 100 if long_form else 40
    crowd = house.people(count)
    room = crowd[0].makes(*crowd[1:])
    heard = [Listening(one, f"/sessions/{room}/events") for one in crowd]
    crowd[0].enters(room)
    said = [crowd[0].says(f"line {n}")["id"] for n in range(5)]
    for one in heard:
        one.waits_for(lambda one=one: len(said_since(one)) == 5, 20)
        assert [id_ for _, id_ in said_since(one)] == said


def test_one_who_does_not_read_is_held_up_alone(ana, ben, cleo, room):
    slow = requests.get(
        f"{ben.url}/api/v1/sessions/{room}/events",
        headers={"Authorization": f"Bearer {ben.token}"},
        stream=True,
        timeout=60,
    )
    good = Listening(cleo, f"/sessions/{room}/events")
    ana.enters(room)
    for n in range(700):
        ana.says("x" * 3_000 + str(n))
        if n % 100 == 99:  # who is 500 behind is not good
            good.waits_for(lambda n=n: int(good.last_id or 0) > n - 100, 60)
    good.waits_for(lambda: good.last_id == "700", 60)
    assert good.last_id == "700"
    slow.close()


def test_a_page_of_another_origin_reads_them_with_a_token(servers, ground):
    from tests.live.people import House

    house = House(servers(CORS_ORIGIN="https://pages.example"))
    ana = house.somebody("Ana")
    room = ana.makes()
    heard = Listening(ana, f"/sessions/{room}/events", Origin="https://pages.example")
    assert heard.answer.headers["Access-Control-Allow-Origin"] == "https://pages.example"
    heard.closes()


def test_a_server_that_stops_lets_listeners_go_at_once(shaky_house, note):
    ana = shaky_house.somebody("Ana")
    room = ana.makes()
    heard = Listening(ana, f"/sessions/{room}/events")
    at = time.monotonic()
    assert shaky_house.server.stop() == 0
    heard.ends()
    note(f"stopped with a listener: {time.monotonic() - at:.1f} s")
    assert time.monotonic() - at < 15
