"""Attempts to sign in are counted by all processes together, in Redis; without it each counts alone, and still counts."""

import re
import time

import pytest
import requests

from tests.live.people import PASSWORD, House
from tests.stack.servers import Redis, Sentinel, redis_cluster

ADDED_MAX_S = 0.25  # by the contract, to a request while Redis is away; asserted five times over
PER_MINUTE = 10  # wrong passwords for one account from one address


@pytest.fixture
def limited(starts, database):
    """`limited(REDIS_URL=…)`: two processes that limit."""
    return lambda **redis: [House(one) for one in starts(2, DATABASE_URL=database, RATE_LIMITS="on", **redis)]


def tries(house, email, password="wrong") -> int:
    """The status of one attempt, from a new browser."""
    http = requests.Session()
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', http.get(f"{house.url}/sign-in", timeout=30).text)[1]
    fields = {"csrf_token": csrf, "email": email, "password": password}
    return http.post(f"{house.url}/sign-in", data=fields, allow_redirects=False, timeout=30).status_code


def guessed_until_refused(houses, email) -> list[int]:
    return [tries(houses[number % len(houses)], email) for number in range(PER_MINUTE + 2)]


REFUSED_IN_TIME = [401] * PER_MINUTE + [429] * 2


def test_two_processes_count_together(limited, redis_server):
    houses = limited(REDIS_URL=redis_server.url)
    ana, ben = houses[0].people(2)
    assert guessed_until_refused(houses, ana.email) == REFUSED_IN_TIME
    assert {tries(house, ana.email, PASSWORD) for house in houses} == {429}
    assert {tries(house, ben.email, PASSWORD) for house in houses} == {303}
    keys = redis_server.client.keys("attempts:*")
    assert keys and not [key for key in keys if redis_server.client.pttl(key) < 0]
    assert not [key for key in redis_server.client.scan_iter() if ana.email in key or "127.0.0.1" in key]


def test_without_redis_signing_in_works_and_is_still_limited(limited, redis_server, note):
    houses = limited(REDIS_URL=redis_server.url)
    ana, ben = houses[0].people(2)
    usual = min(timed(houses[0], ben)[1] for _ in range(5))
    assert [tries(houses[0], ana.email) for _ in range(6)] == [401] * 6
    redis_server.freeze()
    status, first = timed(houses[0], ben)
    later = min(timed(houses[0], ben)[1] for _ in range(5))
    assert status == 303
    assert [tries(houses[0], ana.email) for _ in range(5)] == [401] * 4 + [429]  # what it counted before counts on
    assert tries(houses[1], ben.email, PASSWORD) == 303
    redis_server.thaw()
    time.sleep(5)  # the contract's bound
    assert guessed_until_refused(houses, houses[0].somebody("Cleo").email) == REFUSED_IN_TIME
    note(f"attempts: Redis frozen, signing in took {1000 * (first - usual):.0f} ms longer at first, "
         f"{1000 * (later - usual):.0f} ms then (bound {1000 * ADDED_MAX_S:.0f} ms)")  # fmt: skip
    assert max(first, later) - usual < 5 * ADDED_MAX_S


def test_by_way_of_sentinel(limited, tmp_path):
    master = Redis(tmp_path / "master").start()
    sentinel = Sentinel(tmp_path / "sentinel", master).start()
    try:
        named = {"REDIS_SENTINELS": f"127.0.0.1:{sentinel.port}", "REDIS_SENTINEL_SERVICE": "chat"}
        houses = limited(**named)
        assert guessed_until_refused(houses, houses[0].somebody("Ana").email) == REFUSED_IN_TIME
    finally:
        sentinel.end()
        master.end()


def test_in_a_cluster(limited, tmp_path):
    nodes = redis_cluster(tmp_path / "cluster")
    try:
        houses = limited(REDIS_CLUSTER_NODES=",".join(f"127.0.0.1:{node.port}" for node in nodes))
        assert guessed_until_refused(houses, houses[0].somebody("Ana").email) == REFUSED_IN_TIME
    finally:
        for node in nodes:
            node.end()


def timed(house, somebody) -> tuple[int, float]:
    began = time.monotonic()
    return tries(house, somebody.email, PASSWORD), time.monotonic() - began
