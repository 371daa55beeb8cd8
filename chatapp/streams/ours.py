"""A stream that this process speaks itself, in the hands of whoever speaks it. Called by bots."""

import threading
from collections.abc import Callable

import structlog

from ..errors import ChatError, Conflict
from ..extensions import db
from ..models import Message
from . import endings, voices

COST = ("prompt_tokens", "completion_tokens", "is_estimate")  # columns of the ledger
log = structlog.get_logger(__name__)


class Turn:
    """One answer's turn to speak. Made right after begin or repeat, in the task that will speak."""

    def __init__(self, message: Message):
        self.voice = voices.get(message.id, message.gen)
        self.changed = threading.Event()
        if self.voice is not None:
            self.voice.on_start = self.voice.on_end = self.changed.set

    @property
    def is_over(self) -> bool:
        return self.voice is None or voices.get(*self.voice.key) is not self.voice

    def comes(self) -> bool:
        """Wait until it is one's turn; False when somebody stopped it before."""
        while not self.is_over and self.voice.is_queued:
            self.changed.wait(1)
        return not self.is_over

    def on_end(self, act: Callable[[], object]) -> None:
        """Have `act` called once it is ended by anybody, here or elsewhere."""
        self.voice.on_end = act
        if self.is_over:
            act()

    def say(self, piece: str) -> bool:
        """Speak on; False once it has ended."""
        if self.is_over:
            return False
        try:
            voices.append(self.voice, self.voice.length, piece)
        except Conflict:
            return False
        return True

    def end(self, outcome: str, error: ChatError | None = None, cost: tuple[int, int, bool] | None = None) -> None:
        """Write down how it ended (complete | truncated | stopped | error), unless somebody else did, and what it cost
        in any case: tokens of the prompt and of the answer, and whether they are estimated."""
        if self.voice is None:
            return
        self.voice.cost = dict(zip(COST, cost or (), strict=False))
        why = error and {"code": error.code, "message": error.message}
        try:
            if (self.is_over or not endings.end(self.voice, outcome, why)) and cost:
                endings.note_cost(self.voice)
        except Exception as trouble:  # the database is away: tend writes the same end later
            db.session.rollback()
            log.warning("stream_end_delayed", error=type(trouble).__name__)
