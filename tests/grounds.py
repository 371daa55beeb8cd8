"""What the tests' servers keep their data in: SQLite and memory, or with TEST_STACK=postgres a real PostgreSQL and Redis
brought by the tests, one each for all; every server of ours has a database of its own there.
"""

import itertools
import os
import shutil

import pytest

from tests.live.server import Server
from tests.stack.servers import Postgres, Redis

REDIS_DATABASES = 2_000
TEMPLATE = "template_chat"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """Never stopped."""
    server = Postgres(tmp_path_factory.mktemp("postgres"), "max_connections=1000").start()
    yield server
    server.end()


@pytest.fixture(scope="session")
def redis_for_all(tmp_path_factory):
    """Never stopped."""
    server = Redis(tmp_path_factory.mktemp("redis"), "--databases", str(REDIS_DATABASES)).start()
    yield server
    server.end()


@pytest.fixture(scope="session")
def template(postgres, tmp_path_factory):
    """The name of an empty, migrated database, to be copied."""
    url = postgres.makes(TEMPLATE)
    Server(tmp_path_factory.mktemp("template"), {"DATABASE_URL": url}).flask("db", "upgrade")
    return TEMPLATE


@pytest.fixture(scope="session")
def ground(request):
    """`ground(folder)`: the settings of a new, empty, migrated database, in that folder if it is a file."""
    return request.getfixturevalue("postgres_ground" if os.environ.get("TEST_STACK") == "postgres" else "sqlite_ground")


@pytest.fixture(scope="session")
def sqlite_ground(tmp_path_factory):
    """For tests of SQLite itself."""
    migrated = tmp_path_factory.mktemp("migrated")
    Server(migrated, {}).flask("db", "upgrade")

    def lay(folder) -> dict:
        shutil.copytree(migrated, folder, dirs_exist_ok=True)
        return {"DATABASE_URL": f"sqlite:///{folder / 'chat.sqlite3'}"}

    return lay


@pytest.fixture(scope="session")
def postgres_ground(postgres, template, redis_for_all):
    def lay(folder) -> dict:
        number = next(_numbers)
        return {
            "DATABASE_URL": postgres.makes(f"ground{number}", template),
            "REDIS_URL": f"redis://127.0.0.1:{redis_for_all.port}/{number}",
            "SECRET_KEY": f"for trial {number} only",  # two chats with one key would hear each other in this Redis
        }

    return lay
