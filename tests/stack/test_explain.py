"""With much said, the questions that are asked all day find their rows by an index on PostgreSQL: never by reading a
whole table. The statements are those that the code really sends, with its own values.
"""

import re
import uuid

import pytest
from sqlalchemy import event, text

from chatapp import create_app, credentials, direct, history, notices, repairs, rooms, saying
from chatapp.extensions import db
from chatapp.models import Device, Membership, Message, Notice, Person, Token

MORE = (
    (
        "INSERT INTO people (name, kind, is_admin, active, created_at)"
        " SELECT 'Somebody', 'person', false, true, now() FROM generate_series(1, 20000)"
    ),
    (
        "INSERT INTO rooms (id, name, kind, topic, version, last_seq, rev, created_at)"
        " SELECT 'elsewhere' || n, '', 'closed', '', 1, 0, 0, now() FROM generate_series(1, 5000) n"
    ),
    (
        "INSERT INTO devices (person_id, secret_hash, user_agent, address, created_at, last_seen_at)"
        " SELECT id, 'device' || id, '', '', now(), now() FROM people"
    ),
    "INSERT INTO tokens (person_id, name, secret_hash, created_at) SELECT id, '', 'token' || id, now() FROM people",
    (
        "INSERT INTO notices (kind, subject, created_at)"
        " SELECT 'room', 'elsewhere' || n, now() - n * interval '1 second' FROM generate_series(20000, 1, -1) n"
    ),
)
PEOPLE, ROOMS, MESSAGES = 400, 12, 100_000
SCAN = re.compile(r"Seq Scan on (\w+)")


@pytest.fixture(scope="module")
def seeded(postgres, template):
    """Filled once, as large as a chat that has been in use for a while."""
    url = postgres.makes("explained", template)
    app = create_app({"APP_ENV": "test", "DATABASE_URL": url})
    with app.app_context():
        assert app.test_cli_runner().invoke(args=seed()).exit_code == 0
        for statement in MORE:
            db.session.execute(text(statement))
        db.session.commit()
        db.session.connection(execution_options={"isolation_level": "AUTOCOMMIT"}).execute(text("ANALYZE"))
        db.session.remove()
        yield app
        db.session.remove()
        db.engine.dispose()


def seed():
    return ["seed", "--people", str(PEOPLE), "--rooms", str(ROOMS), "--messages", str(MESSAGES)]


@pytest.fixture
def plans(seeded):
    """`plans(ask)`: each SELECT and UPDATE that `ask()` sends, with the database's plan for it."""

    def explain(ask):
        sent = []
        event.listen(
            db.engine, "before_cursor_execute", note := lambda _c, _k, sql, values, *_: sent.append((sql, values))
        )
        try:
            ask()
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        connection = db.session.connection()
        found = []
        for sql, values in sent:
            if sql.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE")) and "FROM pg_" not in sql:
                rows = connection.exec_driver_sql("EXPLAIN " + sql, values)
                found.append((sql, "\n".join(row[0] for row in rows)))
        db.session.rollback()
        return found

    return explain


@pytest.fixture
def member(seeded):
    """Somebody in the middle of everything."""
    somebody = db.session.get(Person, PEOPLE // 2)
    return rooms.membership_of(
        somebody, db.session.scalar(db.select(Membership.room_id).where(Membership.person_id == somebody.id).limit(1))
    )


QUESTIONS = {
    "the newest page": lambda one: history.before(one, None, 10),
    "an older page": lambda one: history.before(one, 5_000, 50),
    "a newer page": lambda one: history.after(one, 5_000, 50),
    "what changed": lambda one: history.changes(one, one.room.rev - 300),
    "everything that changed": lambda one: history.changes(one, 0),
    "a page around a message": lambda one: history.around(one, 5_000, 50),
    "a message said before": lambda one: saying.said_before(one, "again", str(uuid.uuid4())),
    "a message replied to": lambda one: db.session.scalar(db.select(Message.room_id).where(Message.id == 77_777)),
    "a message to be changed": lambda one: saying.find(one.person, db.session.scalar(db.select(Message.id).where(Message.room_id == one.room_id, Message.seq == 9))),
    "a place for a new message": lambda one: rooms.advance(one.room_id),
    "the membership": lambda one: rooms.membership_of(one.person, one.room_id),
    "everybody in a room": lambda one: rooms.members_of(one.room_id),
    "somebody's rooms": lambda one: rooms.of(one.person),
    "who signed in by a cookie": lambda one: credentials.by_secret(Device, "nobody's"),
    "who shows a token": lambda one: credentials.by_secret(Token, "nobody's"),
    "whose connection it is": lambda one: credentials.still(Device, 4_000, one.person_id),
    "whose it is, and his place": lambda one: credentials.still_in(Token, 4_000, one.person_id, one.room_id),
    "the side bar": lambda one: rooms.listed_for(one.person),
    "the people of a direct room": lambda one: direct.people_of([one.room_id]),
    "new notices": lambda one: notices.look(),
    "how far the open rooms are": lambda one: repairs.counters([one.room_id]),
    "what a room's readers miss": lambda one: repairs.changes(one.room_id, one.room.rev - 5),
}  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_is_answered_by_an_index(question, plans, member):
    db.session.expire_all()
    _ = member.room.rev, member.person.id
    found = plans(lambda: QUESTIONS[question](member))
    assert found
    read_through = [(table, plan) for _, plan in found for table in SCAN.findall(plan)]
    assert read_through == []


def test_old_notices_are_found_by_their_age(plans):
    found = plans(
        lambda: db.session.execute(
            db.select(Notice.id).where(Notice.created_at < db.func.now() - db.text("interval '5 hours'"))
        )
    )
    assert [table for _, plan in found for table in SCAN.findall(plan)] == []
