"""What a process holds of streams when there are others: a Redis that has more, has less, or says that all is over."""

import pytest

from chatapp import bots
from chatapp.errors import Conflict
from chatapp.extensions import db
from chatapp.models import Message, Stream
from chatapp.streams import Turn, endings, sharing, tending, texts, voices
from chatapp.streams.texts import units


@pytest.fixture
def robby(cast):
    return cast("Robby", kind="bot")


@pytest.fixture
def room(ana, robby):
    room = ana.makes("Kitchen", members=[robby])
    for one in (ana, robby):
        one.enters(room)
    ana.hears_all()
    return room


@pytest.fixture
def shared(monkeypatch):
    """A Redis of one's own: `shared["text"]`, `shared["state"]` (missing | open | sealed)."""
    held = {"text": b"", "state": "missing"}

    def append(_key, offset, piece):
        length = len(held["text"]) // 2
        if held["state"] != "open":
            return held["state"], length
        if offset > length:
            return "gap", length
        held["text"] += piece[2 * (length - offset) :]
        return "ok", length

    def share(_key, text=b""):
        if held["state"] != "sealed" and len(text) >= len(held["text"]):
            held.update(text=bytes(text), state="open")

    monkeypatch.setattr(texts, "append_shared", append)
    monkeypatch.setattr(texts, "open_shared", share)
    monkeypatch.setattr(texts, "read_shared", lambda _key: held["text"] or None)
    monkeypatch.setattr(texts, "seal_shared", lambda _key: held.update(state="sealed") or held["text"])
    return held


def voice_of(message):
    return voices.get(message["id"], message["gen"])


def test_what_another_process_heard_is_known_here_too(ana, robby, room, shared):
    begun = robby.speaks("One ", room=room)
    shared["text"] += units("two ")
    assert robby.pushes(begun, 8, "three") == 13
    assert voice_of(begun).text.decode("utf-16-le") == "One two three"
    assert robby.finishes(begun)["content"] == "One two three"


def test_what_redis_forgot_is_told_again_as_far_as_it_was_saved(app, robby, room, shared):
    begun = robby.speaks("One two", room=room)
    with app.app_context():
        tending.save(voice_of(begun))
    voices._voices.clear()  # the bot comes to another process
    shared.update(text=b"", state="missing")
    assert robby.pushes(begun, 7, "!") == 8
    assert shared["text"] == units("One two!")


def test_what_was_acknowledged_here_stays_so_when_redis_has_less(robby, room, shared):
    begun = robby.speaks("One two three", room=room)
    shared["text"] = units("One ")  # told by another process that knew no more, after Redis was emptied
    assert robby.pushes(begun, 2, "e tw") == 13
    assert shared["text"] == units("One two three")
    assert robby.finishes(begun)["content"] == "One two three"


def test_when_redis_is_back_all_is_told_again(app, robby, room, shared, monkeypatch, clock):
    robby.speaks("One two", room=room)
    shared.update(text=b"", state="missing")
    monkeypatch.setattr(tending.redis, "away", True)
    clock.run(tending.tend)
    monkeypatch.setattr(tending.redis, "away", False)
    clock.run(tending.tend)
    assert shared["text"] == units("One two")


def test_what_another_process_has_sealed_grows_no_more_here(app, ana, robby, room, shared, monkeypatch):
    monkeypatch.setattr(voices, "JOINED_S", 3_600)
    begun = robby.speaks("One ", room=room)
    voice = voice_of(begun)
    voice.is_ours = True
    with app.app_context():
        turn = Turn(db.session.get(Message, begun["id"]))
        assert turn.say("two ")
        shared["state"] = "sealed"
        ana.hears_all()
        voices.tell_all()
        ana.hears_nothing("streamChunk")
        voice.sealed = True
        assert not turn.say("three")
        with pytest.raises(Conflict):
            voices.append(voice, 0, "x")
        voices.drop(voice)
        assert not turn.say("four") and not turn.comes()
        turn.end("complete")
        assert Turn(db.session.get(Message, begun["id"])).is_over


def test_a_turn_without_the_database_leaves_its_end_to_the_ticker(app, ana, robby, room, monkeypatch, clock):
    begun = robby.speaks("All of it", room=room)
    with app.app_context():
        turn = Turn(db.session.get(Message, begun["id"]))
        with monkeypatch.context() as patch:
            patch.setattr(endings, "written", lambda *_: 1 / 0)
            turn.end("complete")
    clock.ticks()
    assert ana.hears("streamComplete")["message"]["status"] == "complete"


def test_who_comes_too_late_to_stop_is_called_all_the_same(app, robby, room):
    begun = robby.speaks("x", room=room)
    called = []
    with app.app_context():
        turn = Turn(db.session.get(Message, begun["id"]))
        voices.drop(voice_of(begun))
        turn.on_end(lambda: called.append(1))
    assert called == [1]


def test_one_that_began_elsewhere_lasts_no_longer_for_it(app, ana, robby, room, clock):
    begun = robby.speaks("x", room=room)
    with app.app_context():
        tending.save(voice_of(begun))
        row = db.session.get(Stream, (begun["id"], 1), populate_existing=True)
        row.started_at = row.started_at.replace(year=2020)
        db.session.commit()
    voices._voices.clear()
    robby.pushes(begun, 1, "y")
    clock.passes(0.5)
    assert ana.hears("streamComplete")["message"]["status"] == "truncated"


def test_the_pump_tells_what_waits_and_then_rests(app, ana, robby, room, monkeypatch):
    begun = robby.speaks("a", "b", room=room)
    monkeypatch.setattr(voices.socketio, "sleep", lambda _: None)
    voices._pumps.add("running")
    voices.pump(app)
    assert not voices._pumps and not voice_of(begun).waiting


def test_a_message_is_said_whatever_becomes_of_the_assistants(ana, robby, room, monkeypatch):
    monkeypatch.setattr(bots, "assistants_of", lambda _: 1 / 0)
    assert ana.says("@Robby hello", room)["content"] == "@Robby hello"


def test_known_of_one_of_ours_asks_nobody(app, robby, room, queries):
    voice = voice_of(robby.speaks("x", room=room))
    voice.is_ours = True
    with queries() as statements, app.app_context():
        assert sharing.known_of(voice) == units("x")
    assert statements == []
