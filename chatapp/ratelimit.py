"""How fast one person may speak: a token bucket each (10 at once, 5 a second on end). For messages.py."""

import time

from flask import current_app

from .errors import RateLimited

BURST = 10.0  # messages at once
PER_SECOND = 5.0  # messages a second on end
FORGET_ABOVE = 10_000  # buckets: beyond it the full ones are thrown away

_buckets: dict[int, tuple[float, float]] = {}  # person → (what was left, when)


def take(person_id: int) -> None:
    """Count one message of this person, or RateLimited with the seconds until the next is free."""
    if not current_app.config["RATE_LIMITS"]:
        return
    moment = time.monotonic()
    left = allowance(person_id, moment)
    if left < 1.0:
        raise RateLimited("You are sending too fast.", retry_after=(1.0 - left) / PER_SECOND)
    if len(_buckets) > FORGET_ABOVE:
        forget_full(moment)
    _buckets[person_id] = (left - 1.0, moment)


def give_back(person_id: int) -> None:
    """What was taken was a repetition, not a message."""
    if person_id in _buckets:
        left, moment = _buckets[person_id]
        _buckets[person_id] = (min(BURST, left + 1.0), moment)


def allowance(person_id: int, moment: float) -> float:
    left, since = _buckets.get(person_id, (BURST, moment))
    return min(BURST, left + (moment - since) * PER_SECOND)


def forget_full(moment: float) -> None:
    for person_id in [one for one in _buckets if allowance(one, moment) >= BURST]:
        del _buckets[person_id]
