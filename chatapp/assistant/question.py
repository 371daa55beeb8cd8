"""What a source of answers is given: plain data, made by the row from one room and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the room."""

    id: int
    speaker_id: int
    name: str  # of the speaker
    kind: str  # of the speaker: person | bot
    text: str  # Markdown source; of a stream what it has said
    at: datetime
    reply_to: int | None = None  # a message's id
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, and what had been said there before, oldest first (the question itself may be among it)."""

    asked: Said
    before: Sequence[Said]
    bot_id: int
    bot_name: str
    since_last_read: bool = False  # `before` is what the asker has not read, not just the last so many
