"""Waiting for what another thread or process does."""

import time

PATIENCE_S, LONG_S = 30, 90


def wait_until(condition, within=LONG_S):
    """What `condition` answers, as soon as that is true."""
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.02)
    return found
