"""How fast one person may speak, edit, type and change rooms: a token bucket for each. For the row.

Each process counts for itself: a socket stays with one process, so hardly anybody is free to speak faster, and nobody
is ever held to less than what is free. Asking Redis would cost every message a journey. (Attempts: shared_counts.py.)
"""

import time

from flask import current_app

from .errors import RateLimited

RATES = {
    "send": (10.0, 5.0),
    "edit": (10.0, 5.0),
    "change": (100.0, 2.0),
    "type": (10.0, 2.0),
}  # at once, and a second on end
FORGET_ABOVE = 10_000  # buckets: beyond it the full ones are thrown away

_buckets: dict[tuple[int, str], tuple[float, float]] = {}  # person and what → (what was left, when)


def take(person_id: int, what: str = "send") -> None:
    """Count one thing done by this person, or RateLimited with the seconds until the next is free."""
    if not current_app.config["RATE_LIMITS"]:
        return
    moment, key = time.monotonic(), (person_id, what)
    left = allowance(key, moment)
    if left < 1.0:
        raise RateLimited("That is too fast; please wait a moment.", retry_after=(1.0 - left) / RATES[what][1])
    if len(_buckets) > FORGET_ABOVE:
        forget_full(moment)
    _buckets[key] = (left - 1.0, moment)


def allows(person_id: int, what: str) -> bool:
    """As take, for what may just be left out."""
    try:
        take(person_id, what)
    except RateLimited:
        return False
    return True


def give_back(person_id: int, what: str = "send") -> None:
    """What was taken was a repetition, not a message."""
    key = person_id, what
    if key in _buckets:
        left, moment = _buckets[key]
        _buckets[key] = (min(RATES[what][0], left + 1.0), moment)


def allowance(key: tuple[int, str], moment: float) -> float:
    most, per_second = RATES[key[1]]
    left, since = _buckets.get(key, (most, moment))
    return min(most, left + (moment - since) * per_second)


def forget_full(moment: float) -> None:
    for key in [one for one in _buckets if allowance(one, moment) >= RATES[one[1]][0]]:
        del _buckets[key]
