"""The real servers of these tests do what their names say."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatapp import create_app
from chatapp.extensions import redis
from tests.stack.servers import Postgres, Redis, Sentinel, redis_cluster


def test_a_replica_follows(tmp_path):
    primary = Postgres(tmp_path / "primary").start()
    replica = Postgres(tmp_path / "replica", of=primary).start()
    try:
        primary.asks("CREATE TABLE seen (number int)")
        deadline = time.monotonic() + 20
        while not replica.asks("SELECT 1 FROM pg_tables WHERE tablename = 'seen'"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        replica.end()
        primary.end()


@pytest.fixture
def ways(tmp_path):
    """Redis in each way that the settings can name it."""
    master = Redis(tmp_path / "master").start()
    replica = Redis(tmp_path / "replica", "--replicaof", "127.0.0.1", str(master.port)).start()
    sentinel = Sentinel(tmp_path / "sentinel", master).start()
    nodes = redis_cluster(tmp_path / "cluster")
    yield {
        "url": {"REDIS_URL": master.url},
        "host": {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(master.port)},
        "sentinel": {"REDIS_SENTINELS": f"127.0.0.1:{sentinel.port}", "REDIS_SENTINEL_SERVICE": "chat"},
        "cluster": {"REDIS_CLUSTER_NODES": ",".join(f"127.0.0.1:{node.port}" for node in nodes)},
    }
    for server in (sentinel, replica, master, *nodes):
        server.end()


def test_each_way_to_name_redis_leads_there(ways):
    for name, settings in ways.items():
        create_app({"APP_ENV": "test", "DATABASE_URL": "sqlite://", **settings})
        assert redis.answers(), name
        assert redis.ask(lambda client, name=name: client.set(f"one:{name}", "1", ex=60)), name
        assert redis.ask(lambda client, name=name: client.get(f"one:{name}")) == b"1", name


def test_silent_redis_is_given_up_at_once_and_found_again(redis_server):
    create_app({"APP_ENV": "test", "DATABASE_URL": "sqlite://", "REDIS_URL": redis_server.url})
    came_back = []
    redis.on_return(lambda: came_back.append(1))
    assert redis.ask(lambda client: client.ping(), otherwise="away")
    redis_server.freeze()
    began = time.monotonic()
    assert [redis.ask(lambda client: client.ping(), otherwise="away") for _ in range(100)] == ["away"] * 100
    assert time.monotonic() - began < 5 * 0.25
    redis.probe()
    assert redis.away
    redis_server.thaw()
    redis.probe()
    assert redis.ask(lambda client: client.ping(), otherwise="away") is True
    assert came_back == [1]


def a_cluster_at(ports):
    nodes = ",".join(f"127.0.0.1:{port}" for port in ports)
    create_app({"APP_ENV": "test", "DATABASE_URL": "sqlite://", "REDIS_CLUSTER_NODES": nodes})


def test_a_cluster_of_which_no_node_answers_is_away_for_all_who_ask_at_once():
    mute = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    a_cluster_at([one.getsockname()[1] for one in mute])
    began = time.monotonic()
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: redis.ask(lambda client: client.get("x"), "away"), range(20)))
    assert answers == ["away"] * 20
    assert redis.away
    assert time.monotonic() - began < 5 * 3 * 0.15  # one look at each node, not one for each who asks
    a_cluster_at([1])
    assert redis.ask(lambda client: client.get("x"), "refused") == "refused"
    redis.probe()
    assert redis.away
    for one in mute:
        one.close()


def test_a_cluster_without_one_of_its_nodes_is_away_until_it_is_back(tmp_path):
    nodes = redis_cluster(tmp_path / "cluster")
    try:
        a_cluster_at([node.port for node in nodes])
        came_back = []
        redis.on_return(lambda: came_back.append(1))
        assert redis.answers()
        nodes[1].kill()
        for number in range(60):
            redis.ask(lambda client, number=number: client.get(f"some {number}"))
        redis.probe()
        assert redis.away, "or the breaker opens and closes, twice a second"
        assert not came_back
        nodes[1].start()
        deadline = time.monotonic() + 20
        while redis.away:
            assert time.monotonic() < deadline
            redis.probe()
            time.sleep(0.1)
        assert redis.ask(lambda client: client.set("some 1", "x"))
    finally:
        for node in nodes:
            node.end()


def test_refused_by_redis_is_not_away(tmp_path):
    full = Redis(tmp_path, "--maxmemory", "1mb").start()
    create_app({"APP_ENV": "test", "DATABASE_URL": "sqlite://", "REDIS_URL": full.url})
    try:
        assert redis.ask(lambda client: client.set("much", "x" * 2_000_000), otherwise="no") == "no"
        assert redis.ask(lambda client: client.ping()) is True
        assert not redis.away
    finally:
        full.end()
