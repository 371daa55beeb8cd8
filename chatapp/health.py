"""Whether what the application stands on can be reached. For the operator's door and the doctor command."""

from collections.abc import Iterator

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import func, select, text, type_coerce
from sqlalchemy.exc import SQLAlchemyError

from .extensions import db, postgres, redis, replicas
from .models import Message, Moment, now


def check() -> dict[str, str]:
    """Each part by name: "ok", "unavailable", or "unused" where the settings name none; of replicas how many answer."""
    return {"database": database(), "redis": redis_state(), "replicas": replicas.state()}


def all_there(parts: dict[str, str]) -> bool:
    """Whether nothing that the settings name is missing."""
    return "unavailable" not in parts.values() and not any(one.away for one in replicas.all)


def database() -> str:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return "unavailable"
    return "ok"


def redis_state() -> str:
    if not redis.in_use:
        return "unused"
    return "ok" if redis.answers() else "unavailable"


def look_for_redis() -> None:
    """Whether a Redis that was away is back. Called by the ticker."""
    redis.probe()


def database_known_away() -> bool:
    """Whether it is not even asked at present; it has been said in the log."""
    return postgres.away


def look_for_database() -> None:
    """Whether a PostgreSQL that was away is back. Called by the ticker."""
    postgres.probe()


def look_for_replicas() -> None:
    """Which replicas answer. Called by the ticker."""
    replicas.probe()


def redis_stores() -> bool:
    """Whether Redis takes as much as a page, too: a full one and a read-only copy answer, and refuse."""
    return bool(redis.ask(lambda client: client.set("chatapp:doctor", "x" * 10_000, ex=10)))


def followers() -> Iterator[tuple[str, bool | None, int]]:
    """Of each replica: its address, whether it follows a primary (None: no answer), and how many bytes behind ours."""
    here = "SELECT pg_current_wal_lsn() - CAST('0/0' AS pg_lsn)"
    there = "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() - CAST('0/0' AS pg_lsn)"
    for one in replicas.all:
        one.probe()
        _, found = one.ask(lambda session: session.execute(text(there)).one())
        follows, has = found or (None, None)
        behind = db.session.scalar(text(here)) - has if follows else 0
        yield one.name, follows, max(0, int(behind))


def migrations() -> tuple[str | None, str]:
    """The revision that the database stands at (None: no tables yet), and the newest there is."""
    scripts = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
    here = MigrationContext.configure(db.session.connection()).get_current_revision()
    return here, scripts.get_current_head()


def clock_drift() -> float:
    """Seconds by which this machine's clock is ahead of the database's or, where negative, of what was said last."""
    theirs = db.session.scalar(select(type_coerce(func.current_timestamp(), Moment)))
    drift = (now() - theirs).total_seconds()
    said = db.session.scalar(select(Message.created_at).order_by(Message.id.desc()).limit(1))
    return min(drift, (now() - said).total_seconds()) if said else drift
