"""Whether what the application stands on can be reached. For the operator's door and the doctor command."""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import func, select, text, type_coerce
from sqlalchemy.exc import SQLAlchemyError

from .extensions import db, postgres, redis
from .models import Message, Moment, now


def check() -> dict[str, str]:
    """Each part by name: "ok", "unavailable", or "unused" where the settings name none."""
    return {"database": database(), "redis": redis_state()}


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
