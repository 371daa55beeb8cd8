"""Runs the migrations on the application's own database. Called by `flask db …`."""

from alembic import context
from flask import current_app
from sqlalchemy import NullPool, create_engine, text

db = current_app.extensions["migrate"].db
LOCK = 2  # the key of PostgreSQL's advisory lock; rooms.py has another


def run() -> None:
    """One transaction a revision; SQLite alters a table by making it anew (batch mode)."""
    with connected() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


def connected():
    """A connection for this alone, which ends with it. On PostgreSQL it may take its time (an index on a large table
    takes longer than any request may), and of two release steps at once the second waits until the first is done."""
    if db.engine.dialect.name != "postgresql":
        return db.engine.connect()
    options = current_app.config["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"]
    connection = create_engine(db.engine.url, poolclass=NullPool, connect_args=options).connect()
    connection.execute(text("SET statement_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})  # until the connection ends
    connection.commit()
    return connection


if context.is_offline_mode():
    raise SystemExit("Migrations run on a database; there is no offline mode.")
run()
