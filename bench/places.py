"""Where things are, which cores are whose, and which ports. For all of bench."""

import contextlib
import itertools
import os
import socket
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MEASURED = Path(os.environ.get("BENCH_ROOT") or ROOT).resolve()  # the checkout that is "ours"
BUILD = ROOT / "build" / "bench"
NODE_MODULES = BUILD / "node" / "node_modules"
DOCS = ROOT / "docs" / "benchmarks"
FIRST_PORT, LAST_PORT = 20_000, 32_000  # below those that outgoing connections take

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = {CORES[0]}
OTHER_CORES = set(CORES[1:]) or SERVER_CORES
_numbers = itertools.count(os.getpid() * 37)


@contextlib.contextmanager
def on(cores: set[int]):
    """What is started within runs on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    for number in _numbers:
        port = FIRST_PORT + number % (LAST_PORT - FIRST_PORT)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError
