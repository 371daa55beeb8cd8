"""What a process holds of streams, and whoever speaks in it himself."""

import pytest

from chatapp import bots
from chatapp.errors import Conflict
from chatapp.extensions import db
from chatapp.models import Message, Stream
from chatapp.streams import Turn, endings, sharing, tending, voices
from chatapp.streams.texts import units
from chatapp.streams.voices import wake_pump  # before the tests' own takes its place
from tests.cast import outside
from tests.streams.messages import of


def voice_of(message):
    return voices.get(message["id"], message["gen"])


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


def test_a_turn_that_waits_is_told_when_it_comes_and_when_it_never_will(app, robby, room):
    begun = [robby.begins(room) for _ in range(5)]
    with app.app_context():
        turn, other = (Turn(db.session.get(Message, one["id"])) for one in begun[3:])
        waits = []

        def freed(_seconds):
            waits.append(turn.changed.is_set())
            outside(robby.finishes, begun[0])
            waits.append(turn.changed.is_set())

        turn.changed.wait = freed
        assert turn.comes() and waits == [False, True]
        other.changed.wait = lambda _: outside(robby.asks, "stopStream", of(begun[4]))
        assert not other.comes() and other.changed.is_set()


def test_a_turn_of_which_nothing_is_left_does_nothing(app, robby, room):
    begun = robby.speaks("x", room=room)
    voices._voices.clear()
    with app.app_context():
        turn = Turn(db.session.get(Message, begun["id"]))
        turn.end("complete", cost=(1, 2, False))
        assert db.session.get(Stream, (begun["id"], 1)).prompt_tokens is None


def test_the_pump_is_woken_once(app, monkeypatch):
    woken = []
    monkeypatch.setattr(voices.socketio, "start_background_task", lambda *given: woken.append(given))
    with app.app_context():
        wake_pump()
        wake_pump()
    assert woken == [(voices.pump, app)]


def test_whoever_asks_here_gets_his_turn_here(robby, room, clock):
    """It began in another process, or before this one started."""
    *others, queued = [robby.begins(room) for _ in range(4)]
    voices._voices.pop((queued["id"], 1))
    assert robby.is_refused("streamChunk", of(queued, offset=0, text=""), "conflict")["status"] == "queued"
    assert voice_of(queued).is_queued
    robby.finishes(others[0])
    clock.ticks()
    assert robby.pushes(queued, 0, "my turn") == 7


def test_who_asks_does_not_take_over_what_another_process_will_speak_itself(app, robby, room):
    queued = [robby.begins(room) for _ in range(4)][3]
    voices._voices.pop((queued["id"], 1))
    with app.app_context():
        db.session.get(Stream, (queued["id"], 1)).speaker = "another process"
        db.session.commit()
    assert robby.is_refused("streamChunk", of(queued, offset=0, text=""), "conflict")["status"] == "queued"
    assert voice_of(queued) is None


def test_one_that_ended_since_its_row_was_read_is_not_heard_again(app, robby, room):
    begun = robby.speaks("All", room=room)
    with app.app_context():
        row = db.session.get(Stream, (begun["id"], 1))
    robby.finishes(begun)
    with app.app_context():
        voice = voices.overheard(row)
        assert voice_of(begun) is None
        with pytest.raises(Conflict):
            voices.append(voice, 3, "late")


@pytest.mark.parametrize("noticed_by", ["what is said", "the ticker"])
def test_another_process_may_give_it_its_turn(app, robby, room, clock, noticed_by):
    queued = [robby.begins(room) for _ in range(4)][3]
    with app.app_context():
        db.session.get(Stream, (queued["id"], 1)).status = "streaming"
        db.session.commit()
    if noticed_by == "what is said":
        assert robby.pushes(queued, 0, "my turn") == 7
    else:
        clock.ticks()
    assert not voice_of(queued).is_queued


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


def test_the_pump_tells_what_waits_when_it_is_due_and_then_rests(app, ana, robby, room, clock, monkeypatch):
    begun = robby.speaks("a", "b", room=room)
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        clock.offset += seconds

    monkeypatch.setattr(voices.socketio, "sleep", sleep)
    clock.offset += 1_000  # of the 3,600 s that pieces are joined for here
    voices._pumps.add("running")
    voices.pump(app)
    assert not voices._pumps and not voice_of(begun).waiting
    assert slept == [pytest.approx(2_600, abs=60)]


def test_who_is_nearly_due_is_told_with_who_is_due(app, robby, room, clock):
    first, second = robby.speaks("a", "b", room=room), robby.speaks("c", "d", room=room)
    clock.offset += 10
    voice_of(second).told_at += 10
    with app.app_context():
        voices.tell_all(5)
    assert not voice_of(first).waiting and voice_of(second).waiting


def test_a_message_is_said_whatever_becomes_of_the_assistants(ana, robby, room, monkeypatch):
    monkeypatch.setattr(bots, "assistants_of", lambda _: 1 / 0)
    assert ana.says("@Robby hello", room)["content"] == "@Robby hello"


def test_known_of_one_of_ours_asks_nobody(app, robby, room, queries):
    voice = voice_of(robby.speaks("x", room=room))
    voice.is_ours = True
    with queries() as statements, app.app_context():
        assert sharing.known_of(voice) == units("x")
    assert statements == []
