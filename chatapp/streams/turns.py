"""Who may speak at once: so many in a room, one for each person asking, so many in a process; the others wait, visibly.
Called within this package.
"""

from sqlalchemy import select, update

from .. import broadcasts, cached, models, rooms
from ..extensions import db
from ..models import Message, Person, Stream, now
from . import voices
from .voices import Voice

IN_ROOM = 3
IN_PROCESS = 32
QUEUED, STREAMING = "queued", "streaming"
AT_WORK = (QUEUED, STREAMING)


def first_status(room_id: str, asker_id: int | None) -> str:
    """What a new stream begins as. In the transaction under way, which holds the room's lock."""
    if voices.speaking() >= IN_PROCESS or is_busy(asker_id):
        return QUEUED
    return STREAMING if len(waiting_and_speaking(room_id)) < IN_ROOM else QUEUED


def hold_asker(asker_id: int | None) -> None:
    """Wait for whoever else begins something for the same person, in the transaction under way. Before the room's lock,
    everywhere, so that nobody waits in a circle."""
    if asker_id is not None:
        db.session.execute(select(Person.id).where(Person.id == asker_id).with_for_update(key_share=True))


def is_busy(asker_id: int | None) -> bool:
    if asker_id is None:
        return False
    wanted = select(Stream.gen).where(Stream.asker_id == asker_id, Stream.status == STREAMING)
    return db.session.scalar(wanted.limit(1)) is not None


def waiting_and_speaking(room_id: str) -> list[Stream]:
    """The streams of a room that have not ended, those that speak first, the others in the order of their turns."""
    wanted = select(Stream).where(Stream.room_id == room_id, models.AT_WORK)
    rows = db.session.scalars(wanted.execution_options(populate_existing=True))
    return sorted(rows, key=lambda one: (one.status != STREAMING, one.created_at, one.message_id))


def give() -> None:
    """Let those of this process speak whose turn it is. Called when a stream has ended, and by tend."""
    for voice in sorted(voices.everyone(), key=lambda one: one.message_id):
        if voice.is_queued and not voice.ending and voices.speaking() < IN_PROCESS and may_speak(voice):
            start(voice)
        db.session.commit()  # lets go of the connection


def may_speak(voice: Voice) -> bool:
    if is_busy(voice.asker_id):
        return False
    free = IN_ROOM
    for row in waiting_and_speaking(voice.room_id):
        if row.status == QUEUED and (row.message_id, row.gen) == voice.key:
            return free > 0
        if row.status == STREAMING or not is_busy(row.asker_id):
            free -= 1
    return False


def start(voice: Voice) -> None:
    """It speaks, unless somebody else was quicker or it has ended."""
    hold_asker(voice.asker_id)
    rev = rooms.advance_rev(voice.room_id, even_archived=True)
    mine = Stream.message_id == voice.message_id, Stream.gen == voice.gen, Stream.status == QUEUED
    begun = update(Stream).where(*mine).values(status=STREAMING, started_at=now(), beat_at=now())
    if not may_speak(voice) or db.session.execute(begun.execution_options(synchronize_session=False)).rowcount != 1:
        db.session.rollback()
        return
    message = db.session.get(Message, voice.message_id, populate_existing=True)
    message.status, message.rev = STREAMING, rev
    db.session.commit()
    voices.began(voice)
    broadcasts.message_updated(message)
    voices.tell_status(voice, STREAMING, 0)
    cached.forget(voice.room_id)


def place_of(row: Stream, others: list[Stream]) -> int:
    """How many will speak before it, and itself: 1 is the next."""
    queued = [one for one in others if one.status == QUEUED]
    return 1 + sum((one.created_at, one.message_id) < (row.created_at, row.message_id) for one in queued)
