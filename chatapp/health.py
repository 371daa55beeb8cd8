"""Whether what the application stands on can be reached. For the operator's door and the doctor command."""

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from .extensions import db


def check() -> dict[str, str]:
    """Each part by name: "ok", "unavailable", or "unused" where the settings name none."""
    return {"database": database(), "redis": "unused"}


def database() -> str:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return "unavailable"
    return "ok"
