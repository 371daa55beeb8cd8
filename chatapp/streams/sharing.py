"""A voice's text where other processes can read it, for a Redis that may have been away or has forgotten. For
voices.py.
"""

from sqlalchemy import select

from ..extensions import db
from ..models import Stream
from . import texts
from .texts import units


def shared_with(voice, offset: int, piece: bytes) -> tuple[str, int] | None:
    """As texts.append_shared, for a Redis that may have been away, or has forgotten."""
    shared = texts.append_shared(voice.shared_key, offset, piece)
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
