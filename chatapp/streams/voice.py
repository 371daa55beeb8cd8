"""One stream as one process knows it. Kept and changed by voices.py."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from . import texts


@dataclass(slots=True, eq=False)
class Voice:
    """`text` is UTF-16; lengths are units; times are monotonic seconds."""

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
    cost: dict = field(default_factory=dict)  # what the ledger is to know of its tokens, as the columns are named
    sealed: bool = False
    is_shared: bool = True  # whether other processes can read what was acknowledged last
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
