"""Streams are looked after: saved on the way, kept alive, told about, ended when they run too long or were left behind.
Called by the ticker of a serving process.
"""

import time
from datetime import datetime, timedelta

import structlog
from sqlalchemy import exists, select, tuple_, update

from ..extensions import db, redis
from ..models import AT_WORK, IS_AT_WORK, Membership, Person, Stream, now
from ..realtime import connections
from . import endings, texts, turns, voices
from .voices import Voice

SAVED_EVERY_S = 1.5  # with the ticker's half second within the 2 s that may be lost
SAVED_UNITS = 4_000
STATUS_EVERY_S = 10.0
BEAT_EVERY_S = 8.0
LEFT_AFTER = timedelta(seconds=20)  # without a beat one is suspected
WATCHED_S = 10.0  # and ended when none comes for so long: longer than BEAT_EVERY_S
RIGHTS_EVERY_S = 0.9
LASTS_S = 120.0

log = structlog.get_logger(__name__)
_last: dict[str, float] = {}  # what is done now and then → when it was (monotonic seconds)
_suspects: dict[tuple[int, int], tuple[datetime, float]] = {}  # stream → its last beat, since when it is watched


def tend() -> None:
    """One look at every voice of this process."""
    voices.tell_all()
    voices.remind_of_ours()
    silence_the_gone()
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
    every = 0.0 if redis.in_use and redis.away else SAVED_EVERY_S  # then others know only what is saved
    if unsaved and (moment - voice.saved_at >= every or unsaved >= SAVED_UNITS):
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
    if not voices.everyone() or not is_due("beat", BEAT_EVERY_S):
        return
    alive = [voice.key for voice in voices.everyone() if is_alive(voice)]
    if alive:
        mine = tuple_(Stream.message_id, Stream.gen).in_(alive)
        step = update(Stream).where(mine, Stream.status.in_(AT_WORK)).values(beat_at=now())
        db.session.execute(step.execution_options(synchronize_session=False))
        db.session.commit()


def is_due(what: str, every: float) -> bool:
    """Whether it is to be done now; then it counts as done."""
    due = time.monotonic() - _last.get(what, float("-inf")) >= every
    if due:
        _last[what] = time.monotonic()
    return due


def silence_the_gone() -> None:
    """Who was put out of the room or turned away altogether says no more."""
    keys = [voice.key for voice in voices.everyone()]
    if not keys or not is_due("rights", RIGHTS_EVERY_S):
        return
    inside = exists().where(Membership.room_id == Stream.room_id, Membership.person_id == Stream.author_id)
    active = exists().where(Person.id == Stream.author_id, Person.active)
    wanted = select(Stream.message_id, Stream.gen).where(tuple_(Stream.message_id, Stream.gen).in_(keys))
    gone = {tuple(row) for row in db.session.execute(wanted.where(IS_AT_WORK, ~(inside & active)))}
    db.session.commit()
    for voice in voices.everyone():
        if voice.key in gone:
            voice.ending = "stopped", None  # written by look_after, where what fails holds up no other


def is_alive(voice: Voice) -> bool:
    """Whether its speaker is: this process itself, somebody connected to it, or a program that was heard lately."""
    silent = time.monotonic() - voice.heard_at
    return voice.is_ours or bool(connections.of_person(voice.author_id)) or silent < BEAT_EVERY_S


def recover() -> None:
    """End what nobody speaks any more, with what is known of it: those that are without a beat, and get none while this
    process watches. (After a time without the database nobody has one.)"""
    left = select(Stream).where(IS_AT_WORK, Stream.beat_at < now() - LEFT_AFTER)
    rows = list(db.session.scalars(left.execution_options(populate_existing=True)))
    db.session.commit()
    suspects = {(row.message_id, row.gen): row for row in rows if not speaks_here(row)}
    for key in [key for key in _suspects if key not in suspects]:
        del _suspects[key]
    for key, row in suspects.items():
        beat_at, since = _suspects.get(key, (None, 0.0))
        if beat_at != row.beat_at:
            _suspects[key] = row.beat_at, time.monotonic()
        elif time.monotonic() - since >= WATCHED_S:
            endings.end(voices.heard(row), "interrupted")


def speaks_here(row: Stream) -> bool:
    voice = voices.get(row.message_id, row.gen)
    return voice is not None and is_alive(voice)


def end_ours() -> bool:
    """The process is about to stop: what it speaks is interrupted; whether there was any. Called by the server before
    it lets go."""
    ours = [voice for voice in voices.everyone() if voice.is_ours]
    for voice in ours:
        try:
            endings.end(voice, "interrupted")
        except Exception as error:  # the others will find it left behind
            log.warning("stream_left", error=type(error).__name__)
    return bool(ours)
