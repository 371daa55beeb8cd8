"""What can be done as a job, and how such a function tells how far it is. Imported through the package."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from dramatiq.errors import Retry

TELL_EVERY_S = 1.0
stopping = threading.Event()  # this worker process was asked to stop
DECLARED: dict[str, "Declared"] = {}


class Gone(Exception):
    """What a job was about is not there any more: it is not tried again."""


class TooLong(Exception):
    """The job's minutes are over."""


@dataclass(frozen=True)
class Declared:
    name: str
    function: Callable
    minutes: float


def job(minutes: float):
    """Declare `function(progress, **arguments)` as a job, ended after `minutes`. Its arguments are JSON: ids, names. It
    calls `progress` often, leaves no half-done thing where others look, and may be called again at any moment.
    """

    def declare(function: Callable) -> Callable:
        DECLARED[function.__name__] = Declared(function.__name__, function, minutes)
        return function

    return declare


class Progress:
    """`progress(done, total)`: noted for operators; ends the job where the worker stops or its time is over."""

    def __init__(self, minutes: float, tell: Callable[[int, int], object]):
        self.deadline, self.tell, self.told_at = time.monotonic() + 60 * minutes, tell, 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if stopping.is_set():
            raise Retry("the worker stops", delay=0)
        if now > self.deadline:
            raise TooLong
        if now - self.told_at >= TELL_EVERY_S:
            self.told_at = now
            self.tell(done, total)
        time.sleep(0)  # green threads of a serving process get their turn
