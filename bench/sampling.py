"""Memory, open files and connections of a server, taken again and again while something else runs."""

import contextlib
import statistics
import threading
import time
from collections.abc import Iterator

import psutil

from .processes import Running

MB = 1_000_000


@contextlib.contextmanager
def sampled(server: Running, every_s: float) -> Iterator[list[dict]]:
    """The samples so far: `{"at", "rss", "fds"}`, seconds and bytes."""
    samples, over = [], threading.Event()
    processes = [psutil.Process(pid) for pid in server.pids]

    def sample():
        begun = time.monotonic()
        while not over.wait(every_s):
            with contextlib.suppress(psutil.Error):
                rss = sum(one.memory_info().rss for one in processes)
                fds = sum(one.num_fds() for one in processes)
                samples.append({"at": time.monotonic() - begun, "rss": rss, "fds": fds})

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def slope_mb_a_minute(samples: list[dict]) -> float:
    """By least squares; 0 for fewer than three."""
    if len(samples) < 3:
        return 0.0
    fit = statistics.linear_regression([one["at"] / 60 for one in samples], [one["rss"] / MB for one in samples])
    return fit.slope
