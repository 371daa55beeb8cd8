"""Assistants of our own: who of them answers what was said, and answering, in a background task that is given ids and
never rows. (Bots from outside listen and speak for themselves, with a token.) Called by messages and the doors.
"""

import re
import uuid
from typing import NamedTuple

import structlog
from flask import Flask, current_app
from sqlalchemy import select

from . import assistant, rooms, saying, streams
from .assistant.question import Question, Said
from .errors import ChatError, Forbidden, Invalid, NotFound
from .extensions import db, socketio
from .models import Membership, Message, Person, Room

OFF, MENTION, EVERY = "off", "mention", "every"
ANSWERS = uuid.UUID("6f6f5a0e-3b1f-4d0e-9a55-6d2b6c1d9a11")  # from which an answer's client id is made: one a question
ROOMS_KNOWN = 5_000
RECAPPED_MAX = 2_000  # messages
RECAPPED_MIN = 5  # fewer are no recap: then the last RECAPPED_ELSE are told
RECAPPED_ELSE = 50
PIECE_PAUSE_S = 0.015  # between the pieces of a recap, which is there at once: so that it can be read as it grows
log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """An assistant in a room."""

    person_id: int
    name: str
    answers: str


_known: dict[str, tuple[int, list[Place]]] = {}  # room → its version, and the assistants in it then


def hear(message: Message, room: Room) -> None:
    """Something new was said: whoever is asked answers, soon. Never raises: it is said, whatever becomes of this."""
    if message.author.kind == "bot":  # bots never answer bots
        return
    try:
        for place in assistants_of(room):
            if is_asked(place, message, room):
                start(answer, place.person_id, message.id)
    except Exception:
        db.session.rollback()
        log.exception("assistant_deaf")


def start(task, *ids) -> None:
    socketio.start_background_task(in_context, current_app._get_current_object(), task, *ids)


def in_context(app: Flask, task, *ids) -> None:
    with app.app_context():
        try:
            task(*ids)
        except ChatError as refusal:  # the room was archived meanwhile, the assistant put out
            log.info("assistant_refused", code=refusal.code)
        except Exception:
            log.exception("assistant_stumbled")


def assistants_of(room: Room) -> list[Place]:
    """The places of our assistants in a room; looked up once for each version of it."""
    version, places = _known.get(room.id, (None, []))
    if version != room.version:
        wanted = select(Person.id, Person.name, Membership.answers).join(Membership, Membership.person_id == Person.id)
        ours = wanted.where(Membership.room_id == room.id, Person.is_assistant, Person.active)
        places = [Place(*row) for row in db.session.execute(ours)]
        if len(_known) >= ROOMS_KNOWN:
            _known.clear()
        _known[room.id] = room.version, places
    return places


def is_asked(place: Place, message: Message, room: Room) -> bool:
    """Whether this assistant is to answer: always among few, else when named or replied to, as set for the room."""
    if place.answers == OFF:
        return False
    if room.kind == rooms.DIRECT or place.answers == EVERY:
        return True
    return is_named(place.name, message.content) or is_replied_to(place.person_id, message.reply_to_id)


def is_named(name: str, content: str) -> bool:
    return "@" in content and bool(re.search(rf"(?<!\w)@{re.escape(name)}(?!\w)", content, re.IGNORECASE))


def is_replied_to(person_id: int, reply_to: int | None) -> bool:
    if reply_to is None:
        return False
    return db.session.scalar(select(Message.author_id).where(Message.id == reply_to)) == person_id


def answer(bot_id: int, question_id: int) -> None:
    """Answer a message, once: whoever hears it too begins the same message."""
    question = db.session.scalar(saying.with_author(Message.id == question_id))
    bot = db.session.get(Person, bot_id)
    if not bot.active:  # turned away meanwhile
        return
    place = rooms.membership_of(bot, question.room_id)
    client_id = str(uuid.uuid5(ANSWERS, f"{bot_id}:{question_id}"))
    message, new = streams.begin(place, client_id, question.id, is_ours=True)
    if new:
        speak(message, question)


def repeat(somebody: Person, message_id: int, gen: int) -> Message:
    """Have a message said again: by us where it is one of our assistants', else by the bot that hears of it."""
    message, _ = saying.find(somebody, message_id)
    is_ours = message.author.is_assistant
    if is_ours:
        require_answering(message)
    again = streams.repeat(somebody, message_id, gen, is_ours=is_ours)
    if is_ours:
        start(answer_again, message_id, gen + 1)
    return again


def require_answering(message: Message) -> None:
    """Forbidden where an assistant was switched off, put out or turned away: it says nothing, nothing old either."""
    place = db.session.get(Membership, (message.room_id, message.author_id), populate_existing=True)
    if place is None or place.answers == OFF or not message.author.active:
        raise Forbidden("This assistant does not answer here any more.")


def answer_again(message_id: int, gen: int) -> None:
    message = db.session.scalar(saying.with_author(Message.id == message_id, Message.gen == gen))
    question = message and db.session.scalar(saying.with_author(Message.id == message.reply_to_id))
    if message is not None:
        speak(message, question)


def speak(message: Message, question: Message | None) -> None:
    """Say what the source answers, piece by piece, and how it ended."""
    turn = streams.Turn(message)
    try:
        db.session.commit()  # a turn may take minutes to come: no connection, no history waits with it
        if not turn.comes():
            return
        question = question and db.session.scalar(saying.with_author(Message.id == question.id))
        if question is None or question.removed_at is not None:
            raise NotFound("The question was removed.")
        asked = question_for(message.author, question)
        db.session.commit()  # so may a model
        tell(turn, source().open(asked))
    except ChatError as error:
        turn.end("error", error)
    except Exception:
        log.exception("assistant_stumbled")
        db.session.rollback()
        turn.end("error", ChatError("The assistant broke down."))


def tell(turn: streams.Turn, told) -> None:
    turn.on_end(told.stop)
    pause = 0 if is_model() else PIECE_PAUSE_S
    for piece in told:
        if not turn.say(piece):
            told.stop()
        if pause:
            socketio.sleep(pause)
    turn.end(told.outcome, told.error, told.cost)


def is_model() -> bool:
    return bool(current_app.config["ASSISTANT_BASE_URL"])


def source():
    """Where answers come from; made once for each application."""
    held = current_app.extensions.get("assistant")
    if held is None:
        held = current_app.extensions["assistant"] = assistant.source_of(current_app.config)
    return held


def question_for(bot: Person, question: Message) -> Question:
    """What the source is given: of this room alone, up to the question."""
    since = None
    if is_model():
        before = said_before(question, current_app.config["ASSISTANT_HISTORY"])
    else:
        since = db.session.get(Membership, (question.room_id, question.author_id))
        before = said_before(question, RECAPPED_MAX, since.read_seq if since else 0)
        if len(before) < RECAPPED_MIN:
            since, before = None, said_before(question, RECAPPED_ELSE)
    is_since = since is not None and since.read_seq > 0
    return Question(said(question), before, bot.id, bot.name, since_last_read=is_since)


def said_before(question: Message, limit: int, after_seq: int = 0) -> list[Said]:
    """Up to `limit` messages before the question, oldest first; none that is removed or still being said."""
    wanted = saying.with_author(
        Message.room_id == question.room_id,
        Message.seq < question.seq,
        Message.seq > after_seq,
        Message.removed_at.is_(None),
        Message.content != "",
    )
    rows = db.session.scalars(wanted.order_by(Message.seq.desc()).limit(limit))
    return [said(row) for row in reversed(list(rows))]


def said(row: Message) -> Said:
    who = row.author
    return Said(row.id, who.id, who.name, who.kind, row.content, row.created_at, row.reply_to_id)


def set_answers(membership: Membership, bot_id: int, answers: str) -> None:
    """When an assistant answers in a room: off, mention or every. For those who moderate."""
    if membership.room.kind != rooms.DIRECT and not membership.moderates:
        raise Forbidden("Only the room's owners and administrators may do this.")
    place = db.session.get(Membership, (membership.room_id, bot_id))
    if place is None or not place.person.is_assistant:
        raise NotFound("There is no such assistant here.")
    if answers not in (OFF, MENTION, EVERY):
        raise Invalid("answers: must be off, mention or every.", field="answers")
    place.answers = answers
    rooms.changed(membership.room)
    db.session.commit()
