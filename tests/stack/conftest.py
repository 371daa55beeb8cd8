"""What the application stands on, for real: PostgreSQL (one for all tests, see tests/grounds.py) and Redis, others for
tests that break them; and servers of ours on top, as many as wanted.
"""

import itertools
from pathlib import Path

import pytest

from chatapp import create_app
from chatapp.realtime import leases, presence_shapes, presence_upkeep
from chatapp.realtime.presence_shared import PresenceShared
from tests.live.people import House
from tests.live.server import Server
from tests.stack.servers import Postgres, Redis
from tests.stack.stores import BEAT_S, GRACE_S, LEASE_S

_numbers = itertools.count()


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.stack)


@pytest.fixture
def database(postgres, template):
    """The address of an empty, migrated database of one's own."""
    return postgres.makes(f"chat{next(_numbers)}", template)


@pytest.fixture
def shaky_postgres(tmp_path):
    """A PostgreSQL of one's own, to be killed, frozen and stopped; what it acknowledged it has written."""
    server = Postgres(tmp_path / "shaky", "synchronous_commit=on").start()
    yield server
    server.end()


@pytest.fixture
def redis_server(tmp_path):
    """A Redis of one's own, to be killed, frozen and flushed."""
    server = Redis(tmp_path / "redis").start()
    yield server
    server.end()


@pytest.fixture
def linked(redis_server, monkeypatch):
    """This process uses the Redis; what takes seconds takes moments."""
    monkeypatch.setattr(presence_shapes, "GRACE_S", GRACE_S)
    monkeypatch.setattr(presence_upkeep, "BEAT_S", BEAT_S)
    create_app({"APP_ENV": "test", "DATABASE_URL": "sqlite://", "REDIS_URL": redis_server.url})
    yield redis_server
    create_app({"APP_ENV": "test", "DATABASE_URL": "sqlite://"})


@pytest.fixture
def short_lease(monkeypatch):
    monkeypatch.setattr(leases, "LEASE_MS", round(LEASE_S * 1000))


@pytest.fixture
def stores(linked):
    made = [PresenceShared() for _ in range(3)]
    for one in made:
        one.beat()
    return made


def starting(folder: Path):
    """Makes processes of ours, and kills those that are left in the end."""
    made = []

    def start(count: int = 1, **settings) -> list[Server]:
        new = [Server(folder_for(folder), settings) for _ in range(count)]
        made.extend(new)
        return [one.start() for one in new]

    yield start
    for server in made:
        if server.process and server.process.poll() is None:
            server.kill()


@pytest.fixture
def starts(tmp_path):
    """`starts(count=2, REDIS_URL=…)`: so many processes of ours with these settings, each on a port of its own."""
    yield from starting(tmp_path)


@pytest.fixture(scope="module")
def module_starts(tmp_path_factory):
    """The same, for processes that a module's tests share."""
    yield from starting(tmp_path_factory.mktemp("servers"))


def folder_for(tmp_path: Path) -> Path:
    folder = tmp_path / f"server{next(_numbers)}"
    folder.mkdir()
    return folder


@pytest.fixture
def houses(starts, database, redis_server):
    """Two processes on one PostgreSQL and one Redis; the same people and rooms behind both addresses."""
    return [House(server) for server in starts(2, DATABASE_URL=database, REDIS_URL=redis_server.url)]
