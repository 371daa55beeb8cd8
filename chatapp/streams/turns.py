"""Who may speak at once: so many in a room, one for each person asking, so many in a process; the others wait, visibly.
Called within this package.
"""

from collections import defaultdict

from sqlalchemy import bindparam, func, literal_column, select, update

from .. import broadcasts, cached, rooms
from ..errors import RateLimited
from ..extensions import db
from ..models import AT_WORK, IS_AT_WORK, Message, Person, Stream, now
from ..prepared import Prepared
from . import voices
from .voices import Voice

IN_ROOM = 3
IN_PROCESS = 32
IN_LINE = 100  # of one room, with those who speak: more are refused
QUEUED, STREAMING = AT_WORK
# Put together once: most rooms have none, and each reader who comes in asks.
ANY = Prepared(
    select(Stream.message_id).where(Stream.room_id == bindparam("room"), IS_AT_WORK).limit(literal_column("1"))
)


def require_place(room_id: str) -> None:
    """RateLimited where too many wait already: whoever is told of a room is told of all of them."""
    there = select(func.count()).select_from(Stream).where(Stream.room_id == room_id, IS_AT_WORK)
    if db.session.scalar(there) >= IN_LINE:
        raise RateLimited("Too many wait for their turn here; please try again later.", retry_after=10)


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
    return asker_id in busy_of({asker_id})


def busy_of(asker_ids: set[int | None]) -> set[int]:
    """Those of them for whom somebody speaks. (What nobody asked for, None, is bounded by the room's places alone.)"""
    asked = asker_ids - {None}
    if not asked:
        return set()
    wanted = select(Stream.asker_id).where(Stream.asker_id.in_(asked), Stream.status == STREAMING, IS_AT_WORK)
    return set(db.session.scalars(wanted))


def waiting_and_speaking(room_id: str) -> list[Stream]:
    """The streams of a room that have not ended, those that speak first, the others in the order of their turns."""
    wanted = select(Stream).where(Stream.room_id == room_id, IS_AT_WORK)
    rows = db.session.scalars(wanted.execution_options(populate_existing=True))
    return sorted(rows, key=lambda one: (one.status != STREAMING, one.created_at, one.message_id))


def give() -> None:
    """Let those of this process speak whose turn it is. Called when a stream has ended, and by tend."""
    for room_id, waiting in waiting_here().items():
        rows = waiting_and_speaking(room_id)
        for row in rows:
            if voice := waiting.get((row.message_id, row.gen)):
                voices.follow(voice, row)
        if voices.speaking() >= IN_PROCESS:
            return
        for key in whose_turn(rows):
            if key in waiting and voices.speaking() < IN_PROCESS:
                start(waiting[key])
        db.session.commit()  # lets go of the connection


def waiting_here() -> dict[str, dict[tuple[int, int], Voice]]:
    """The voices of this process that wait, by room and by (message, gen)."""
    queued = defaultdict(dict)
    for voice in sorted(voices.everyone(), key=lambda one: one.key):
        if voice.is_queued and not voice.ending:
            queued[voice.room_id][voice.key] = voice
    return queued


def whose_turn(rows: list[Stream]) -> list[tuple[int, int]]:
    """Those (message, gen) of a room's streams that wait and may speak now, in their order."""
    free = IN_ROOM - sum(row.status == STREAMING for row in rows)
    queued = [row for row in rows if row.status == QUEUED]
    busy = busy_of({row.asker_id for row in queued}) if free > 0 and queued else set()
    found = []
    for row in queued:
        if len(found) < free and row.asker_id not in busy:
            found.append((row.message_id, row.gen))
            busy |= {row.asker_id} - {None}
    return found


def start(voice: Voice) -> None:
    """It speaks, unless somebody else was quicker or it has ended."""
    hold_asker(voice.asker_id)
    rev = rooms.advance_rev(voice.room_id, even_archived=True)
    mine = Stream.message_id == voice.message_id, Stream.gen == voice.gen, Stream.status == QUEUED
    begun = update(Stream).where(*mine).values(status=STREAMING, started_at=now(), beat_at=now())
    if (
        voice.key not in whose_turn(waiting_and_speaking(voice.room_id))
        or db.session.execute(begun.execution_options(synchronize_session=False)).rowcount != 1
    ):
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
