"""Events between processes when Redis loses them, dies, freezes, forgets or hands over, or a process stands still."""

import signal
import time
from contextlib import contextmanager

import pytest

from tests.live.people import House
from tests.live.server import MODES
from tests.stack.lossy import LossyRedis
from tests.stack.pairs import REPAIR_S, Chatter, a_pair, wait_until_listening
from tests.stack.servers import Redis, Sentinel, redis_cluster


@pytest.fixture
def lossy(starts, database, redis_server):
    """`lossy(drops)`: two processes, each of which hears the other through a line that drops these messages."""
    lines = []

    def make(drops):
        lines.extend(LossyRedis(redis_server.port, drops) for _ in range(2))
        made = [House(starts(DATABASE_URL=database, REDIS_URL=line.url)[0]) for line in lines]
        wait_until_listening(redis_server, 2)
        return *a_pair(*made), lines

    yield make
    for line in lines:
        line.end()


def test_every_seventh_broadcast_lost_is_repaired_with_nobody_doing_anything(lossy, note):
    ana, ben, room, lines = lossy(lambda number: number % 7 == 0)
    with Chatter(room, ana, ben) as chatter:
        time.sleep(6)
    latest = chatter.latest(ana.tab, ben.tab)
    assert all(line.lost >= 5 for line in lines)
    lost = sum(line.lost for line in lines)
    note(
        f"relay: {lost} of {2 * len(chatter.said)} deliveries by Redis lost, all repaired within {latest:.2f} s (bound {REPAIR_S} s)"
    )
    time.sleep(1.5)
    assert [tab.heard("newMessage") for tab in (ana.tab, ben.tab)] == [[], []]  # nothing came twice


def test_what_is_lost_last_is_repaired_too(lossy, note):
    ana, ben, room, _ = lossy(lambda number: True)
    longest = 0
    for number in range(5):
        said, at = ana.says(f"Number {number}", room), time.monotonic()
        payload, heard_at = ben.tab.hears_at("newMessage", REPAIR_S * 5)
        assert payload["message"] == said
        longest = max(longest, heard_at - at)
        time.sleep(0.31)
    edited = ana.asks("editMessage", {"messageId": said["id"], "content": "Other words"})["message"]
    assert ben.hears("messageUpdated", REPAIR_S * 5)["message"] == edited
    note(f"relay: the very last broadcast lost, repaired within {longest:.2f} s (bound {REPAIR_S} s)")


def test_redis_dies_freezes_forgets_and_restarts_under_load(starts, database, redis_server, long_form, note):
    for mode in MODES if long_form else MODES[:1]:
        servers = starts(2, DATABASE_URL=database, REDIS_URL=redis_server.url, ASYNC_MODE=mode)
        wait_until_listening(redis_server, 2)
        note(f"relay ({mode}): {under_load(redis_server, *a_pair(*map(House, servers)))}")
        for server in servers:
            server.kill()


def under_load(redis, ana, ben, room) -> str:
    back = {}
    with Chatter(room, ana, ben) as chatter:
        time.sleep(1)
        redis.kill()
        time.sleep(3)
        redis.start()
        back["killed"] = wait_until_listening(redis, 2)
        redis.freeze()
        time.sleep(5)
        redis.thaw()
        back["frozen"] = wait_until_listening(redis, 2)
        redis.client.flushall()
        redis.client.client_kill_filter(_type="pubsub")
        back["cut"] = wait_until_listening(redis, 2)
        time.sleep(1)
    latest = chatter.latest(ana.tab, ben.tab)
    took = ", ".join(f"{why} {seconds:.2f} s" for why, seconds in back.items())
    return f"{len(chatter.said)} messages, all heard within {latest:.2f} s; listening again after: {took}"


@contextmanager
def ending(*servers):
    try:
        yield
    finally:
        for server in servers:
            server.end()


def test_another_master_carries_on(starts, database, tmp_path, note):
    master = Redis(tmp_path / "master").start()
    replica = Redis(tmp_path / "replica", "--replicaof", "127.0.0.1", str(master.port)).start()
    sentinel = Sentinel(tmp_path / "sentinel", master).start()
    with ending(sentinel, replica, master):
        settings = {"REDIS_SENTINELS": f"127.0.0.1:{sentinel.port}", "REDIS_SENTINEL_SERVICE": "chat"}
        houses = [House(one) for one in starts(2, DATABASE_URL=database, **settings)]
        wait_until_listening(master, 2)
        while not sentinel.client.sentinel_slaves("chat"):
            time.sleep(0.1)
        ana, ben, room = a_pair(*houses)
        with Chatter(room, ana, ben) as chatter:
            time.sleep(1)
            master.kill()
            began = time.monotonic()
            while replica.client.info("replication")["role"] != "master":
                assert time.monotonic() - began < 60
                time.sleep(0.05)
            promoted = time.monotonic() - began
            back = wait_until_listening(replica, 2)
            time.sleep(1)
        latest = chatter.latest(ana.tab, ben.tab)
    note(
        f"relay (Sentinel): promoted after {promoted:.1f} s, listening {back:.2f} s later; heard within {latest:.2f} s"
    )


def test_a_cluster_loses_a_node(starts, database, tmp_path, note):
    nodes = redis_cluster(tmp_path / "cluster")
    with ending(*nodes):
        named = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        houses = [House(one) for one in starts(2, DATABASE_URL=database, REDIS_CLUSTER_NODES=named)]
        wait_until_listening(nodes[0], 2)
        ana, ben, room = a_pair(*houses)
        with Chatter(room, ana, ben) as chatter:
            time.sleep(1)
            nodes[0].kill()
            back = wait_until_listening(nodes[1], 2)
            time.sleep(2)
        latest = chatter.latest(ana.tab, ben.tab)
    note(f"relay (Cluster): a node died, listening at the next {back:.2f} s later; heard within {latest:.2f} s")


def test_a_process_that_stood_still_tells_its_clients_what_they_missed(houses, note):
    one, two = houses
    ana, ben, room = a_pair(one, two)
    two.server.process.send_signal(signal.SIGSTOP)
    for number in range(450):
        ana.says(f"{number}", room)
    two.server.process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    for number in range(450):
        ben.hears("newMessage", within=20, rev=number + 1)
    note(
        f"relay: 450 messages missed by a process that stood still, told {time.monotonic() - began:.2f} s after it went on"
    )
    assert ben.asks("typing", {"sessionId": room, "isTyping": True})["ok"]
