"""What each database needs before its first query. Called by the factory only."""

import sqlite3

from flask import Flask
from sqlalchemy import event

from .extensions import db

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = NORMAL",
    "PRAGMA busy_timeout = 1000",  # milliseconds; the whole process stands still while it waits
    "PRAGMA foreign_keys = ON",
)


def configure(app: Flask) -> None:
    """Make every new SQLite connection of this application safe and quick."""
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", prepare_sqlite)


def prepare_sqlite(connection: sqlite3.Connection, _record) -> None:
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)
    # SQLite's own knows the 26 letters only.
    connection.create_function("lower", 1, lambda text: text and text.lower(), deterministic=True)
