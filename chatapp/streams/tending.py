"""Streams are looked after: saved on the way, kept alive, told about, ended when they run too long or were left behind.
Called by the ticker of a serving process.
"""

import time
from datetime import timedelta

import structlog
from sqlalchemy import select, tuple_, update

from ..extensions import db
from ..models import AT_WORK, Stream, now
from ..realtime import connections
from . import endings, texts, turns, voices
from .voices import Voice

SAVED_EVERY_S = 1.5  # with the ticker's half second within the 2 s that may be lost
SAVED_UNITS = 4_000
STATUS_EVERY_S = 10.0
BEAT_EVERY_S = 8.0
LEFT_AFTER = timedelta(seconds=30)  # without a beat
LASTS_S = 120.0

log = structlog.get_logger(__name__)
_beats: dict[str, float] = {}  # "last" → monotonic seconds


def tend() -> None:
    """One look at every voice of this process."""
    for voice in voices.everyone():
        try:
            look_after(voice)
        except Exception as error:  # the database away: the next turn comes
            db.session.rollback()
            log.warning("stream_untended", error=type(error).__name__)
    beat()
    if any(voice.is_queued for voice in voices.everyone()):
        turns.give()


def look_after(voice: Voice) -> None:
    if voice.ending:
        endings.end(voice, *voice.ending)
    elif not voice.is_queued and time.monotonic() - voice.started_at > LASTS_S:
        endings.end(voice, "truncated")
    else:
        save_and_tell(voice)


def save_and_tell(voice: Voice) -> None:
    moment = time.monotonic()
    unsaved = voice.length - voice.saved
    if unsaved and (moment - voice.saved_at >= SAVED_EVERY_S or unsaved >= SAVED_UNITS):
        save(voice)
    if moment - voice.status_at >= STATUS_EVERY_S:
        voice.status_at = moment
        phase = turns.QUEUED if voice.is_queued else turns.STREAMING
        voices.tell_status(voice, phase, voice.length)


def save(voice: Voice) -> None:
    """Write down the text so far; never less than was written before."""
    held = bytes(voice.text)
    length = len(held) // 2
    mine = Stream.message_id == voice.message_id, Stream.gen == voice.gen, Stream.status == turns.STREAMING
    step = update(Stream).where(*mine, Stream.length <= length)
    values = {"text": texts.text_of(held), "length": length, "beat_at": now()}
    db.session.execute(step.values(**values).execution_options(synchronize_session=False))
    db.session.commit()
    voice.saved, voice.saved_at = length, time.monotonic()


def beat() -> None:
    """Say of those that this process speaks, or whose speaker is connected here, that they live."""
    if not voices.everyone() or time.monotonic() - _beats.get("last", 0.0) < BEAT_EVERY_S:
        return
    _beats["last"] = time.monotonic()
    alive = [voice.key for voice in voices.everyone() if is_alive(voice)]
    if alive:
        mine = tuple_(Stream.message_id, Stream.gen).in_(alive)
        step = update(Stream).where(mine, Stream.status.in_(turns.AT_WORK)).values(beat_at=now())
        db.session.execute(step.execution_options(synchronize_session=False))
        db.session.commit()


def is_alive(voice: Voice) -> bool:
    """Whether its speaker is: this process itself, somebody connected to it, or a program that was heard lately."""
    silent = time.monotonic() - voice.heard_at
    return voice.is_ours or bool(connections.of_person(voice.author_id)) or silent < BEAT_EVERY_S


def recover() -> None:
    """End what nobody speaks any more, with what is known of it."""
    left = select(Stream).where(AT_WORK, Stream.beat_at < now() - LEFT_AFTER)
    for row in list(db.session.scalars(left.execution_options(populate_existing=True))):
        voice = voices.get(row.message_id, row.gen) or voices.overheard(row)
        endings.end(voice, "interrupted")


def end_ours() -> None:
    """The process is about to stop: what it speaks is interrupted. Called by the server before it lets go."""
    for voice in voices.everyone():
        if voice.is_ours:
            endings.end(voice, "interrupted")
