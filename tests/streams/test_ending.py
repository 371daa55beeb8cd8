"""How streams end: once, whoever asks for it and whatever fails meanwhile; and who is heard no more."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from chatapp import streams
from chatapp.extensions import db
from chatapp.models import Message, Stream
from chatapp.streams import endings, tending, turns, voices
from tests.cast import outside
from tests.streams.messages import of


@pytest.fixture
def left_long_ago(monkeypatch):
    """No beat is recent enough."""
    monkeypatch.setattr(tending, "LEFT_AFTER", timedelta(minutes=-1))


def ended(somebody):
    done = somebody.hears("streamComplete")["message"]
    return done["status"], done["content"]


def away(*_, **__):
    raise OperationalError(None, None, ConnectionError("the database is away"))


def test_one_that_lives_is_not_taken_for_dead_after_the_database_was_away(ana, robby, room, clock, left_long_ago):
    begun = robby.speaks("Still ", room=room)
    for _ in range(6):
        clock.passes(6)
    ana.hears_nothing("streamComplete")
    robby.pushes(begun, 6, "here")
    robby.finishes(begun)
    assert ended(ana) == ("complete", "Still here")


def test_another_process_gives_a_suspect_time_to_beat(app, ana, robby, room, clock, left_long_ago):
    robby.speaks("Half", room=room)
    clock.passes(2)
    voices._voices.clear()  # as if another process had heard it
    for _ in range(4):
        clock.passes(6)
        with app.app_context():
            row = db.session.query(Stream).one()
            row.beat_at += timedelta(seconds=6)
            db.session.commit()
    ana.hears_nothing("streamComplete")
    clock.passes(6)
    clock.passes(6)
    clock.passes(6)
    assert ended(ana) == ("interrupted", "Half")


def test_who_is_put_out_says_no_more(ana, robby, room, clock):
    robby.speaks("I will ", room=room)
    ana.calls("DELETE", f"/sessions/{room}/members/{robby.id}")
    clock.passes(1)
    assert ended(ana) == ("stopped", "I will ")


def test_who_is_turned_away_altogether_says_no_more(app, ana, robby, room, clock):
    robby.speaks("I will ", room=room)
    app.test_cli_runner().invoke(args=["users", "deactivate", str(robby.id)])
    with app.app_context():
        robby.row().active = False
        db.session.commit()
    clock.passes(1)
    assert ended(ana) == ("stopped", "I will ")


def test_of_two_who_end_it_at_once_one_does(ana, ben, robby, room, meanwhile):
    begun = robby.speaks("Hello", room=room)
    meanwhile(endings, "written", lambda: outside(ana.asks, "stopStream", of(begun)))
    done = robby.finishes(begun)
    assert (done["status"], done["content"]) == ("stopped", "Hello")
    assert len(ben.hears_all("streamComplete")) == 1


def test_without_the_database_it_ends_when_that_is_back(app, ana, robby, room, clock, monkeypatch):
    begun = robby.speaks("All ", "of it", room=room)
    with monkeypatch.context() as patch:
        patch.setattr(endings, "written", away)
        assert not robby.asks("streamComplete", of(begun))["ok"]
        clock.passes(1)
        error = robby.is_refused("streamChunk", of(begun, offset=9, text="!"), "conflict")
        assert error["length"] == 9
    clock.passes(1)
    assert ended(ana) == ("complete", "All of it")
    assert robby.finishes(begun)["status"] == "complete"


def test_removed_and_said_on_at_once_it_leaves_no_hole_in_the_revisions(app, ana, robby, room):
    begun = robby.speaks("Hello", room=room)
    with app.app_context():  # as if it had been said again between the stop and the removal
        message = db.session.get(Message, begun["id"])
        message.removed_at = message.created_at
        db.session.commit()
    robby.finishes(begun)
    told = ana.hears("messageUpdated")
    assert (told["rev"], told["message"]["rev"], told["message"]["content"]) == (2, 2, "")


def test_ended_elsewhere_it_is_told_no_more_of(app, ana, robby, room):
    begun = robby.speaks("One ", "two", room=room)
    voice = voices.get(begun["id"], 1)
    with app.app_context():
        db.session.add(endings.notices.Notice(kind="stream", subject=f"{begun['id']}:1"))
        db.session.commit()
        endings.notices.obey()
    assert voice.sealed and voices.get(begun["id"], 1) is None


def test_a_queued_one_whose_speaker_died_gives_way(app, ana, robby, room, clock, monkeypatch):
    begun = [robby.begins(room) for _ in range(5)]
    dead = voices.get(begun[3]["id"], 1)
    voices._voices.pop(dead.key)
    dead.is_ours = True
    with app.app_context():
        db.session.get(Stream, dead.key).beat_at -= timedelta(minutes=1)
        db.session.commit()
    clock.passes(6)
    clock.passes(11)
    done = ana.hears("streamComplete")["message"]
    assert (done["id"], done["status"]) == (begun[3]["id"], "interrupted")
    robby.finishes(begun[0])
    assert robby.pushes(begun[4], 0, "my turn") == 7


def test_a_full_process_gives_no_turn(ana, robby, room, clock, monkeypatch):
    begun = [robby.begins(room) for _ in range(4)]
    monkeypatch.setattr(turns, "IN_PROCESS", 2)
    robby.finishes(begun[0])
    assert robby.is_refused("streamChunk", of(begun[3], offset=0, text="x"), "conflict")["status"] == "queued"
    robby.finishes(begun[1])
    assert robby.pushes(begun[3], 0, "my turn") == 7


def test_a_place_is_kept_for_one_that_another_process_speaks(app, robby, room):
    begun = [robby.begins(room) for _ in range(5)]
    voices._voices.pop((begun[3]["id"], 1))  # the other process will begin it
    robby.finishes(begun[0])
    assert robby.is_refused("streamChunk", of(begun[4], offset=0, text="x"), "conflict")["status"] == "queued"
    robby.finishes(begun[1])
    assert robby.pushes(begun[4], 0, "my turn") == 7


def test_of_two_that_begin_at_once_one_does(app, ana, robby, room, meanwhile):
    begun = [robby.begins(room) for _ in range(4)]

    def another_began():
        with app.app_context():
            db.session.get(Stream, (begun[3]["id"], 1)).status = "streaming"
            db.session.commit()

    meanwhile(turns, "hold_asker", another_began)
    robby.finishes(begun[0])
    ana.hears_nothing("messageUpdated")
    assert ana.says("next", room)["rev"] == 6  # no revision was used up


def test_a_suspect_that_beats_again_is_none(app, robby, room, clock, left_long_ago, monkeypatch):
    robby.speaks("Half", room=room)
    voices._voices.clear()
    clock.run(tending.recover)
    assert len(tending._suspects) == 1
    monkeypatch.setattr(tending, "LEFT_AFTER", timedelta(minutes=1))
    clock.run(tending.recover)
    assert not tending._suspects


def test_whose_turn_it_is_costs_two_queries_however_many_wait(app, ana, ben, robby, room, queries):
    asked = [ana.says(f"{n}?", room)["id"] for n in range(12)]
    for one in asked:
        robby.begins(room, replyTo=one)
    with queries() as statements, app.app_context():
        assert turns.whose_turn(turns.waiting_and_speaking(room)) == []
    assert len(statements) == 2


def test_a_queued_one_cannot_be_said_again_and_may_be_stopped(ana, ben, robby, room):
    asked = ben.says("Well?", room)
    robby.begins(room, replyTo=asked["id"])
    second = robby.begins(room, replyTo=asked["id"])
    assert second["status"] == "queued"
    ben.is_refused("repeatStream", of(second), "conflict")
    assert ben.asks("stopStream", of(second))["status"] == "stopped"


def test_a_stopping_process_marks_what_it_speaks_itself(app, ana, robby, room):
    begun, other = robby.speaks("From here", room=room), robby.speaks("From outside", room=room)
    voices.get(begun["id"], 1).is_ours = True
    with app.app_context():
        assert streams.end_ours()
        assert not streams.end_ours()
    assert ended(ana) == ("interrupted", "From here")
    assert robby.finishes(other)["status"] == "complete"


def test_a_stopping_process_without_its_database_leaves_them_to_others(app, ana, robby, room, monkeypatch):
    voices.get(robby.speaks("From here", room=room)["id"], 1).is_ours = True
    monkeypatch.setattr(endings, "written", away)
    with app.app_context():
        assert streams.end_ours()
