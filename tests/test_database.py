"""SQLite has one writer at a time: who writes queues up here, instead of finding it busy."""

import threading

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError

from chatapp import database

WRITERS, EACH = 32, 30


@pytest.fixture
def engine(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'one.sqlite3'}", pool_size=WRITERS, connect_args={"timeout": 0.1})
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous = OFF"))
    with engine.begin() as connection:
        connection.execute(text("PRAGMA journal_mode = WAL"))
        connection.execute(text("CREATE TABLE counted (number INTEGER)"))
        connection.execute(text("INSERT INTO counted VALUES (0)"))
    database.Queue().stand_before(engine)
    yield engine
    engine.dispose()


def count(engine):
    with engine.begin() as connection:
        connection.execute(text("UPDATE counted SET number = number + 1"))


def number(engine):
    with engine.connect() as connection:
        return connection.scalar(text("SELECT number FROM counted"))


def test_many_writers_at_once_find_it_never_busy(engine):
    failures = []

    def write():
        for _ in range(EACH):
            try:
                count(engine)
            except OperationalError as error:
                failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert number(engine) == WRITERS * EACH


def test_a_turn_ends_with_its_transaction_however_that_ends(engine):
    with engine.connect() as connection:
        connection.execute(text("UPDATE counted SET number = 5"))
        connection.execute(text("UPDATE counted SET number = 6"))
        connection.rollback()
    with engine.connect() as connection:
        connection.execute(text("UPDATE counted SET number = 7"))
        connection.invalidate()
    count(engine)
    assert number(engine) == 1


def test_nobody_waits_for_a_turn_for_ever_and_readers_do_not_wait(engine, monkeypatch):
    monkeypatch.setattr(database, "TURN_S", 0.05)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO counted VALUES (1)"))
        assert number(engine) == 0
        with pytest.raises(OperationalError):
            count(engine)
    count(engine)
