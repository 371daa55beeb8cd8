"""Statements handed straight to the driver give what SQLAlchemy gives for them, and fail as it fails."""

import uuid

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from chatapp import credentials, database, rooms, saying
from chatapp.extensions import db
from chatapp.models import Device, Message, Person, Room, Token, now
from chatapp.prepared import Made, Prepared, Way

QUESTIONS = [
    *((one, {"digest": "x"}) for one in credentials.BY_DIGEST.values()),
    *((one, {"credential": 1, "person": 1}) for one in credentials.BY_ID.values()),
    *((one, {"credential": 1, "person": 1, "room": "x"}) for one in credentials.IN_ROOM.values()),
    (rooms.PLACE, {"room": "x", "person": 1}),
    (rooms.LISTED, {"person": 1}),
]


@pytest.mark.parametrize("place", range(len(QUESTIONS)))
def test_an_answer_is_what_sqlalchemy_gives_for_it(inside, ana, room, place):
    prepared, values = QUESTIONS[place]
    person = db.session.get(Person, ana.id)
    device, token = (db.session.scalar(select(kind).where(kind.person_id == ana.id)) for kind in (Device, Token))
    mine = next((one for one in (token, device) if one and one.__tablename__ in str(prepared.statement)), token)
    known = {"digest": mine.secret_hash, "credential": mine.id, "person": person.id, "room": room}
    values = {name: known[name] for name in values}
    expected = db.session.execute(prepared.statement, values).all()
    database.release()
    found = database.ask_all(prepared, **values)
    assert [tuple(row) for row in found] == [tuple(row) for row in expected]
    assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in expected]


def test_rows_have_the_names_of_their_columns(inside, ana, room):
    (row,) = database.ask_all(rooms.LISTED, person=ana.id)
    assert (row.id, row.kind, row.rev) == (room, "closed", 0)


def a_message(room, ana, **more):
    values = saying.UNCHANGED | {
        "room_id": room,
        "author_id": ana.id,
        "client_id": str(uuid.uuid4()),
        "reply_to_id": None,
    }
    return values | {"sent_digest": "x", "content": "hé", "body_html": "<p>hé</p>", "created_at": now()} | more


def test_what_is_written_is_read_back_with_every_type(inside, ana, room):
    said = a_message(room, ana, error={"code": "x", "message": "é"}, edited_at=now())
    placed = saying.write([said])[0]
    message = db.session.get(Message, placed.id)
    assert (message.seq, message.rev, message.error, message.edited_at) == (1, 1, said["error"], said["edited_at"])
    assert message.created_at == said["created_at"] and message.removed_at is None


def test_a_change_that_fails_takes_nothing_and_the_next_one_goes(inside, ana, room):
    first = a_message(room, ana)
    saying.write([first])
    with pytest.raises(IntegrityError) as caught:
        saying.write([first])
    assert "hé" not in str(caught.value), "what was said is nobody's business in a log"
    assert database.ask(rooms.PLACE, room=room, person=ana.id)
    assert saying.write([a_message(room, ana)])[0].seq == 2, "without a hole"


def test_whoever_listens_to_what_is_sent_hears_it(inside, ana, queries):
    with queries() as sent:
        database.ask(rooms.LISTED, person=ana.id)
    assert len(sent) == 1 and sent[0].startswith("SELECT rooms.id")


def test_a_question_within_a_session_sees_what_it_changed(inside, ana, room):
    db.session.get(Room, room).name = "Galley"
    db.session.flush()
    assert database.ask(rooms.LISTED, person=ana.id).name == "Galley"
    db.session.rollback()
    assert database.ask(rooms.LISTED, person=ana.id).name != "Galley"


def test_what_has_no_answer_has_none(inside):
    assert database.ask(rooms.PLACE, room="x", person=1) is None


def test_a_statement_that_the_database_refuses_is_an_error_of_sqlalchemys(inside, ana):
    wrong = Prepared(select(text("nonsense")).select_from(Person.__table__))
    wrong.made[db.engine.dialect.name] = made = Made(Prepared(select(Person.__table__.c.id)), db.engine.dialect)
    made.text = "SELECT nonsense FROM nowhere"
    with pytest.raises(DBAPIError) as caught, database.short_way() as way:
        way.rows(wrong, {})
    assert not caught.value.connection_invalidated
    assert database.ask(rooms.LISTED, person=ana.id) is None


@pytest.fixture
def lost(inside, monkeypatch):
    """A way whose driver fails; `lost(error)` is what is raised, and whether the connection was given up."""

    def fail(error):
        given_up = []
        with database.short_way() as way:
            monkeypatch.setattr(way.engine.pool, "_invalidate", lambda *given: given_up.append(given))
            raised = way.let_go(error)
        monkeypatch.undo()
        return raised, bool(given_up)

    return fail


def test_a_primary_that_takes_nothing_any_more_is_given_up(lost, inside):
    error = db.engine.dialect.loaded_dbapi.OperationalError("read-only")
    raised, given_up = lost(error)
    assert isinstance(raised, OperationalError) and not raised.connection_invalidated and not given_up

    class ReadOnly(db.engine.dialect.loaded_dbapi.OperationalError):
        pgcode = "25006"

    raised, given_up = lost(ReadOnly("read-only"))
    assert raised.connection_invalidated and given_up


def test_a_database_that_cannot_be_reached_is_said_so(inside, monkeypatch):
    away = db.engine.dialect.loaded_dbapi.OperationalError("away")

    def fail():
        raise away

    monkeypatch.setattr(type(db.engine), "raw_connection", lambda self: fail())
    with pytest.raises(OperationalError) as caught:
        Way(db.engine)
    assert caught.value.connection_invalidated


def test_a_commit_that_fails_is_an_error_of_sqlalchemys(inside):
    def fail():
        raise db.engine.dialect.loaded_dbapi.OperationalError("full")

    with pytest.raises(OperationalError), database.short_way() as way:
        way.do(fail)


def test_one_that_is_stopped_in_the_middle_gives_its_connection_up(inside, ana):
    ended = []
    event.listen(db.engine, "invalidate", note := lambda *given: ended.append(given))
    with pytest.raises(KeyboardInterrupt), database.short_way():
        raise KeyboardInterrupt
    event.remove(db.engine, "invalidate", note)
    assert len(ended) == 1
    assert database.ask(rooms.LISTED, person=ana.id) is None


def test_fixed_values_of_a_statement_go_along(inside, ana):
    named = Prepared(select(Person.__table__.c.id).where(Person.__table__.c.kind == "person"))
    assert ana.id in {row.id for row in database.ask_all(named)}
    made = Prepared(insert(Person.__table__), ["name"]).on(db.engine.dialect)
    assert "email" not in made.text
