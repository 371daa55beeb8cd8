"""The workplace in numbers, for commands."""

from datetime import timedelta

from sqlalchemy import Select, case, func, select

from .extensions import db
from .models import Device, Message, Person, Room, Stream, Token, now

DAY = timedelta(days=1)
TOKENS = Stream.prompt_tokens + Stream.completion_tokens


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
        "streams": number(select(func.count()).select_from(Stream)),
        "promptTokens": number(select(func.sum(Stream.prompt_tokens))),
        "completionTokens": number(select(func.sum(Stream.completion_tokens))),
        "estimatedTokens": number(select(func.sum(TOKENS)).where(Stream.is_estimate)),
    }


def askers(limit: int = 10) -> list[dict]:
    """Who had most spoken for them, from the ledger of streams: answers, seconds of speaking, tokens where known, and
    how many of these are estimated. (What somebody spoke himself is no answer to him.)"""
    tokens = func.coalesce(func.sum(TOKENS), 0)
    estimated = func.coalesce(func.sum(case((Stream.is_estimate, TOKENS), else_=0)), 0)
    wanted = select(Person.id, Person.name, func.count(), func.sum(duration()), tokens, estimated)
    asked = wanted.join(Stream, (Stream.asker_id == Person.id) & (Stream.author_id != Person.id))
    grouped = asked.group_by(Person.id, Person.name).order_by(func.count().desc(), Person.id)
    return [
        {
            "id": id_,
            "name": name,
            "answers": answers,
            "seconds": round(float(seconds or 0), 1),
            "tokens": int(tokens),
            "estimatedTokens": int(estimated),
        }
        for id_, name, answers, seconds, tokens, estimated in db.session.execute(grouped.limit(limit))
    ]


def duration():
    """Seconds between the first and the last word of a stream, on either database."""
    if db.engine.dialect.name == "postgresql":
        return func.extract("epoch", Stream.ended_at - Stream.started_at)
    return (func.julianday(Stream.ended_at) - func.julianday(Stream.started_at)) * 86_400


def number(wanted: Select) -> int:
    return int(db.session.scalar(wanted) or 0)


def said_since(moment) -> Select:
    """From each room's end backwards to its first older message: what was said earlier is not looked at."""
    older = select(Message.seq).where(Message.room_id == Room.id, Message.created_at <= moment)
    newest_older = older.order_by(Message.seq.desc()).limit(1).scalar_subquery()
    return select(func.sum(Room.last_seq - func.coalesce(newest_older, 0)))
