"""What this process speaks, or hears spoken, at the moment; and telling the room in joined chunks: the first at once,
later ones joined until 50 ms after the last (up to 250 ms when this process is late), or 1,000 characters. Called
within this package.
"""

import time
import uuid

from flask import Flask, current_app
from sqlalchemy import select

from .. import broadcasts
from ..errors import Conflict
from ..extensions import db, redis, socketio
from ..models import AT_WORK, Stream, now
from . import sharing, texts
from .texts import text_of, units
from .voice import Voice

JOINED_S, JOINED_MAX_S = 0.05, 0.25
JOINED_UNITS = 1_000
NEARLY = 0.6  # of JOINED_S: who has come so far is told with who is due, so that all of them fall into step
STALLS = 2.0  # how much longer pieces are joined for each second that the pump came late

PROCESS = uuid.uuid4().hex
_voices: dict[tuple[int, int], Voice] = {}
_pumps: set[str] = set()


def add(voice: Voice) -> Voice:
    """Have the voice heard from now on."""
    voice.started_at = voice.saved_at = voice.status_at = voice.heard_at = time.monotonic()
    _voices[voice.key] = voice
    return voice


def heard(row: Stream) -> Voice:
    """The voice of a stream, which may have begun in another process."""
    return follow(get(row.message_id, row.gen) or overheard(row), row)


def follow(voice: Voice, row: Stream) -> Voice:
    """As far as its row tells: it may have got its turn from another process."""
    if voice.is_queued and row.status == "streaming":
        start(voice)
    return voice


def overheard(row: Stream) -> Voice:
    """The voice of a stream that began in another process, or before this one started."""
    voice = Voice(row.message_id, row.gen, row.room_id, row.author_id, row.asker_id, False, row.status == "queued")
    (shared,) = sharing.remembered([voice.shared_key]) if row.status == "streaming" else [None]
    voice.text = bytearray(max(units(row.text), shared or b"", key=len))
    voice.waiting_from, voice.saved = voice.length, row.length
    if there := get(*voice.key):  # somebody else was quicker, while we waited for Redis
        return there
    add(voice)
    if row.started_at:
        voice.started_at -= max(0.0, (now() - row.started_at).total_seconds())
    of_it = Stream.message_id == row.message_id, Stream.gen == row.gen
    if db.session.scalar(select(Stream.status).where(*of_it)) not in AT_WORK:  # since the row was read
        voice.sealed = True
        drop(voice)
    db.session.commit()  # as in speaking.push
    return voice


def begin(voice: Voice) -> Voice:
    """One that is new altogether. Where Redis holds nothing of one that speaks, it has forgotten it."""
    if not voice.is_queued:
        texts.open_shared(voice.shared_key)
    return add(voice)


def began(voice: Voice) -> None:
    """It was queued, and now it is its turn."""
    start(voice)
    texts.open_shared(voice.shared_key)


def start(voice: Voice) -> None:
    voice.is_queued, voice.started_at = False, time.monotonic()
    if voice.on_start:
        voice.on_start()


def get(message_id: int, gen: int) -> Voice | None:
    return _voices.get((message_id, gen))


def drop(voice: Voice) -> None:
    """It has ended."""
    if _voices.pop(voice.key, None):
        hang_up(voice)


def hang_up(voice: Voice) -> None:
    """Whoever speaks shall stop. May be called twice."""
    if voice.on_end:
        voice.on_end()


def everyone() -> list[Voice]:
    return list(_voices.values())


def speaking() -> int:
    """How many speak in this process."""
    return sum(not voice.is_queued for voice in _voices.values())


def append(voice: Voice, offset: int, piece: str) -> int:
    """Add what is new in `piece`, which stands at `offset`; the length then. Conflict with the length for a gap."""
    voice.heard_at = time.monotonic()
    with voice.lock:
        state, before = add_here(voice, offset, units(piece))
        if state == "ok":
            return voice.length
    if state == "sealed":
        raise Conflict("This stream has ended.", length=before)
    raise Conflict("offset: it lies beyond the text so far.", field="offset", length=before)


def add_here(voice: Voice, offset: int, piece: bytes) -> tuple[str, int]:
    """(ok | gap | sealed, the length before); what is new is held and will be told."""
    if voice.is_ours:  # nobody else speaks it: it is shared when it is told
        state, before = state_here(voice, offset, piece)
        if state == "ok":
            take(voice, before, piece)
        return state, before
    shared = sharing.shared_with(voice, offset, piece)
    voice.is_shared = shared is not None
    if shared is None and redis.in_use and offset > voice.length:  # what others heard, they saved
        voice.text = bytearray(sharing.known_of(voice))
    state, before = shared or state_here(voice, offset, piece)
    if before > voice.length:  # other processes heard something too
        voice.text = bytearray(texts.read_shared([voice.shared_key])[0] or voice.text)[: 2 * before]
    if state == "ok" and (fresh := piece[2 * (before - offset) :]):
        take(voice, before, fresh)
    return state, before


def remind() -> None:
    """Another process misses something in Redis: say again what of it we have."""
    some = everyone()
    missed = texts.missed_shared([voice.shared_key for voice in some])
    asked = [voice for voice, is_missed in zip(some, missed, strict=True) if is_missed]
    say_again([voice for voice in asked if not sharing.asks_for(voice.shared_key)])


def remind_of_ours() -> None:
    """Say again what Redis has forgotten, or never heard, of what we speak. (What others speak we may know less of than
    another process: until somebody misses it, it had better be missing than be too short.)"""
    say_again([voice for voice in everyone() if voice.is_ours])


def say_again(some: list[Voice]) -> None:
    """Without the lock of any: it may be held by who waits for another process's answer."""
    some = [voice for voice in some if not (voice.sealed or voice.is_queued)]
    lengths = texts.lengths_shared([voice.shared_key for voice in some])
    for voice, length in zip(some, lengths or (), strict=False):
        text = acknowledged(voice)  # as it is now: it may have grown while Redis was asked
        if length < len(text):
            texts.open_shared(voice.shared_key, text)


def acknowledged(voice: Voice) -> bytes:
    """What the speaker, or the room, was told that we have."""
    return bytes(voice.text[: 2 * voice.waiting_from] if voice.is_ours else voice.text)


def state_here(voice: Voice, offset: int, piece: bytes) -> tuple[str, int]:
    """As texts.APPEND, for one process alone."""
    known = 2 * (voice.length - offset)
    if voice.sealed:
        return "sealed", voice.length
    splits = 0 <= known < len(piece) and 0xDC <= piece[known + 1] <= 0xDF
    return ("gap" if known < 0 or splits else "ok"), voice.length


def take(voice: Voice, before: int, fresh: bytes) -> None:
    """Hold `fresh`, which stands at `before`, and tell it soon."""
    if voice.length == before:
        voice.text += fresh
    if voice.waiting_from + len(voice.waiting) // 2 != before:  # what lies between, another process tells
        tell(voice)
        voice.waiting_from = before
    voice.waiting += fresh
    if time.monotonic() - voice.told_at >= JOINED_S or len(voice.waiting) >= 2 * JOINED_UNITS:
        tell(voice)
    else:
        wake_pump()


def tell(voice: Voice) -> None:
    """Tell the room what waits."""
    with voice.lock:
        offset, fresh = voice.waiting_from, bytes(voice.waiting)
        voice.waiting_from += len(fresh) // 2
        voice.waiting.clear()
        voice.told_at = time.monotonic()
        shared = sharing.shared_with(voice, offset, fresh) if fresh and voice.is_ours else None
        if shared and shared[0] == "sealed":  # another process has ended it: with this the room would see too much
            voice.sealed, voice.waiting_from = True, offset
            return
        if fresh:
            broadcasts.stream_chunk(voice.room_id, voice.message_id, voice.gen, offset, text_of(fresh))


def tell_status(voice: Voice, phase: str, length: int) -> None:
    """Tell the room where it stands."""
    status = {"messageId": voice.message_id, "gen": voice.gen, "phase": phase, "length": length}
    broadcasts.stream_status(voice.room_id, status)


def wake_pump() -> None:
    """Have what waits told in time: a background task runs as long as something does."""
    if not _pumps:
        _pumps.add("running")
        socketio.start_background_task(pump, current_app._get_current_object())


def pump(app: Flask) -> None:
    pause = JOINED_S
    try:
        while waiting := [voice.told_at for voice in everyone() if voice.waiting]:
            due = max(time.monotonic(), min(waiting) + pause)
            socketio.sleep(due - time.monotonic())
            late = time.monotonic() - due
            pause = min(JOINED_MAX_S, JOINED_S + STALLS * late)
            with app.app_context():
                tell_all(NEARLY * JOINED_S)
    finally:
        _pumps.clear()


def tell_all(since: float = 0.0) -> None:
    """Tell what waits of everyone of whom the last was told so many seconds ago."""
    for voice in everyone():
        if voice.waiting and time.monotonic() - voice.told_at >= since:
            tell(voice)
