"""The migrations make exactly the tables that the models describe."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from chatapp import create_app
from chatapp.extensions import db


@pytest.fixture
def empty(app, tmp_path):
    """An application on a database in which nothing has been made yet."""
    other = create_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'empty.sqlite3'}", "APP_ENV": "test"})
    with other.app_context():
        yield other
        db.session.remove()
        db.engine.dispose()


def differences():
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, db.metadata)


def test_upgrading_from_nothing_makes_what_the_models_describe(empty):
    assert differences() != []
    upgrade()
    assert differences() == []
    assert set(inspect(db.engine).get_table_names()) == {*db.metadata.tables, "alembic_version"}


def test_upgrading_twice_changes_nothing(empty):
    upgrade()
    upgrade()
    assert differences() == []


def test_every_step_can_be_taken_back(empty):
    upgrade()
    downgrade(revision="base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]


def test_an_id_is_never_given_twice(empty):
    """What autogenerate does not compare: an open socket may still stand on the id of a row that is gone."""
    upgrade()
    made = dict(db.session.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all())
    with_numbers = {
        table.name
        for table in db.metadata.sorted_tables
        if "id" in table.c and not isinstance(table.c.id.type, db.String)
    }
    assert {name for name in with_numbers if "AUTOINCREMENT" not in made[name]} == set()


def test_sqlite_is_made_safe_and_quick(empty):
    pragmas = {
        name: db.session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "busy_timeout")
    }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 1000}
