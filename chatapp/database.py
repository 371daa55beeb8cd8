"""What each database needs before its first query (for the factory, and for the server before it serves), how to let
go of one while waiting for others, and the short way to ask one question or make one change.
"""

import functools
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import Column, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.attributes import instance_dict, manager_of_class

from .extensions import db, postgres
from .prepared import READ_ONLY, Prepared, Way

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = NORMAL",
    "PRAGMA busy_timeout = 1000",  # milliseconds; the whole process stands still while it waits
    "PRAGMA foreign_keys = ON",
)
WRITING = ("INSERT", "UPDATE", "DELETE", "REPLACE")
TURN_S = 10  # of patience until it is one's turn to write


def configure(app: Flask) -> None:
    """Make every new SQLite connection of this application safe and quick."""
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", prepare_sqlite)
            Queue().stand_before(db.engine)
        else:
            event.listen(db.engine, "handle_error", leave_read_only)


def leave_read_only(context) -> None:
    """A server that takes nothing any more was the primary until a moment ago: what is connected to it is let go, so
    that the next connection leads to the new one, and who asked is told that the database is away."""
    if getattr(context.original_exception, "pgcode", None) == READ_ONLY:
        context.is_disconnect = True


def serve(app: Flask, wait) -> None:
    """The process is about to serve: nothing may wait for PostgreSQL without an end. `wait`: the driver's."""
    with app.app_context():
        if db.engine.dialect.name == "postgresql":
            db.engine.dispose(close=False)  # what was opened before would not be watched
            postgres.serve(db.engine, wait)


def release() -> None:
    """End the read under way, so that its connection is free for others while this one waits for Redis, a lock or a
    client. What was read stays readable. Never called with a change under way: it would be committed.
    """
    if in_transaction():
        db.session.commit()


def in_transaction() -> bool:
    """Whether this context's session holds a connection (to ask a session makes none)."""
    return db.session.registry.has() and db.session().in_transaction()


@contextmanager
def short_way() -> Iterator[Way]:
    """A connection for what every command does: without a session, which would cost more than the question. What is
    changed on SQLite counts from the end of this on; on PostgreSQL each statement is a transaction by itself, which
    saves the journeys for its beginning and its end."""
    way = Way(db.engine)
    by_itself = way.dialect.name == "postgresql"
    try:
        if by_itself:
            way.driver.autocommit = True
        yield way
        if not by_itself and way.driver.in_transaction:
            way.do(way.driver.commit)
    except Exception:
        raise
    except BaseException:  # stopped in the middle: what the connection would answer next is not known
        way.connection.invalidate()
        raise
    finally:
        if by_itself and not way.driver.closed:
            way.driver.autocommit = False
        way.end()


def ask(question: Prepared, **values) -> tuple | None:
    """The one row that answers a prepared question, or None; as ask_all."""
    found = ask_all(question, **values)
    return found[0] if found else None


def ask_all(question: Prepared, **values) -> Sequence:
    """The rows that answer a prepared question. By the session where that has begun something, which counts too; else
    by a connection that goes back at once."""
    if in_transaction():
        return db.session.execute(question.statement, values).all()
    with short_way() as way:
        return way.rows(question, values)


def columns(*kinds: type) -> list[Column]:
    """All that the tables of these kinds hold, for `objects`."""
    return [column for kind in kinds for column in kind.__table__.columns]


@functools.cache
def names_of(kind: type) -> list[str]:
    return kind.__table__.columns.keys()


def objects(row: tuple, *kinds: type) -> list:
    """What lies in a row of `columns(*kinds)`; None where an outer join found nothing."""
    found, start = [], 0
    for kind in kinds:
        names = names_of(kind)
        values = row[start : start + len(names)]
        found.append(None if values[0] is None else read_as(kind, dict(zip(names, values, strict=True))))
        start += len(names)
    return found


def read_as(kind: type, values: dict):
    """An object for reading: it belongs to no session, which makes it cheap, and a change of it is written nowhere."""
    made = manager_of_class(kind).new_instance()
    instance_dict(made).update(values)
    return made


def put(made, **related) -> None:
    """Give one of those what it is related to."""
    instance_dict(made).update(related)


def prepare_sqlite(connection: sqlite3.Connection, _record) -> None:
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)
    # SQLite's own knows the 26 letters only.
    connection.create_function("lower", 1, lambda text: text and text.lower(), deterministic=True)


class Queue:
    """One writer at a time in this process, from the first write of a transaction to its end. SQLite has one anyway;
    but who finds it busy there sleeps and tries again, ever longer, and of many threads some always come too late.
    """

    def __init__(self):
        self.turn = threading.Lock()
        self.writer = None  # the connection whose turn it is

    def stand_before(self, engine) -> None:
        event.listen(engine, "before_cursor_execute", self.take)
        for over in ("checkin", "invalidate", "close", "detach"):
            event.listen(engine, over, self.give_back)

    def take(self, connection, _cursor, statement: str, *_) -> None:
        asking = connection.connection.dbapi_connection
        if self.writer is asking or not statement.lstrip().upper().startswith(WRITING):
            return
        if not self.turn.acquire(timeout=TURN_S):
            raise OperationalError(None, None, TimeoutError("not one's turn to write in time"))
        self.writer = asking

    def give_back(self, connection: sqlite3.Connection | None, *_) -> None:
        if connection is not None and self.writer is connection:
            self.writer = None
            self.turn.release()
