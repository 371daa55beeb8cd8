"""Whatever revision a database stands at, with data in every table, it comes to the newest one and loses nothing.

Every revision that will ever come is walked: nothing here names one.
"""

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import upgrade
from sqlalchemy import JSON, MetaData, create_engine, insert, inspect, select, text

from chatapp import ROOT, create_app
from chatapp.extensions import db

ROWS = 3  # in each table
REVISIONS = [one.revision for one in reversed([*ScriptDirectory(str(ROOT / "migrations")).walk_revisions()])]


@pytest.fixture
def database(tmp_path, request):
    """The address of a database in which nothing has been made yet."""
    if os.environ.get("TEST_STACK") == "postgres":
        return request.getfixturevalue("postgres").makes(f"upgraded{uuid.uuid4().hex}")
    return f"sqlite:///{tmp_path / 'upgraded.sqlite3'}"


@pytest.fixture
def bare(database):
    """An application on it."""
    other = create_app({"SQLALCHEMY_DATABASE_URI": database, "APP_ENV": "test"})
    with other.app_context():
        yield other
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_full_database_comes_to_the_newest_revision(bare, revision):
    upgrade(revision=revision)
    before = filled()
    assert all(len(rows) == ROWS for rows in before.values())
    upgrade()
    after = tables()
    for name, rows in before.items():
        with db.engine.connect() as connection:
            there = connection.execute(select(*(after[name].c[column] for column in rows[0]))).mappings().all()
        assert sorted(map(dict, there), key=repr) == sorted(rows, key=repr), name
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_two_release_steps_at_once_do_not_meet(database):
    if database.startswith("sqlite"):
        pytest.skip("SQLite is for one process")
    command = [sys.executable, "-m", "flask", "--app", "chatapp", "db", "upgrade"]
    environ = os.environ | {"DATABASE_URL": database, "APP_ENV": "test"}
    steps = [subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE) for _ in range(3)]
    ends = [(step.communicate(timeout=120)[1], step.returncode) for step in steps]
    assert [code for _, code in ends] == [0, 0, 0], ends
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg2:"))
    assert set(inspect(engine).get_table_names()) == {*db.metadata.tables, "alembic_version"}
    engine.dispose()


def test_an_upgrade_leaves_requests_their_limit(bare):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has none")
    upgrade()
    assert db.session.scalar(text("SHOW statement_timeout")) == "5s"
    assert db.session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")) == 0


def tables() -> dict:
    metadata = MetaData()
    metadata.reflect(db.engine)
    return {table.name: table for table in metadata.sorted_tables if table.name != "alembic_version"}


def filled() -> dict[str, list[dict]]:
    """Fill every table there is; the rows, by table."""
    rows = {}
    for name, table in tables().items():
        rows[name] = [
            {column.name: value(column, number, rows) for column in table.columns} for number in range(1, ROWS + 1)
        ]
        with db.engine.begin() as connection:
            connection.execute(insert(table), rows[name])
    return rows


def value(column, number, rows):
    """Something that fits; what refers to a row that is there, refers to the one with the same number."""
    for key in column.foreign_keys:
        target = rows.get(key.column.table.name)
        return target[number - 1][key.column.name] if target else None
    if isinstance(column.type, JSON):
        return {"number": number}
    kind = column.type.python_type
    zone = UTC if getattr(column.type, "timezone", False) else None
    return {int: number, str: str(number), bool: True, datetime: datetime(2026, 1, number, tzinfo=zone)}[kind]
