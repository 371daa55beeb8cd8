"""A server of ours that is several processes, seen from outside: who they are, and when all of them serve."""

from contextlib import suppress

import psutil

from tests.stack.process import children_of
from tests.waiting import wait_until


def serving(server, port: int | None = None) -> list[int]:
    """The pids of the processes that listen at the server's port (or at another)."""
    port = port or int(server.port)
    return [pid for pid in children_of(server.process.pid) if listens(pid, port)]


def listens(pid: int, port: int) -> bool:
    with suppress(psutil.Error):
        held = psutil.Process(pid).net_connections("tcp")
        return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in held)
    return False


def all_serve(server, count=2) -> list[int]:
    """The same once they are so many."""
    return wait_until(lambda: len(pids := serving(server)) == count and pids)


def files_of(pid: int) -> int:
    """How many files, connections above all, a process holds."""
    return psutil.Process(pid).num_fds()


def is_alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
