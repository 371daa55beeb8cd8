"""A voice's text where other processes can read it, for a Redis that may have been away or has forgotten. For
this package.

What was acknowledged is in Redis, or else with the process that acknowledged it. So whoever finds that Redis has
forgotten a stream asks the others (recall), and they say again what they hold (voices.remind).
"""

import time
from collections import deque

import structlog
from sqlalchemy import select

from ..extensions import db, redis, socketio
from ..models import Stream
from . import texts
from .texts import units

RECALL_S = 0.2  # of patience: a request may gain 250 ms
RECALL_STEP_S = 0.01
IN_VAIN_S = 5.0  # who held it is gone: not asked again so soon
IN_VAIN_MAX = 1_000

log = structlog.get_logger(__name__)
_asking: deque[str] = deque()  # keys that this process asks the others for, and so does not answer for
_in_vain: dict[str, float] = {}  # key → when nobody answered (monotonic seconds)


def shared_with(voice, offset: int, piece: bytes) -> tuple[str, int] | None:
    """As texts.append_shared, for a Redis that may have been away, or has forgotten."""
    shared = texts.append_shared(voice.shared_key, offset, piece)
    if shared and shared[0] == "missing" and not voice.is_ours:
        recall([voice.shared_key])
        shared = texts.append_shared(voice.shared_key, offset, piece)
    if shared and shared[0] == "gap" and not voice.is_ours:  # a process that found Redis too slow has saved more
        voice.text = bytearray(known_of(voice))
    known = offset if voice.is_ours else voice.length  # what Redis must have; of ours it has what was told
    if shared and (shared[0] == "missing" or (shared[0] != "sealed" and shared[1] < known)):
        texts.open_shared(voice.shared_key, known_of(voice))
        shared = texts.append_shared(voice.shared_key, offset, piece)
    return shared


def known_of(voice) -> bytes:
    """What is known of it without Redis: here, or by what was saved."""
    of_it = Stream.message_id == voice.message_id, Stream.gen == voice.gen
    saved = None if voice.is_ours else db.session.scalar(select(Stream.text).where(*of_it))
    db.session.commit()
    return max(bytes(voice.text), units(saved or ""), key=len)


def remembered(keys: list[str]) -> list[bytes | None]:
    """As texts.read_shared, with what others can say again."""
    found = texts.read_shared(keys)
    missing = [key for key, held in zip(keys, found, strict=True) if held is None]
    return texts.read_shared(keys) if recall(missing) else found


def recall(keys: list[str]) -> bool:
    """Redis has forgotten these: have those who hold them say them again, and wait a moment. Whether one came back."""
    moment = time.monotonic()
    asked = [key for key in keys if moment - _in_vain.get(key, float("-inf")) > IN_VAIN_S]
    if not asked or redis.away or not redis.in_use:
        return False
    _asking.extend(asked)
    texts.miss_shared(asked, True)
    socketio.server.manager.call_others()
    lengths = answered(asked)
    texts.miss_shared(asked, False)
    for key in asked:
        _asking.remove(key)
    vain = [key for key, length in zip(asked, lengths, strict=False) if length < 0]
    if vain:  # whoever held them died, or all are too busy to answer in time
        log.warning("streams_not_recalled", count=len(vain))
    if len(_in_vain) > IN_VAIN_MAX:
        _in_vain.clear()
    _in_vain.update(dict.fromkeys(vain, time.monotonic()))
    return max(lengths, default=-1) >= 0


def asks_for(key: str) -> bool:
    """Whether this process does."""
    return key in _asking


def answered(keys: list[str]) -> list[int]:
    """How much of each is there, once others had time to say it: as long again as the first took, as another one may
    know more of it. None at all when Redis is away."""
    began, is_first, lengths = time.monotonic(), True, None
    until = began + RECALL_S
    while time.monotonic() < until:
        socketio.sleep(RECALL_STEP_S)
        lengths = texts.lengths_shared(keys)
        if lengths is None:
            break
        if is_first and min(lengths) >= 0:
            is_first, until = False, min(until, 2 * time.monotonic() - began)
    return lengths or []
