"""The pool of connections to the database, in which who waits longest is served first. For extensions.py.

Upstream's lets whoever asks at the right moment overtake those who wait. With more requests at once than connections
the same ones then win again and again, and the others are told after some seconds that there is no database.
"""

import logging
import threading
import time
from collections import deque

from sqlalchemy.pool import QueuePool
from sqlalchemy.util.queue import Empty, Queue

TRUSTED_S = 1.0
CAME_BACK = "came back"  # when (monotonic seconds)
logging.getLogger(__name__).setLevel(logging.WARNING)  # upstream tells each coming and going there, with addresses


class Place:
    """Somebody's place in the line, and then what was handed to them."""

    def __init__(self):
        self.item, self.came = None, threading.Lock()
        self.came.acquire()


class Line(Queue):
    """What comes back is handed to the first in line; it lies about only when nobody waits."""

    def __init__(self, *size, **order):
        super().__init__(*size, **order)
        self.places = deque()

    def put(self, item, block=True, timeout=None):
        with self.mutex:
            if not self.places:
                super().put(item, block, timeout)
                return
            place = self.places.popleft()
            place.item = item
            place.came.release()

    def get(self, block=True, timeout=None):
        with self.mutex:
            if not block or not self.empty():
                return super().get(False)
            place = Place()
            self.places.append(place)
        try:
            place.came.acquire(timeout=-1 if timeout is None else timeout)
        except BaseException:  # who waits is stopped: what came meanwhile would be nobody's for ever
            self.leave(place)
            raise
        with self.mutex:
            if place.item is None:
                self.places.remove(place)
                raise Empty
            return place.item

    def leave(self, place: Place) -> None:
        with self.mutex:
            if place.item is None:
                self.places.remove(place)
            else:
                self.put(place.item)


class FairPool(QueuePool):
    """Asks a connection whether it is alive (`pool_pre_ping`) only after it lay idle: under load that would be every
    second journey to the server. One that died within TRUSTED_S fails who uses it, and the rest of the pool with it."""

    _queue_class = Line

    def _do_get(self):
        record = super()._do_get()
        record.fresh |= time.monotonic() - record.info.get(CAME_BACK, -TRUSTED_S) < TRUSTED_S
        return record

    def _do_return_conn(self, record):
        record.info[CAME_BACK] = time.monotonic()
        super()._do_return_conn(record)
