"""What many ask for within a moment (after a restart everybody comes into his rooms again): made once, kept for a
second, and told with its stamp: whoever asks sees whether it is as new as what he asks for. For history.py and the
stores of presence.
"""

import time
from collections.abc import Hashable
from typing import NamedTuple

KEPT_S = 1.0


class Kept(NamedTuple):
    """`stamp`: what the value was made of."""

    value: object
    stamp: Hashable
    until: float  # monotonic seconds


class Briefly(dict[str, Kept]):
    """By a room's id. The values are shared: they are read, never changed."""

    swept_at = 0.0

    def held(self, room_id: str) -> Kept | None:
        kept = self.get(room_id)
        return kept if kept and time.monotonic() < kept.until else None

    def keep(self, room_id: str, stamp: Hashable, value):
        now = time.monotonic()
        if abs(now - self.swept_at) > KEPT_S:
            self.swept_at = now
            for old in [room for room, kept in list(self.items()) if kept.until <= now]:
                self.pop(old, None)
        self[room_id] = Kept(value, stamp, now + KEPT_S)
        return value
