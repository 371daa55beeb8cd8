"""What is measured: this project, its peers and the limit, each on its database; how each of them starts."""

import contextlib
import itertools
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from . import build, grounds
from .grounds import Seed
from .places import HERE, MEASURED, free_port
from .processes import START_S, Running, spawn, wait_for

_numbers = itertools.count()


@dataclass(frozen=True)
class Target:
    """`store`: sqlite, postgres (with Redis) or None, for what keeps nothing and asks for no token."""

    name: str
    label: str
    family: str  # ours | node | plain | limit
    store: str | None = None
    processes: int = 1

    @property
    def short(self) -> str:
        """For a plot."""
        return (
            self.label.replace("PostgreSQL + Redis", "PostgreSQL")
            .replace("Flask-SocketIO on ", "")
            .partition(", echo")[0]
        )


ALL = (
    Target("ours-sqlite", "this project, SQLite", "ours", "sqlite"),
    Target("node-sqlite", "Node, SQLite", "node", "sqlite"),
    Target("ours-postgres", "this project, PostgreSQL + Redis", "ours", "postgres"),
    Target("node-postgres", "Node, PostgreSQL + Redis", "node", "postgres"),
    Target("ours-postgres-2", "this project, two processes, PostgreSQL + Redis", "ours", "postgres", 2),
    Target("node-postgres-2", "Node, two processes, PostgreSQL + Redis", "node", "postgres", 2),
    Target("plain-eventlet", "plain Flask-SocketIO on eventlet, echo only", "plain"),
    Target("plain-gevent", "plain Flask-SocketIO on gevent, echo only", "plain"),
    Target("plain-threading", "plain Flask-SocketIO on threads, echo only", "plain"),
    Target("limit", "the limit (C that only sends)", "limit"),
)
BY_NAME = {one.name: one for one in ALL}


@contextlib.contextmanager
def running(target: Target, seed: Seed, **more: str) -> Iterator[Running]:
    """The target, started on a fresh copy of the filled database."""
    folder = grounds.scratch() / f"{target.name}-{next(_numbers)}"
    folder.mkdir()
    server = STARTS[target.family](target, folder, settings_for(target, seed, folder) | more)
    try:
        yield server
    finally:
        server.end()
        if target.store == "postgres":
            grounds.postgres().asks(f"DROP DATABASE IF EXISTS {database_name(folder)} WITH (FORCE)")
        shutil.rmtree(folder, ignore_errors=True)


def database_name(folder: Path) -> str:
    return folder.name.replace("-", "_")


def settings_for(target: Target, seed: Seed, folder: Path) -> dict:
    if target.store == "sqlite":
        return {"DATABASE_URL": grounds.sqlite_copy(seed, folder)}
    if target.store == "postgres":
        grounds.redis().client.flushall()
        return {"DATABASE_URL": grounds.postgres_copy(seed, database_name(folder)), "REDIS_URL": grounds.redis().url}
    return {}


def start_ours(target: Target, folder: Path, settings: dict) -> Running:
    port = free_port()
    fixed = {"APP_ENV": "production", "SECRET_KEY": "for trials only", "HOST": "127.0.0.1", "RATE_LIMITS": "on"}
    given = fixed | {"PORT": str(port), "WEB_CONCURRENCY": str(target.processes), "LOG_LEVEL": "WARNING"} | settings
    server = start([[sys.executable, "wsgi.py"]], MEASURED, [given], folder)
    wait_for_all(server, target.processes)
    return server


def wait_for_all(server: Running, count: int) -> None:
    """Until each process listens: those who came before would all go to the first one."""
    deadline = time.monotonic() + START_S
    while sum(one.status == psutil.CONN_LISTEN for one in connections_at(server.ports[0])) < count:
        if time.monotonic() > deadline:
            server.end()
            raise RuntimeError(f"only some of {count} processes came to listen")
        time.sleep(0.1)


def connections_at(port: int) -> list:
    return [one for one in psutil.net_connections("tcp4") if one.laddr.port == port]


def start_node(target: Target, folder: Path, settings: dict) -> Running:
    """Several processes have a port each, and the clients take turns: as good as a fair balancer."""
    command, place = build.node_peer()
    given = [settings | {"PORT": str(free_port()), "NODE_ENV": "production"} for _ in range(target.processes)]
    return start([[*command, "server.mjs"]] * target.processes, place, given, folder)


def start_plain(target: Target, folder: Path, settings: dict) -> Running:
    mode = target.name.partition("-")[2]
    given = settings | {"PORT": str(free_port())}
    return start([[sys.executable, HERE / "peers" / "plain.py", mode]], folder, [given], folder)


def start_limit(target: Target, folder: Path, settings: dict) -> Running:
    given = settings | {"PORT": str(free_port())}
    return start([[build.program("limit"), given["PORT"]]], folder, [given], folder)


STARTS = {"ours": start_ours, "node": start_node, "plain": start_plain, "limit": start_limit}


def start(commands: list[list], cwd: Path, settings: list[dict], folder: Path) -> Running:
    server = Running([int(one["PORT"]) for one in settings], [], folder, settings[0])
    try:
        for command, given, port in zip(commands, settings, server.ports, strict=True):
            log = folder / f"log-{port}"
            server.processes.append(spawn(command, cwd, given, log))
            wait_for(server.processes[-1], port, log)
    except BaseException:
        server.end()
        raise
    return server
