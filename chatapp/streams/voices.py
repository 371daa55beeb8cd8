"""What this process speaks, or hears spoken, at the moment; and telling the room in joined chunks: the first at once,
later ones joined for 50 ms (up to 250 ms when this process is late), or 1,000 characters. Called within this package.
"""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, current_app

from .. import broadcasts
from ..errors import Conflict
from ..extensions import socketio
from ..models import Stream, now
from . import sharing, texts
from .texts import text_of, units

JOINED_S, JOINED_MAX_S = 0.05, 0.25
JOINED_UNITS = 1_000
STALLS = 2.0  # how much longer pieces are joined for each second that the pump came late


@dataclass(slots=True, eq=False)
class Voice:
    """One stream as this process knows it. `text` is UTF-16; lengths are units; times are monotonic seconds."""

    message_id: int
    gen: int
    room_id: str
    author_id: int
    asker_id: int | None
    is_ours: bool  # an answer that this process speaks
    is_queued: bool
    text: bytearray = field(default_factory=bytearray)
    waiting: bytearray = field(default_factory=bytearray)  # what the room is to be told, which stands at waiting_from
    waiting_from: int = 0
    told_at: float = float("-inf")
    saved: int = 0
    saved_at: float = 0.0
    status_at: float = 0.0
    started_at: float = 0.0
    heard_at: float = 0.0
    ending: tuple | None = None  # (status, error) that could not be written yet
    sealed: bool = False
    on_start: Callable[[], object] | None = None
    on_end: Callable[[], object] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def key(self) -> tuple[int, int]:
        return self.message_id, self.gen

    @property
    def shared_key(self) -> str:
        return texts.key_of(self.message_id, self.gen)

    @property
    def length(self) -> int:
        return len(self.text) // 2


PROCESS = uuid.uuid4().hex
_voices: dict[tuple[int, int], Voice] = {}
_pumps: set[str] = set()


def add(voice: Voice) -> Voice:
    """Have the voice heard from now on."""
    voice.started_at = voice.saved_at = voice.status_at = voice.heard_at = time.monotonic()
    _voices[voice.key] = voice
    return voice


def overheard(row: Stream) -> Voice:
    """The voice of a stream that began in another process, or before this one started."""
    voice = Voice(row.message_id, row.gen, row.room_id, row.author_id, row.asker_id, False, row.status == "queued")
    voice.text = bytearray(max(units(row.text), texts.read_shared(voice.shared_key) or b"", key=len))
    voice.waiting_from, voice.saved = voice.length, row.length
    add(voice)
    if row.started_at:
        voice.started_at -= max(0.0, (now() - row.started_at).total_seconds())
    return voice


def began(voice: Voice) -> None:
    """It was queued, and now it is its turn."""
    voice.is_queued, voice.started_at = False, time.monotonic()
    if voice.on_start:
        voice.on_start()


def get(message_id: int, gen: int) -> Voice | None:
    return _voices.get((message_id, gen))


def lives(message_id: int, gen: int) -> None:
    """Its speaker was heard, if only asking whether it is his turn."""
    if voice := get(message_id, gen):
        voice.heard_at = time.monotonic()


def drop(voice: Voice) -> None:
    """It has ended."""
    if _voices.pop(voice.key, None) and voice.on_end:
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
    state, before = shared or state_here(voice, offset, piece)
    if before > voice.length:  # other processes heard something too
        voice.text = bytearray(texts.read_shared(voice.shared_key) or voice.text)[: 2 * before]
    if state == "ok" and (fresh := piece[2 * (before - offset) :]):
        take(voice, before, fresh)
    return state, before


def share_again() -> None:
    """Redis is back, and may have forgotten everything."""
    for voice in everyone():
        with voice.lock:
            told = voice.text[: 2 * voice.waiting_from] if voice.is_ours else voice.text
            if told and not voice.sealed:
                texts.open_shared(voice.shared_key, bytes(told))


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
        while any(voice.waiting for voice in everyone()):
            due = time.monotonic() + pause
            socketio.sleep(pause)
            late = time.monotonic() - due
            pause = min(JOINED_MAX_S, JOINED_S + STALLS * late)
            with app.app_context():
                tell_all()
    finally:
        _pumps.clear()


def tell_all() -> None:
    for voice in everyone():
        if voice.waiting:
            tell(voice)
