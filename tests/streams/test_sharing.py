"""What is known of a stream when there are other processes: a Redis that has more, has less, has forgotten or is away."""

import time
from types import SimpleNamespace

import pytest

from chatapp import notices
from chatapp.extensions import db
from chatapp.models import Message, Stream
from chatapp.streams import endings, sharing, tending, texts, voices
from chatapp.streams.texts import units


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


def test_who_reads_says_what_he_knows_beyond_what_others_could_say(ana, robby, room, shared, others):
    begun = robby.speaks("One two three", room=room)
    shared.update(text=b"", state="missing")
    others.append(lambda: texts.open_shared("", units("One ")))
    (there,) = ana.opens_a_tab().enters(room)["streams"]
    assert there["text"] == "One two three"
    assert shared["text"] == units("One two three")  # where the bot goes next it is all known
    assert robby.pushes(begun, 13, "!") == 14


def elsewhere(robby, room, shared, *pieces):
    """A stream of which this process knows nothing but what was saved."""
    begun = robby.speaks(*pieces, room=room)
    voices._voices.clear()
    shared["calls"].clear()
    return begun


def test_what_redis_forgot_others_say_again_before_anything_is_added(robby, room, shared, others):
    begun = elsewhere(robby, room, shared, "One ", "two")
    shared.update(text=b"", state="missing")
    others.append(lambda: texts.open_shared("", units("One two")))
    assert robby.pushes(begun, 7, "!") == 8
    assert shared["text"] == units("One two!") and len(shared["calls"]) == 1


@pytest.mark.parametrize("how", ["finished", "stopped", "read"])
def test_what_redis_forgot_others_say_again_for_whoever_asks(ana, robby, room, shared, others, how):
    begun = elsewhere(robby, room, shared, "One ", "two")
    shared.update(text=b"", state="missing")
    others.append(lambda: texts.open_shared("", units("One two")))
    if how == "finished":
        assert robby.finishes(begun)["content"] == "One two"
    elif how == "stopped":
        ana.asks("stopStream", {"messageId": begun["id"], "gen": 1})
        assert ana.hears("streamComplete")["message"]["content"] == "One two"
    else:
        (there,) = ana.opens_a_tab().enters(room)["streams"]
        assert there["text"] == "One two"


def test_forgotten_while_it_ends_here_it_is_asked_for_too(robby, room, shared, others):
    begun = robby.speaks("One", room=room)
    shared.update(text=b"", state="missing")
    others.append(lambda: texts.open_shared("", units("One two")))  # what the bot said there
    assert robby.finishes(begun)["content"] == "One two"


def test_who_asks_does_not_answer_himself_and_misses_nothing_afterwards(app, robby, room, shared, others):
    begun = robby.speaks("One", room=room)
    shared.update(text=b"", state="missing")

    def somebody_else_asks_too():
        assert shared["missed"]
        with app.app_context():
            voices.remind()
        assert shared["state"] == "missing"
        texts.open_shared("", units("One two"))

    others.append(somebody_else_asks_too)
    assert robby.pushes(begun, 7, "!") == 8
    assert not shared["missed"] and not sharing._asking


def test_who_held_it_may_be_gone_and_is_not_asked_again_so_soon(app, robby, room, shared, others, monkeypatch):
    monkeypatch.setattr(sharing, "RECALL_S", 0.02)
    begun = robby.speaks("One two", room=room)
    with app.app_context():
        tending.save(voice_of(begun))
    voices._voices.clear()
    shared.update(text=b"", state="missing")
    shared["calls"].clear()
    assert robby.pushes(begun, 7, "!") == 8
    shared.update(text=b"", state="missing")
    assert robby.pushes(begun, 8, "!") == 9
    assert len(shared["calls"]) == 1


def test_what_was_asked_for_in_vain_is_not_remembered_without_end(app, shared, others, monkeypatch):
    monkeypatch.setattr(sharing, "RECALL_S", 0.001)
    monkeypatch.setattr(sharing, "IN_VAIN_MAX", 2)
    monkeypatch.setattr(texts, "lengths_shared", lambda keys: [-1] * len(keys))
    for key in "abcd":
        sharing.recall([key])
    assert len(sharing._in_vain) <= 3


def test_nobody_is_asked_while_redis_is_away_or_when_it_goes_meanwhile(shared, others, links, monkeypatch):
    monkeypatch.setattr(texts, "lengths_shared", lambda _: None)
    assert not sharing.recall(["a"]) and len(shared["calls"]) == 1
    links.away = True
    assert not sharing.recall(["b"]) and len(shared["calls"]) == 1


def test_one_of_our_own_asks_nobody(robby, room, shared, others):
    begun = robby.speaks("One", room=room)
    voice_of(begun).is_ours = True
    shared.update(text=b"", state="missing")
    shared["calls"].clear()
    assert robby.opens_a_tab().enters(room)["streams"][0]["text"] == "One"
    assert shared["calls"] == []
    assert robby.finishes(begun)["content"] == "One"


def test_what_a_process_saved_because_redis_was_too_slow_for_it_is_known_here(app, robby, room, shared):
    begun = robby.speaks("One two", room=room)
    here = voice_of(begun)
    with app.app_context():
        tending.save(here)
    here.text, here.waiting_from = bytearray(units("One ")), 4
    here.waiting.clear()
    shared["text"] = units("One ")
    assert robby.pushes(begun, 7, "!") == 8
    assert shared["text"] == units("One two!")


def test_what_redis_cannot_say_just_now_is_heard_of_later(robby, room, shared, monkeypatch):
    begun = robby.speaks("One ", room=room)
    shared["text"] += units("two ")
    with monkeypatch.context() as patch:
        patch.setattr(texts, "read_shared", lambda keys: [None] * len(keys))
        assert robby.pushes(begun, 8, "thr") == 4
    assert robby.pushes(begun, 4, "two three") == 13
    assert voice_of(begun).text.decode("utf-16-le") == "One two three"


def test_two_who_hear_of_it_at_once_have_one_voice(app, robby, room, shared, others):
    begun = elsewhere(robby, room, shared, "One")
    shared.update(text=b"", state="missing")

    def another_request():
        texts.open_shared("", units("One"))
        voices.overheard(db.session.get(Stream, (begun["id"], 1)))

    others.append(another_request)
    with app.app_context():
        first = voices.overheard(db.session.get(Stream, (begun["id"], 1)))
        assert first is voice_of(begun) and len(voices.everyone()) == 1


def test_many_texts_are_read_in_one_journey(monkeypatch):
    held = {"a": b"o\0" + units("One"), "b": b"s\0"}
    journeys = []

    class Client:
        def pipeline(self, transaction):
            self.asked = []
            return self

        def execute_command(self, command, key, *more):
            if command == "SET":
                held[key] = more
            known = {"GET": held.get(key), "STRLEN": len(held.get(key, b"")), "EXISTS": key in held}
            self.asked.append(known.get(command))
            if command == "DEL":
                held.pop(key, None)

        def execute(self):
            journeys.append(len(self.asked))
            return self.asked

    monkeypatch.setattr(texts, "redis", SimpleNamespace(ask=lambda question: question(Client())))
    assert texts.read_shared(["a", "b", "c"]) == [units("One"), b"", None]
    assert texts.lengths_shared(["a", "b", "c"]) == [6, 0, -1]
    texts.miss_shared(["a", "c"], True)
    assert texts.missed_shared(["a", "b"]) == [True, False]
    texts.miss_shared(["a"], False)
    assert texts.missed_shared(["a", "c"]) == [False, True]
    journeys[2:] = []
    assert texts.read_shared([]) == [] and not texts.lengths_shared([])
    assert journeys == [3, 3]


@pytest.mark.parametrize("is_ours", [False, True])
def test_redis_is_reminded_of_what_it_has_forgotten_and_not_of_what_waits(app, robby, room, shared, clock, is_ours):
    begun = robby.speaks("One ", room=room)
    robby.pushes(begun, 4, "two")
    voice_of(begun).is_ours = is_ours
    shared.update(text=b"", state="missing")
    clock.run(voices.remind)
    assert shared["state"] == "missing"  # nobody misses it
    shared["missed"] = True
    clock.run(voices.remind)
    assert shared["text"] == units("One " if is_ours else "One two")  # ours is shared when the room is told
    shared["text"] += units(" more")
    clock.run(voices.remind)
    assert shared["text"].endswith(units(" more"))
    shared.update(text=b"", state="missing")
    voice_of(begun).sealed = True
    clock.run(voices.remind)
    assert shared["state"] == "missing"


def test_the_ticker_says_again_what_we_speak_and_of_others_nothing_that_may_be_too_short(
    app, robby, room, shared, clock
):
    begun = robby.speaks("One", room=room)
    shared.update(text=b"", state="missing")
    clock.run(tending.tend)
    assert shared["state"] == "missing"
    voice_of(begun).is_ours = True
    clock.run(tending.tend)
    assert shared["text"] == units("One")


def test_who_knows_more_may_answer_a_little_later(robby, room, shared, others, monkeypatch):
    begun = elsewhere(robby, room, shared, "One ", "two")
    shared.update(text=b"", state="missing")
    later = [
        lambda: None,
        lambda: texts.open_shared("", units("One ")),
        lambda: texts.open_shared("", units("One two")),
    ]
    monkeypatch.setattr(sharing.socketio, "sleep", lambda seconds: (later and later.pop(0)()) or time.sleep(seconds))
    assert robby.pushes(begun, 4, "tw") == 7


def test_while_redis_is_away_every_piece_is_saved_and_the_others_go_on_from_there(
    app, robby, room, shared, others, links, monkeypatch
):
    begun = robby.speaks("One ", room=room)
    here = voice_of(begun)
    links.away = True
    monkeypatch.setattr(texts, "append_shared", lambda *_: None)
    assert robby.pushes(begun, 4, "two") == 7
    with app.app_context():
        assert db.session.get(Stream, here.key).text == "One two"
    here.text = here.text[:2]  # as another process that heard the beginning
    here.waiting_from = 1
    here.waiting.clear()
    assert robby.pushes(begun, 7, "!") == 8
    assert here.text.decode("utf-16-le") == "One two!"


def test_while_redis_is_away_ours_are_saved_at_every_look(app, robby, room, shared, others, links, clock):
    begun = robby.speaks("One", room=room)
    links.away = True
    clock.run(tending.tend)
    with app.app_context():
        assert db.session.get(Stream, (begun["id"], 1)).text == "One"


@pytest.fixture
def ended_elsewhere(app, robby, room):
    """A stream of which this process has acknowledged "One two", and another one has written the end: "One"."""
    begun = robby.speaks("One ", "two", room=room)
    with app.app_context():
        message, row = db.session.get(Message, begun["id"]), db.session.get(Stream, (begun["id"], 1))
        message.content, message.status, row.status = "One", "complete", "complete"
        db.session.add(notices.Notice(kind="stream", subject=f"{begun['id']}:1"))
        db.session.commit()
    return begun


def changes(app, message, **values):
    with app.app_context():
        for name, value in values.items():
            setattr(db.session.get(Message, message["id"]), name, value)
        db.session.commit()


def test_what_was_acknowledged_here_is_added_to_an_end_that_does_not_hold_it(app, ana, ended_elsewhere, room, clock):
    clock.run(notices.obey)
    done = ana.hears("streamComplete")
    assert (done["message"]["content"], done["message"]["status"], done["rev"]) == ("One two", "complete", 2)
    assert done["length"] == 7 and "One two" in done["message"]["html"]
    assert ana.gets(f"/sessions/{room}/messages")["messages"][-1]["content"] == "One two"
    with app.app_context():
        assert db.session.get(Stream, (ended_elsewhere["id"], 1)).length == 7
    assert voice_of(ended_elsewhere) is None


@pytest.mark.parametrize(
    "what",
    [{"content": "One two three"}, {"content": "Other"}, {"gen": 2}, {"edited_at": True}, {"removed_at": True}],
    ids=lambda what: next(iter(what)),
)
def test_nothing_is_added_to_what_holds_it_or_was_changed_since(app, ana, ended_elsewhere, clock, what):
    moment = {name: endings.now() for name, value in what.items() if value is True}
    changes(app, ended_elsewhere, **what | moment)
    clock.run(notices.obey)
    ana.hears_nothing("streamComplete")
    assert voice_of(ended_elsewhere) is None


def test_of_two_who_add_to_it_at_once_one_does(app, ana, ended_elsewhere, clock, meanwhile):
    meanwhile(endings.rooms, "advance_rev", lambda: changes(app, ended_elsewhere, content="One two"))
    clock.run(notices.obey)
    ana.hears_nothing("streamComplete")
    assert ana.says("next")["rev"] == 2  # no revision was used up


def test_without_the_database_it_is_added_when_that_is_back(app, ana, ended_elsewhere, clock, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(endings, "rendered", lambda _: 1 / 0)
        clock.run(notices.obey)
    assert voice_of(ended_elsewhere).sealed
    clock.run(notices.obey)
    assert ana.hears("streamComplete")["message"]["content"] == "One two"


def test_a_text_that_another_has_sealed_is_no_longer_here_than_there(app, robby, room, shared):
    begun = robby.speaks("One ", room=room)
    voice = voice_of(begun)
    voice.is_ours = True
    with app.app_context():
        voices.append(voice, 4, "two")
        shared["state"] = "sealed"
        voices.tell_all()
    assert voice.sealed and voices.acknowledged(voice) == units("One ")
