"""Statements for what every command does, put together once and handed straight to the driver: the question itself is a
fifth of what SQLAlchemy's own way to ask it costs. For database.py; written and read as SQLAlchemy's, by its types.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Dialect, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import Select

READ_ONLY = "25006"  # PostgreSQL's code for a change where only reading is possible


class Prepared:
    """A statement with named values (`bindparam`), none of them a list. `given`: the columns that an INSERT gets."""

    def __init__(self, statement: Select | UpdateBase, given: Sequence[str] | None = None):
        self.statement, self.given = statement, given
        self.made: dict[str, Made] = {}  # by dialect

    def on(self, dialect: Dialect) -> "Made":
        if dialect.name not in self.made:
            self.made[dialect.name] = Made(self, dialect)
        return self.made[dialect.name]


class Made:
    """The same for one dialect: its text, how values go in, and how rows come out."""

    def __init__(self, prepared: Prepared, dialect: Dialect):
        compiled = prepared.statement.compile(dialect=dialect, column_keys=prepared.given)
        self.text = compiled.string
        self.order = compiled.positiontup  # of the values; None where the driver takes them by name
        binds = compiled.binds.items()
        self.inward = {name: way for name, bind in binds if (way := bind.type._cached_bind_processor(dialect))}
        self.fixed = {name: self.told(name, bind.value) for name, bind in binds if not bind.required}
        columns = list(prepared.statement.exported_columns)
        ways = [column.type._cached_result_processor(dialect, None) for column in columns]
        self.outward = [(place, way) for place, way in enumerate(ways) if way]
        self.row = namedtuple("Row", [column.name for column in columns], rename=True)

    def told(self, name: str, value) -> Any:
        way = self.inward.get(name)
        return way(value) if way else value

    def arranged(self, values: dict) -> tuple | dict:
        known = self.fixed | {name: self.told(name, value) for name, value in values.items()}
        return tuple([known[name] for name in self.order]) if self.order is not None else known

    def read(self, row: tuple) -> tuple:
        if self.outward:
            row = list(row)
            for place, way in self.outward:
                row[place] = way(row[place])
        return self.row._make(row)


class Way:
    """A connection of the pool's, for statements that are ready. `connection` is what listeners look for in one."""

    def __init__(self, engine: Engine):
        self.engine, self.dialect = engine, engine.dialect
        try:
            self.connection = engine.raw_connection()
        except engine.dialect.loaded_dbapi.Error as error:
            raise self.refusal(error, is_lost=True) from error
        self.driver = self.connection.dbapi_connection

    def rows(self, prepared: Prepared, values: dict) -> list:
        """What it answers; each row with the names of its columns. SQLAlchemy's errors."""
        made = prepared.on(self.dialect)
        arranged = made.arranged(values)
        cursor = self.driver.cursor()
        try:
            for listener in self.engine.dispatch.before_cursor_execute:
                listener(self, cursor, made.text, arranged, None, False)
            cursor.execute(made.text, arranged)
            return [made.read(row) for row in cursor.fetchall()]
        except self.dialect.loaded_dbapi.Error as error:
            raise self.let_go(error) from error
        finally:
            cursor.close()

    def do(self, act: Callable[[], object]) -> None:
        """Something else that the driver can."""
        try:
            act()
        except self.dialect.loaded_dbapi.Error as error:
            raise self.let_go(error) from error

    def let_go(self, error: Exception) -> DBAPIError:
        """What SQLAlchemy would raise. A connection that is lost is given up, and with it all that are as old: a server
        that takes nothing any more was the primary until a moment ago."""
        is_lost = getattr(error, "pgcode", None) == READ_ONLY or self.dialect.is_disconnect(error, self.driver, None)
        if is_lost:
            self.engine.pool._invalidate(self.connection, error)
        return self.refusal(error, is_lost)

    def refusal(self, error: Exception, is_lost: bool) -> DBAPIError:
        kind = self.dialect.loaded_dbapi.Error
        return DBAPIError.instance(None, None, error, kind, True, is_lost, self.dialect)

    def end(self) -> None:
        """Back to the pool, which undoes what was not committed."""
        self.connection.close()
