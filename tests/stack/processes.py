"""A server of ours that is several processes, seen from outside: who they are, and when all of them serve."""

import os
import time
from contextlib import suppress
from pathlib import Path

from tests.stack.servers import children_of

LISTENS = "0A"
START_S = 90


def listeners(port: int) -> int:
    """How many sockets listen at a port of this machine."""
    found = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state = line.split()[:4]
        found += state == LISTENS and int(local.rpartition(":")[2], 16) == port
    return found


def wait_until(condition, within=START_S):
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.02)
    return found


def all_serve(server, count=2) -> list[int]:
    """The pids of the processes, once all of them listen at the one port."""
    wait_until(lambda: listeners(int(server.port)) == count)
    return children_of(server.process.pid)


def files_of(pid: int) -> int:
    """How many files, connections above all, a process holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
