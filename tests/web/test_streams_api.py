"""Streams over plain HTTP: a bot without a socket, and those who listen without one."""

import json
import uuid

import pytest

from chatapp.realtime import connections, listeners
from chatapp.web.api import event_stream, events
from tests.cast import outside


@pytest.fixture
def room(ana, ben, robby):
    room = ana.makes("Kitchen", members=(ben, robby))
    ana.enters(room)
    ana.hears_all()
    return room


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """A sign of life is due at once."""
    monkeypatch.setattr(event_stream, "PING_EVERY_S", 0.01)


def begins(robby, room, client_id=None, **more):
    return robby.calls("POST", f"/sessions/{room}/streams", {"clientId": client_id or str(uuid.uuid4())} | more)


def pushes(robby, message, offset, text, gen=1):
    return robby.calls("POST", f"/streams/{message['id']}/chunks", {"gen": gen, "offset": offset, "text": text})


class Listener:
    """An answer of Server-Sent Events, read step by step."""

    def __init__(self, somebody, path, **headers):
        self.answer = somebody.calls("GET", path, headers=headers, buffered=False)
        assert self.answer.status_code == 200
        self.steps = iter(self.answer.response)
        assert outside(next, self.steps) == b"retry: 2000\n\n"

    def hears(self):
        """(event, payload, id); None for a sign of life."""
        fields = dict(line.split(": ", 1) for line in outside(next, self.steps).decode().splitlines() if line)
        return (fields["event"], json.loads(fields["data"]), fields.get("id")) if "event" in fields else None

    def hears_all(self):
        """Until it is quiet."""
        found = []
        while one := self.hears():
            found.append(one)
        return found

    def has_ended(self):
        return outside(next, self.steps, None) is None

    def closes(self):
        outside(self.answer.close)


def test_from_the_first_piece_to_the_end(ana, robby, room):
    client_id = str(uuid.uuid4())
    answer = begins(robby, room, client_id)
    begun = answer.json["message"]
    assert (answer.status_code, begun["status"], begun["gen"]) == (201, "streaming", 1)
    again = begins(robby, room, client_id)
    assert (again.status_code, again.json["message"]["id"]) == (200, begun["id"])
    for _ in range(2):  # what is sent twice counts once
        assert pushes(robby, begun, 0, "Hello 🙂").json == {"length": 8}
    gap = pushes(robby, begun, 9, "x")
    assert (gap.status_code, gap.json["error"]["code"], gap.json["error"]["length"]) == (409, "conflict", 8)
    for _ in range(2):
        done = robby.calls("POST", f"/streams/{begun['id']}/complete", {"gen": 1}).json["message"]
        assert (done["status"], done["content"]) == ("complete", "Hello 🙂")
    late = pushes(robby, begun, 8, "!")
    assert (late.status_code, late.json["error"]["length"]) == (409, 8)
    assert ana.hears("streamComplete")["message"]["content"] == "Hello 🙂"


def test_it_is_stopped_and_said_again(ana, ben, robby, room):
    begun = begins(robby, room).json["message"]
    of = f"/streams/{begun['id']}"
    assert ben.calls("POST", f"{of}/stop", {"gen": 1}).status_code == 403
    assert ana.calls("POST", f"{of}/stop", {"gen": 2}).status_code == 409
    assert ana.calls("POST", f"{of}/stop", {"gen": 1}).json == {"status": "stopped"}
    again = ana.calls("POST", f"{of}/repeat", {"gen": 1}).json["message"]
    assert (again["gen"], again["status"], again["askedBy"]) == (2, "streaming", ana.id)
    assert pushes(robby, begun, 0, "late").status_code == 409
    assert pushes(robby, begun, 0, "new", gen=2).json == {"length": 3}


def test_strangers_and_others_do_not_speak_in_it(ana, eve, robby, room, stranger):
    begun = begins(robby, room).json["message"]
    assert begins(eve, room).status_code == 404
    for somebody in (ana, eve):
        assert pushes(somebody, begun, 0, "x").status_code == 404
    assert eve.calls("POST", f"/streams/{begun['id']}/stop", {"gen": 1}).status_code == 404
    assert eve.calls("GET", f"/messages/{begun['id']}/stream").status_code == 404
    assert eve.calls("GET", f"/sessions/{room}/events").status_code == 404


def test_a_listener_hears_what_a_socket_hears_and_is_seen(ana, ben, room):
    heard = Listener(ben, f"/sessions/{room}/events")
    heard.hears_all()
    assert ben.id in [one["id"] for one in ana.gets(f"/sessions/{room}/online")["users"]]
    said = ana.says("Hello", room)
    assert heard.hears_all() == [("newMessage", {"sessionId": room, "rev": 1, "message": said}, "1")]
    heard.closes()
    assert not listeners.listened_to(room) and not connections.of_person(ben.id)


def test_what_was_missed_comes_first_and_once(ana, ben, robby, room, meanwhile, monkeypatch):
    first = ana.says("one", room)
    ana.edits(ana.says("two", room), "deux")
    begun = robby.speaks("half", room=room)
    done = robby.finishes(robby.speaks("whole", room=room))
    monkeypatch.setattr(events.history, "changes", lambda *given, changes=events.history.changes: changes(*given, 2))
    meanwhile(events, "missed", lambda: ana.says("just now", room))
    heard = Listener(ben, f"/sessions/{room}/events", **{"Last-Event-ID": "0"})
    told = [one for one in heard.hears_all() if one[0] not in ("userOnline", "streamStatus")]
    names = [(name, payload.get("rev")) for name, payload, _ in told]
    assert names == [
        ("newMessage", 1),
        ("messageUpdated", 3),
        ("newMessage", 4),
        ("streamComplete", 6),
        ("newMessage", 7),
        ("streamChunk", None),
    ]
    assert told[0][1]["message"] == first and told[3][1]["message"] == done and told[3][1]["length"] == 5
    assert (told[5][1]["messageId"], told[5][1]["text"]) == (begun["id"], "half")
    assert heard.hears() is None
    later = Listener(ben, f"/sessions/{room}/events?afterRev=3", **{"Last-Event-ID": "6"})
    assert [one[2] for one in later.hears_all() if one[0] == "newMessage"] == ["7"]


def test_an_error_is_told_with_what_was_missed(ana, ben, robby, room):
    robby.finishes(robby.speaks("Half a", room=room), error="It broke.")
    heard = Listener(ben, f"/sessions/{room}/events?afterRev=0")
    (done,) = [payload for name, payload, _ in heard.hears_all() if name == "streamComplete"]
    assert done["error"]["message"] == "It broke."


@pytest.mark.parametrize("how", ["put out", "token", "slow", "stopping"])
def test_who_may_hear_no_more_is_let_go(app, ana, ben, room, how, monkeypatch, clock):
    monkeypatch.setattr(listeners, "WAITING_MAX", 3)
    heard = Listener(ben, f"/sessions/{room}/events")
    heard.hears_all()
    if how == "put out":
        ana.calls("DELETE", f"/sessions/{room}/members/{ben.id}")
    elif how == "token":
        app.test_cli_runner().invoke(args=["tokens", "revoke", str(ben.token_row.id)])
        clock.ticks()
    elif how == "slow":
        for n in range(5):
            ana.says(f"{n}", room)
    else:
        assert listeners.end_all()
    if how == "put out":
        assert heard.hears() == ("sessionRemoved", {"sessionId": room}, None)
    assert heard.has_ended()
    assert connections.of_person(ben.id) == []


@pytest.mark.parametrize("last_id", ["9" * 5_000, "\u00b2", "-1", "1.5", str(2**63)])
def test_an_id_that_is_no_revision_is_none(ana, ben, room, last_id):
    said = ana.says("Missed", room)
    heard = Listener(ben, f"/sessions/{room}/events?afterRev=0", **{"Last-Event-ID": last_id})
    assert [payload["message"]["id"] for name, payload, _ in heard.hears_all() if name == "newMessage"] == [said["id"]]


@pytest.mark.parametrize("path", ["events", "stream"])
def test_what_ended_before_he_listened_is_noticed(ana, ben, robby, room, path, monkeypatch):
    begun = robby.speaks("x", room=room)
    monkeypatch.setattr(events.auth, "still", lambda _: None)
    where = f"/sessions/{room}/events" if path == "events" else f"/messages/{begun['id']}/stream"
    answer = ben.calls("GET", where, buffered=False)
    assert list(outside(list, answer.response)) == []


def test_one_stream_is_followed_to_its_end(ana, ben, robby, room, clock):
    begun = robby.speaks("Hello, ", room=room)
    heard = Listener(ben, f"/messages/{begun['id']}/stream?offset=3")
    chunk = {"sessionId": room, "messageId": begun["id"], "gen": 1}
    assert heard.hears() == ("streamChunk", chunk | {"offset": 3, "text": "lo, "}, "7")
    ana.says("between", room)
    robby.pushes(begun, 7, "🙂")
    clock.pumps()
    assert heard.hears_all() == [("streamChunk", chunk | {"offset": 7, "text": "🙂"}, "9")]
    robby.finishes(begun)
    *_, (name, done, at) = [heard.hears(), heard.hears()]
    assert (name, done["length"], at) == ("streamComplete", 9, "9")
    assert heard.has_ended()
    after = Listener(ben, f"/messages/{begun['id']}/stream", **{"Last-Event-ID": "9"})
    assert after.hears()[0] == "streamComplete" and after.has_ended()


def test_a_gap_is_filled_and_what_was_said_again_meanwhile_ends_it(ana, ben, robby, room):
    begun = robby.speaks("Hello", room=room)
    heard = Listener(ben, f"/messages/{begun['id']}/stream?offset=5")
    about = {"sessionId": room, "messageId": begun["id"], "gen": 1}
    robby.pushes(begun, 5, " you")
    outside(listeners.deliver, "streamChunk", about | {"offset": 9, "text": ""}, room, [])
    assert "".join(payload["text"] for name, payload, _ in heard.hears_all() if name == "streamChunk") == " you"
    for steps in listeners._by_room[room].values():
        while not steps.queue.empty():
            steps.queue.get()
    robby.finishes(begun)
    ana.calls("POST", f"/streams/{begun['id']}/repeat", {"gen": 1})
    for steps in listeners._by_room[room].values():
        while not steps.queue.empty():
            steps.queue.get()
    assert heard.hears() is None and heard.has_ended()
    assert ben.calls("GET", f"/messages/{begun['id']}/stream?gen=1").status_code == 404
    ordinary = ana.says("no stream", room)
    assert ben.calls("GET", f"/messages/{ordinary['id']}/stream").status_code == 404


def test_a_mark_of_what_was_reached_is_told_to_nobody_and_moves_the_id_no_further(ana, ben, robby, room):
    begun = robby.speaks("Hello", room=room)
    heard = Listener(ben, f"/sessions/{room}/events")
    heard_one = Listener(ben, f"/messages/{begun['id']}/stream?offset=5")
    heard.hears_all(), heard_one.hears_all()

    def told(rev):
        outside(listeners.deliver, "newMessage", {"sessionId": room, "rev": rev}, room, [])
        return heard.hears()[2]

    ids = [told(3), told(5)]
    for mark, rev in ((3, 6), (5, 7), (2, 8)):  # 4 is missing until it is marked as told
        outside(listeners.reached, room, mark)
        ids.append(told(rev))
    assert ids == ["1", "1", "3", "7", "8"]
    outside(listeners.reached, room, 9)
    assert heard.hears() is None and heard_one.hears() is None
    robby.finishes(begun)
    assert "streamComplete" in [heard_one.hears()[0], heard_one.hears()[0]] and heard_one.has_ended()


def test_nobody_listens_without_measure(app, ana, room, monkeypatch):
    monkeypatch.setitem(app.config, "RATE_LIMITS", True)
    monkeypatch.setattr(events, "CONNECTIONS_MAX", 2)
    kept = [Listener(ana, f"/sessions/{room}/events") for _ in range(2)]
    refused = ana.calls("GET", f"/sessions/{room}/events")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60") and kept
