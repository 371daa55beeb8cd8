"""What servers stand on: filled databases (SQLite files, and a real PostgreSQL from pip), and a real Redis. Each run
gets a fresh copy. Everything here shares the core that the server does not have.
"""

import functools
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.reaper import ends_with_us
from tests.stack.servers import Postgres, Redis

from .places import BUILD, MEASURED, free_port
from .processes import environment

SEEDS = BUILD / "seeds"
SEED_S = 1_800
# As in production: what is acknowledged is on the disk.
SETTINGS = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "max_connections=300", "shared_buffers=256MB")


@dataclass(frozen=True)
class Seed:
    """A filled database: everybody is in each of the rooms, over which the messages are spread."""

    people: int
    rooms: int = 1
    messages: int = 100

    @property
    def name(self) -> str:
        return f"seed_{self.people}_{self.rooms}_{self.messages}_{schema()}"

    @property
    def tokens(self) -> Path:
        return SEEDS / f"{self.name}.tokens"


@functools.cache
def schema() -> str:
    """Changes with the tables."""
    files = sorted((MEASURED / "migrations" / "versions").glob("*.py"))
    return hashlib.sha256(b"".join(one.read_bytes() for one in files)).hexdigest()[:8]


@functools.cache
def scratch() -> Path:
    """A folder that goes with this process."""
    BUILD.mkdir(parents=True, exist_ok=True)
    place = tempfile.mkdtemp(prefix="run-", dir=BUILD)
    ends_with_us(place)
    return Path(place)


@functools.cache
def postgres() -> Postgres:
    return Postgres(scratch() / "postgres", *SETTINGS, port=free_port()).start()


@functools.cache
def redis() -> Redis:
    return Redis(scratch() / "redis", port=free_port()).start()


def flask(url: str, *arguments) -> str:
    settings = environment(APP_ENV="production", SECRET_KEY="for trials only", DATABASE_URL=url)  # noqa: S106
    command = [sys.executable, "-m", "flask", "--app", "chatapp", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=MEASURED, env=settings, capture_output=True, text=True, timeout=SEED_S, check=False
    )
    if done.returncode:
        raise RuntimeError(f"flask {' '.join(map(str, arguments))}:\n{done.stderr[-3000:]}")
    return done.stdout


def fill(url: str, seed: Seed, tokens: Path) -> None:
    flask(url, "db", "upgrade")
    tokens.unlink(missing_ok=True)
    amounts = ("--people", seed.people, "--rooms", seed.rooms, "--messages", seed.messages)
    flask(url, "seed", *amounts, "--tokens", tokens)


def sqlite_template(seed: Seed) -> Path:
    """A filled file, kept for the next time."""
    made = SEEDS / f"{seed.name}.sqlite3"
    if not (made.exists() and seed.tokens.exists()):
        SEEDS.mkdir(parents=True, exist_ok=True)
        new = scratch() / "new.sqlite3"
        new.unlink(missing_ok=True)
        fill(f"sqlite:///{new}", seed, seed.tokens)
        new.replace(made)
    return made


def sqlite_copy(seed: Seed, folder: Path) -> str:
    shutil.copy(sqlite_template(seed), folder / "chat.sqlite3")
    return f"sqlite:///{folder / 'chat.sqlite3'}"


@functools.cache
def postgres_template(seed: Seed) -> tuple[str, Path]:
    """The name of a filled database, and the file of its tokens."""
    tokens = scratch() / f"{seed.name}.tokens"
    fill(postgres().makes(seed.name), seed, tokens)
    postgres().asks("VACUUM ANALYZE", seed.name)
    return seed.name, tokens


def postgres_copy(seed: Seed, name: str) -> str:
    template, _ = postgres_template(seed)
    postgres().asks(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    return postgres().makes(name, template)


def tokens_of(seed: Seed, store: str | None) -> Path:
    if store == "postgres":
        return postgres_template(seed)[1]
    sqlite_template(seed)
    return seed.tokens


def clients_file(seed: Seed, store: str | None, folder: Path) -> Path:
    """A line for each client: token and room. The rooms take turns."""
    path = folder / "clients"
    with tokens_of(seed, store).open() as lines, path.open("w") as file:
        for number, line in enumerate(lines):
            one = json.loads(line)
            file.write(f"{one['token']} {one['sessionIds'][number % len(one['sessionIds'])]}\n")
    return path
