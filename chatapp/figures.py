"""The workplace in numbers, for commands."""

from datetime import timedelta

from sqlalchemy import Select, func, select

from .extensions import db
from .models import Device, Message, Person, Room, Token, now

DAY = timedelta(days=1)


def count() -> dict[str, int]:
    """How many there are of each thing. `rooms` and `people` are those in use; `messages` counts removed ones too."""
    active = select(func.count()).where(Person.active)
    archived = Room.archived_at.is_not(None)
    return {
        "people": number(active.where(Person.kind == "person")),
        "bots": number(active.where(Person.kind == "bot")),
        "deactivated": number(select(func.count()).where(~Person.active)),
        "rooms": number(select(func.count()).where(~archived)),
        "archivedRooms": number(select(func.count()).where(archived)),
        "messages": number(select(func.sum(Room.last_seq))),
        "messagesLastDay": number(said_since(now() - DAY)),
        "devices": number(select(func.count()).select_from(Device)),
        "tokens": number(select(func.count()).select_from(Token)),
    }


def number(wanted: Select) -> int:
    return int(db.session.scalar(wanted) or 0)


def said_since(moment) -> Select:
    """From each room's end backwards to its first older message: what was said earlier is not looked at."""
    older = select(Message.seq).where(Message.room_id == Room.id, Message.created_at <= moment)
    newest_older = older.order_by(Message.seq.desc()).limit(1).scalar_subquery()
    return select(func.sum(Room.last_seq - func.coalesce(newest_older, 0)))
