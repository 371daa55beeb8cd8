"""Ports for the servers that tests start: below those that the system gives to outgoing connections, of which the tests
make many, and a part of its own for each worker of pytest-xdist.
"""

import itertools
import os
import random
import socket

FIRST, END = 10_000, 20_000  # a node of a Redis Cluster takes the one 10,000 above as well
TOGETHER = 5  # a server of several processes may take those that follow its own (STICKY_PROXY)


def part() -> range:
    """The ports of this worker, each the first of TOGETHER."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = (END - FIRST) // workers
    return range(FIRST + mine * size, FIRST + (mine + 1) * size - TOGETHER, TOGETHER)


def in_turn():
    """Those ports, for ever, from anywhere on: none comes again soon."""
    ports = part()
    return itertools.cycle([*ports[(start := random.randrange(len(ports))) :], *ports[:start]])


_ports = in_turn()


def free_port() -> int:
    """A port that nobody uses, nor the four after it."""
    return next(port for port in _ports if all(is_free(port + step) for step in range(TOGETHER)))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
