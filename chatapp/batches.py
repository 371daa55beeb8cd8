"""Much written at once without freezing a running server: short transactions, a breath between. For seed, import."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice

from .extensions import db

WORK_S = 0.025  # how long one batch should take to write; on SQLite nobody else can write meanwhile
BREATH_S = 0.012  # between two batches, on SQLite: who waits there tries again after 1, 2, 5, 10, 15, 20, 25 … ms
FIRST, MOST = 20, 5_000  # rows in a batch


def paced(items: Iterable) -> Iterator[list]:
    """`items` in lists, each as long as can be written in WORK_S. The caller writes and commits one before the next."""
    source, size = iter(items), FIRST
    breath = BREATH_S if db.engine.dialect.name == "sqlite" else 0.0
    while batch := list(islice(source, size)):
        begun = time.perf_counter()
        yield batch
        took = time.perf_counter() - begun
        size = max(1, min(MOST, 2 * size, int(size * WORK_S / took)))
        time.sleep(breath)
