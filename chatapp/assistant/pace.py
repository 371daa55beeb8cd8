"""Counting long lists without holding up the event loop. For the recap's modules."""

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

BREATH = 100  # things, after which others get their turn
Thing = TypeVar("Thing")


def breathing(things: Sequence[Thing]) -> Iterator[Thing]:
    for place, one in enumerate(things):
        if place % BREATH == 0:
            time.sleep(0)
        yield one
