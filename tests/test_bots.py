"""Assistants of our own: who of them answers what, and what becomes of an answer."""

import pytest

from chatapp import bots
from chatapp.assistant.answers import Answer, Usage
from chatapp.errors import Unavailable
from chatapp.extensions import db
from chatapp.models import Membership, Stream
from tests.cast import asked_for


@pytest.fixture
def robby(cast, app):
    """An assistant."""
    robby = cast("Robby", kind="bot")
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


def test_it_says_it_again(ana, robby, room, clock, source):
    ana.says("@Robby hi", room)
    clock.answers()
    first = ana.hears("streamComplete")["message"]
    source.pieces = ["Otherwise"]
    ack = ana.asks("repeatStream", {"messageId": first["id"], "gen": 1})
    assert (ack["message"]["gen"], ack["message"]["status"]) == (2, "streaming")
    clock.answers()
    assert ana.hears("streamComplete")["message"]["content"] == "Otherwise"


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
    numbers = app.test_cli_runner().invoke(args=["stats", "--json"]).output
    assert '"completionTokens": 3' in numbers and '"name": "Ana"' in numbers


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
