"""Of all who want the same thing at once one fetches it, and the others wait for what he brings. For the cache."""

import threading
from collections.abc import Callable, Hashable
from typing import TypeVar

PATIENCE_S = 2.0  # of those who wait; then each fetches for himself
Thing = TypeVar("Thing")

_lock = threading.Lock()
_under_way: dict[Hashable, "Flight"] = {}


class Flight:
    """One who fetches; `landed` when he is back, with the thing or with an error."""

    def __init__(self):
        self.landed = threading.Event()
        self.thing, self.error = None, None


def shared(name: Hashable, fetch: Callable[[], Thing]) -> Thing:
    """What `fetch` answers to whoever came first of all who ask under this name at once; its error is everybody's."""
    with _lock:
        flight = _under_way.get(name)
        first = flight is None
        if first:
            flight = _under_way[name] = Flight()
    if first:
        return flown(name, flight, fetch)
    if not flight.landed.wait(PATIENCE_S):
        return fetch()
    if flight.error is not None:
        raise flight.error
    return flight.thing


def flown(name: Hashable, flight: Flight, fetch: Callable[[], Thing]) -> Thing:
    try:
        flight.thing = fetch()
    except BaseException as error:
        flight.error = error if isinstance(error, Exception) else RuntimeError("who fetched was stopped")
        raise
    finally:
        with _lock:
            del _under_way[name]
        flight.landed.set()
    return flight.thing
