"""Much written at once without freezing a running server: short transactions, a breath between. For seed, import."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice

from .extensions import db

FIRST, MOST = 20, 5_000  # rows in a batch
# How long one should take to write, and the pause after it, in seconds. On SQLite nobody else can write meanwhile, and
# who waits tries again after 1, 2, 5, 10, 15, 20, 25 … ms. Elsewhere writers of other rows do not meet.
PACE = {"sqlite": (0.025, 0.012)}
PACE_ELSEWHERE = (0.5, 0.0)


def paced(items: Iterable) -> Iterator[list]:
    """`items` in lists, each as long as can be written in its time. The caller commits one before the next."""
    work, pause = PACE.get(db.engine.dialect.name, PACE_ELSEWHERE)
    source, size = iter(items), FIRST
    while batch := list(islice(source, size)):
        begun = time.perf_counter()
        yield batch
        took = time.perf_counter() - begun
        size = max(1, min(MOST, 2 * size, int(size * work / took)))
        time.sleep(pause)
