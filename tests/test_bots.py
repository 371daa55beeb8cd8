"""Assistants of our own: who of them answers what, and what becomes of an answer."""

import json

import pytest

from chatapp import bots
from chatapp.assistant.answers import Answer, Usage
from chatapp.bots import start  # before the tests' own takes its place
from chatapp.errors import Unavailable
from chatapp.extensions import db
from chatapp.models import Membership, Stream
from chatapp.streams import endings, turns, voices
from tests.cast import asked_for, outside


@pytest.fixture
def robby(robby, app):
    """An assistant."""
    with app.app_context():
        robby.row().is_assistant = True
        db.session.commit()
    return robby


@pytest.fixture
def room(ana, ben, robby):
    room = ana.makes("Kitchen", members=(ben, robby))
    ana.enters(room)
    ben.enters(room)
    ana.hears_all()
    return room


@pytest.fixture
def source(app):
    """What answers: `source.pieces`, said one by one; `source.asked` is what it was given."""

    class Source:
        pieces = ["Hello ", "there"]
        asked = None
        failure = None

        def open(self, question):
            self.asked = question
            return Answer(lambda answer: self.speak())

        def speak(self):
            yield from self.pieces
            if self.failure:
                raise self.failure

    app.extensions["assistant"] = Source()
    yield app.extensions["assistant"]
    del app.extensions["assistant"]


def who_is_asked():
    return [ids[0] for _, ids in asked_for]


@pytest.mark.parametrize("words", ["@Robby hi", "hi @robby!", "(@ROBBY)", "x\n@Robby"])
def test_named_it_answers(ana, robby, room, words):
    ana.says(words, room)
    assert who_is_asked() == [robby.id]


@pytest.mark.parametrize("words", ["Robby", "a@robby.org", "@Robbyn", "hello"])
def test_not_named_it_does_not(ana, robby, room, words):
    ana.says(words, room)
    assert who_is_asked() == []


def test_replied_to_it_answers(ana, robby, room, clock, source):
    ana.says("@Robby hi", room)
    clock.answers()
    answer = ana.hears("streamComplete")["message"]
    assert (answer["content"], answer["author"]["id"], answer["askedBy"]) == ("Hello there", robby.id, ana.id)
    ana.says("and then?", room, replyTo=answer["id"])
    assert who_is_asked() == [robby.id]


def test_among_few_it_always_answers(ana, robby):
    direct = ana.makes(kind="direct", members=[robby])
    ana.says("hi", direct)
    assert who_is_asked() == [robby.id]


def test_bots_never_answer_bots(cast, ana, robby, room):
    other = cast("Marvin", kind="bot")
    ana.calls("PUT", f"/sessions/{room}/members/{other.id}")
    other.says("@Robby hi", room)
    assert who_is_asked() == []


def test_a_bot_from_outside_answers_for_itself(cast, ana, room):
    other = cast("Marvin", kind="bot")
    ana.calls("PUT", f"/sessions/{room}/members/{other.id}")
    ana.says("@Marvin hi", room)
    assert who_is_asked() == []


def test_a_room_may_want_an_answer_to_everything_or_to_nothing(app, ana, ben, robby, room):
    page = f"/rooms/{room}/members/{robby.id}/answers"
    assert ana.opens_a_browser().posts(page, {"answers": "every"}).status_code == 303
    ana.says("hello", room)
    assert who_is_asked() == [robby.id]
    asked_for.clear()
    assert ben.opens_a_browser().posts(page, {"answers": "off"}).status_code == 403
    assert ana.opens_a_browser().posts(page, {"answers": "loud"}).status_code == 422
    ana.opens_a_browser().posts(page, {"answers": "off"})
    ana.says("@Robby hello", room)
    assert who_is_asked() == []
    with app.app_context():
        assert db.session.get(Membership, (room, robby.id)).answers == "off"


def test_only_an_assistant_s_answers_are_set(ana, ben, room):
    page = f"/rooms/{room}/members/{ben.id}/answers"
    assert ana.opens_a_browser().posts(page, {"answers": "every"}).status_code == 404


def test_it_is_told_what_was_said_before_in_this_room_and_the_question_once(ana, ben, robby, room, clock, source, app):
    app.config["ASSISTANT_BASE_URL"] = "http://model"
    try:
        other = ana.makes("Attic", members=[robby])
        ana.says("not for here", other)
        for n in range(12):
            ana.says(f"number {n}", room)
        ana.removes(ana.says("regretted", room))
        asked = ben.says("@Robby and now?", room)
        ana.says("later", room)
        clock.answers()
    finally:
        app.config["ASSISTANT_BASE_URL"] = ""
    told = source.asked
    assert [one.text for one in told.before] == [f"number {n}" for n in range(2, 12)]
    assert (told.asked.id, told.asked.text, told.asked.name, told.bot_name) == (
        asked["id"],
        "@Robby and now?",
        "Ben",
        "Robby",
    )


def test_what_fails_is_said_beside_what_was_said(ana, robby, room, clock, source):
    source.failure = Unavailable("The model went away.")
    ana.says("@Robby hi", room)
    clock.answers()
    done = ana.hears("streamComplete")
    assert (done["message"]["status"], done["message"]["content"]) == ("error", "Hello there")
    assert done["error"] == {"code": "unavailable", "message": "The model went away."}


def test_an_accident_ends_it_too(ana, robby, room, clock, source, monkeypatch):
    monkeypatch.setattr(bots, "question_for", lambda *_: 1 / 0)
    ana.says("@Robby hi", room)
    clock.answers()
    assert ana.hears("streamComplete")["error"]["code"] == "internal"


def test_heard_twice_it_answers_once(ana, robby, room, clock, source):
    ana.says("@Robby hi", room)
    asked_for.extend(list(asked_for))
    clock.answers()
    assert len(ana.hears_all("streamComplete")) == 1


def test_stopped_in_the_middle_it_says_no_more(ana, ben, robby, room, clock, source):
    def stopping():
        yield "One "
        message = ana.hears("streamChunk")
        assert ana.asks("stopStream", {"messageId": message["messageId"], "gen": 1})["status"] == "stopped"
        yield "two"

    source.speak = stopping
    ana.says("@Robby hi", room)
    clock.answers()
    done = ana.hears("streamComplete")["message"]
    assert (done["status"], done["content"]) == ("stopped", "One ")
    ana.hears_nothing("streamChunk")


def test_what_another_process_is_ending_just_now_is_spoken_no_further(ana, robby, room, clock, source):
    spoken = []

    def sealing():
        yield "One "
        (voice,) = voices.everyone()
        voice.sealed = True
        for piece in ("two ", "three ", "four"):
            spoken.append(piece)
            yield piece

    source.speak = sealing
    ana.says("@Robby hi", room)
    clock.answers()
    assert spoken == ["two ", "three "]  # the source is stopped, and its next piece is not taken
    assert ana.hears("streamComplete")["message"]["content"] == "One "


def test_it_says_it_again(ana, robby, room, clock, source):
    ana.says("@Robby hi", room)
    clock.answers()
    first = ana.hears("streamComplete")["message"]
    source.pieces = ["Otherwise"]
    ack = ana.asks("repeatStream", {"messageId": first["id"], "gen": 1})
    assert (ack["message"]["gen"], ack["message"]["status"]) == (2, "streaming")
    clock.answers()
    assert ana.hears("streamComplete")["message"]["content"] == "Otherwise"


def test_a_switched_off_one_says_nothing_old_either(app, ana, robby, room, clock, source):
    ana.says("@Robby hi", room)
    clock.answers()
    done = ana.hears("streamComplete")["message"]
    again = {"messageId": done["id"], "gen": 1}
    ana.opens_a_browser().posts(f"/rooms/{room}/members/{robby.id}/answers", {"answers": "off"})
    ana.is_refused("repeatStream", again, "forbidden")
    ana.opens_a_browser().posts(f"/rooms/{room}/members/{robby.id}/answers", {"answers": "mention"})
    with app.app_context():
        robby.row().active = False
        db.session.commit()
    ana.is_refused("repeatStream", again, "forbidden")
    with app.app_context():
        robby.row().active = True
        db.session.commit()
    ana.calls("DELETE", f"/sessions/{room}/members/{robby.id}")
    ana.is_refused("repeatStream", again, "forbidden")
    ana.calls("PUT", f"/sessions/{room}/members/{robby.id}")
    assert ana.asks("repeatStream", again)["message"]["gen"] == 2


def test_one_that_was_turned_away_meanwhile_does_not_answer(app, ana, robby, room, clock, source):
    ana.says("@Robby hi", room)
    with app.app_context():
        robby.row().active = False
        db.session.commit()
    clock.answers()
    ana.hears_nothing("streamComplete")


def test_a_question_that_was_removed_meanwhile_is_not_answered(ana, robby, room, clock, source):
    asked = ana.says("@Robby hi", room)
    ana.removes(asked)
    clock.answers()
    done = ana.hears("streamComplete")
    assert (done["message"]["content"], done["error"]["code"]) == ("", "not_found") and source.asked is None


def test_stopped_while_it_waits_it_asks_nobody(app, ana, ben, robby, room, clock, source, monkeypatch):
    monkeypatch.setattr(turns, "IN_ROOM", 0)
    ana.says("@Robby hi", room)
    began = bots.speak

    def stopped(message, question):
        ana.asks("stopStream", {"messageId": message.id, "gen": 1})
        began(message, question)

    monkeypatch.setattr(bots, "speak", stopped)
    clock.answers()
    assert ana.hears("streamComplete")["message"]["status"] == "stopped" and source.asked is None


def test_what_was_said_again_since_is_left_to_that(ana, robby, room, clock, source):
    ana.says("@Robby hi", room)
    clock.answers()
    done = ana.hears("streamComplete")["message"]
    source.asked = None
    clock.run(lambda: bots.answer_again(done["id"], 7))
    assert source.asked is None


def test_an_answer_is_begun_aside_and_its_accidents_stay_there(app, monkeypatch):
    begun = []
    monkeypatch.setattr(bots.socketio, "start_background_task", lambda task, *given: begun.append((task, given)))
    calls = []

    def stumbles(number):
        calls.append(number)
        raise (ValueError, Unavailable("Not now."))[number]

    with app.app_context():
        for number in range(2):
            start(stumbles, number)
    for task, given in begun:
        task(*given)
    assert calls == [0, 1]


def test_rooms_are_not_known_without_end(ana, robby, room, monkeypatch):
    monkeypatch.setattr(bots, "ROOMS_KNOWN", 1)
    for place in (room, ana.makes("Attic", members=[robby])):
        ana.says("@Robby hi", place)
    assert len(bots._known) == 1 and who_is_asked() == [robby.id] * 2


def test_a_recap_is_told_at_a_pace_that_can_be_read(app, ana, ben, robby, room, clock, source, monkeypatch):
    pauses = []
    monkeypatch.setattr(bots.socketio, "sleep", pauses.append)
    ana.says("@Robby hi", room)
    clock.answers()
    assert pauses == [bots.PIECE_PAUSE_S] * 2


def test_the_ledger_knows_who_asked_and_what_it_cost(app, ana, robby, room, clock, source):
    def counted(answer):
        answer.usage = Usage(7, 3)
        yield "Hi"

    source.open = lambda question: Answer(counted)
    ana.says("@Robby hi", room)
    clock.answers()
    with app.app_context():
        row = db.session.query(Stream).one()
        assert (row.asker_id, row.prompt_tokens, row.completion_tokens, row.status) == (ana.id, 7, 3, "complete")
        assert not row.is_estimate
    numbers = json.loads(app.test_cli_runner().invoke(args=["stats", "--json"]).output)
    assert (numbers["completionTokens"], numbers["estimatedTokens"]) == (3, 0)
    (asker,) = numbers["askers"]
    assert (asker["name"], asker["answers"], asker["tokens"], asker["estimatedTokens"]) == ("Ana", 1, 10, 0)


@pytest.mark.parametrize("when", ["while it speaks", "at its very end"])
def test_the_ledger_knows_what_a_stopped_answer_cost(app, ana, ben, robby, room, clock, source, meanwhile, when):
    """The source never told: so it is estimated, and says so."""

    def stop():
        assert ben.asks("stopStream", {"messageId": ben.hears("newMessage")["message"]["id"], "gen": 1})["ok"]

    def stopping(answer):
        answer.prompt_tokens = 40
        yield from ["One ", "two ", "three"]
        if when == "while it speaks":
            stop()
        yield "four"

    source.open = lambda question: Answer(stopping)
    ben.says("@Robby hi", room)
    ben.hears("newMessage")
    if when == "at its very end":
        meanwhile(endings, "written", lambda: outside(stop))
    clock.answers()
    with app.app_context():
        row = db.session.query(Stream).one()
        assert (row.status, row.asker_id, row.prompt_tokens, row.is_estimate) == ("stopped", ben.id, 40, True)
        assert row.completion_tokens == (3 if when == "while it speaks" else 4) and row.ended_at and row.started_at
    numbers = json.loads(app.test_cli_runner().invoke(args=["stats", "--json"]).output)
    assert numbers["estimatedTokens"] == numbers["askers"][0]["estimatedTokens"] == 40 + row.completion_tokens
    assert f"{numbers['estimatedTokens']} of them estimated" in app.test_cli_runner().invoke(args=["stats"]).output


def test_what_a_person_speaks_himself_is_no_answer_to_him(app, ana, robby, room):
    ana.finishes(ana.speaks("Hello", room=room))
    assert json.loads(app.test_cli_runner().invoke(args=["stats", "--json"]).output)["askers"] == []


def test_without_a_model_it_tells_what_was_missed(app, ana, ben, robby, room, clock, monkeypatch):
    monkeypatch.setattr(bots, "PIECE_PAUSE_S", 0)
    for n in range(8):
        ana.says(f"The garden party is on Saturday, part {n}", room)
    ben.says("@Robby what did I miss?", room)
    clock.answers()
    answer = ben.hears("streamComplete")["message"]
    assert answer["status"] == "complete" and "not a language model" in answer["content"] and "Ana" in answer["content"]


def test_what_one_missed_begins_where_one_left(app, ana, ben, robby, room, clock, source):
    ana.says("while he was there", room)
    ben.leaves(room)
    clock.passes(6)
    for n in range(6):
        ana.says(f"news {n}", room)
    ben.says("@Robby what did I miss?", room)
    clock.answers()
    assert [one.text for one in source.asked.before] == [f"news {n}" for n in range(6)]
    assert source.asked.since_last_read
