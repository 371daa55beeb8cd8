"""Runs the migrations on the application's own database. Called by `flask db …`."""

from alembic import context
from flask import current_app
from sqlalchemy import text

db = current_app.extensions["migrate"].db


def run() -> None:
    """One transaction a revision; SQLite alters a table by making it anew (batch mode)."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":  # an index on a large table takes longer than any request may
            connection.execute(text("SET statement_timeout = 0"))
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations run on a database; there is no offline mode.")
run()
