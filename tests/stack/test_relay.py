"""Events between processes: what happens in one reaches the browsers of all, also when Redis loses it, or is away."""

import signal
import threading
import time
import uuid
from contextlib import contextmanager

import pytest

from tests.live.people import House, as_row
from tests.live.test_revocation import is_turned_away
from tests.stack.lossy import LossyRedis
from tests.stack.servers import Redis, Sentinel, redis_cluster

REPAIR_S = 2.0  # the contract's bound; a test on a busy machine waits five times as long and notes the figure
MODES = ("eventlet", "gevent", "threading")
BACK_S = 5.0  # after Redis's return


@pytest.fixture(scope="module")
def calm(postgres, template, module_starts, tmp_path_factory):
    """Two processes on a Redis that nobody breaks, shared by this module's tests, and that Redis."""
    redis = Redis(tmp_path_factory.mktemp("redis")).start()
    database = postgres.makes(f"calm_{uuid.uuid4().hex}", template)
    made = [House(server) for server in module_starts(2, DATABASE_URL=database, REDIS_URL=redis.url)]
    wait_until_listening(redis, 2)
    yield *made, redis
    redis.end()


@pytest.fixture
def pair(calm):
    """(Ana in the one process, Ben in the other, a room with both of them, where both listen)."""
    one, two, _ = calm
    return a_pair(one, two)


def a_pair(one, two):
    ana, ben = one.somebody("Ana"), two.somebody("Ben")
    room = ana.makes(ben)
    ana.enters(room)
    ben.enters(room)
    return ana, ben, room


def listening(redis) -> int:
    """How many processes listen to the one channel of a Redis."""
    with redis.client.client() as client:
        channels = client.pubsub_channels("chatapp:*")
        return client.pubsub_numsub(*channels)[0][1] if channels else 0


def wait_until_listening(redis, count, within=BACK_S * 5) -> float:
    began = time.monotonic()
    while listening(redis) != count:
        assert time.monotonic() - began < within, f"{listening(redis)} of {count} processes listen"
        time.sleep(0.02)
    return time.monotonic() - began


class Chatter:
    """People who speak on and on in a room, each through a process of his own, and what was acknowledged to them."""

    def __init__(self, room, *speakers, pause=0.05):
        self.room, self.pause, self.said, self.over = room, pause, {}, threading.Event()
        self.threads = [threading.Thread(target=self.speak, args=(one,), daemon=True) for one in speakers]

    def speak(self, speaker):
        number = 0
        while not self.over.wait(self.pause):
            number += 1
            message = speaker.says(f"{speaker.name} {number}", self.room)
            self.said[message["id"]] = (message["seq"], time.monotonic())

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(60)

    def latest(self, *tabs) -> float:
        """The longest time between an ack and the moment when one of these tabs heard of it; waits for all."""
        return max(
            tab.hears_at("newMessage", REPAIR_S * 5, rev=seq)[1] - at for tab in tabs for seq, at in self.said.values()
        )


def test_every_event_crosses(calm, pair):
    _, two, _ = calm
    ana, ben, room = pair
    own = ana.opens_a_tab()
    own.enters(room)
    said = ana.says("Grüße — 你好 🎈", room)
    assert ben.hears("newMessage")["message"] == said
    changed = ana.asks("editMessage", {"messageId": said["id"], "content": "Other words"})["message"]
    assert ben.hears("messageUpdated")["message"] == changed
    gone = ana.asks("removeMessage", {"messageId": said["id"]})["message"]
    assert ben.hears("messageUpdated")["message"] == gone
    assert ana.asks("typing", {"sessionId": room, "isTyping": True})["ok"]
    assert ben.hears("typing", isTyping=True)["user"]["id"] == ana.id
    assert ana.asks("stopTyping", {"sessionId": room})["ok"]
    ben.hears("typing", isTyping=False)
    cleo = two.somebody("Cleo")
    assert cleo.tab.is_open
    ana.tab.forgets()
    ana.calls("PUT", f"/sessions/{room}/members/{cleo.id}")
    assert cleo.hears("sessionUpdated")["session"]["id"] == room
    cleo.enters(room)
    assert ana.hears("userOnline", within=10)["user"]["id"] == cleo.id
    ana.calls("DELETE", f"/sessions/{room}/members/{cleo.id}")
    assert cleo.hears("sessionRemoved") == {"sessionId": room}
    assert ana.hears("userOffline", within=10)["user"]["id"] == cleo.id
    ana.calls("PATCH", f"/sessions/{room}", {"topic": "Crossing"})
    ben.hears("sessionUpdated")


def test_the_typist_does_not_hear_himself_in_any_process(calm, pair):
    _, two, _ = calm
    ana, ben, room = pair
    elsewhere = two.somebody("Ana's other browser")
    elsewhere.token = ana.token
    elsewhere.enters(room)
    assert ana.asks("typing", {"sessionId": room, "isTyping": True})["ok"]
    ben.hears("typing", isTyping=True)
    ana.says("Done", room)
    elsewhere.hears("newMessage")
    assert elsewhere.tab.heard("typing") == ana.tab.heard("typing") == []


def test_two_who_speak_at_once_in_two_processes_are_read_in_one_order(calm, pair, note):
    one, _, _ = calm
    ana, ben, room = pair
    with Chatter(room, ana, ben, pause=0) as chatter:
        time.sleep(3)
    latest = chatter.latest(ana.tab, ben.tab)
    rows = one.rows(room)
    assert [row[1] for row in rows] == list(range(1, len(rows) + 1)) and len(rows) == len(chatter.said)
    note(
        f"relay: {len(rows)} messages of two processes, each heard in both, the last {1000 * latest:.0f} ms after its ack"
    )


def test_everybody_reads_the_same_words_whichever_process(calm, pair):
    one, _, _ = calm
    ana, ben, room = pair
    for number in range(20):
        (ana, ben)[number % 2].says(f"Number {number}", room)
    for reader in (ana, ben):
        heard = [reader.hears("newMessage")["message"] for _ in range(20)]
        assert sorted(map(as_row, heard), key=lambda row: row[1]) == one.rows(room)


def test_garbage_in_the_channel_ends_nothing(calm, pair):
    *_, redis = calm
    ana, ben, room = pair
    (channel,) = redis.client.pubsub_channels("chatapp:*")
    for garbage in (
        b"",
        b"\xff",
        b"null",
        b"[" * 50_000,
        b'{"from": 1}',
        b'{"from":"x","event":"newMessage","data":{}}',
    ):
        redis.client.publish(channel, garbage)
    redis.client.publish("another channel", b"{}")
    said = ana.says("Still there?", room)
    assert ben.hears("newMessage")["message"] == said
    assert listening(redis) == 2


def sign_out(one, browser, ben):
    browser.posts("/sign-out")


def revoke_token(one, browser, ben):
    one.server.flask("tokens", "revoke", str(ben.token_id))


def deactivate(one, browser, ben):
    olga = one.somebody("Olga", is_admin=True).opens_a_browser()
    assert olga.posts(f"/people/{ben.id}/deactivate", page="/people").ok


def deactivate_by_command(one, browser, ben):
    one.server.flask("users", "deactivate", ben.email)


@pytest.mark.parametrize("ended", [sign_out, revoke_token, deactivate, deactivate_by_command])
def test_who_may_no_longer_is_gone_from_the_other_process(calm, pair, ended, note):
    one, *_ = calm
    _, ben, room = pair
    browser = ben.opens_a_browser()
    tab = browser.opens_a_tab() if ended is sign_out else ben.opens_a_tab()
    tab.enters(room)
    browser.url = one.url  # the same cookie, shown to the other process
    ended(one, browser, ben)
    began = time.monotonic()
    while tab.is_open:
        assert time.monotonic() - began < 5
        time.sleep(0.01)
    took = time.monotonic() - began
    assert is_turned_away(tab)
    note(f"relay: {ended.__name__}: gone from the other process {1000 * took:.0f} ms after the answer")


@pytest.mark.parametrize("by_command", [False, True])
def test_who_is_put_out_hears_no_more_in_any_process(calm, pair, by_command, note):
    one, *_ = calm
    ana, ben, room = pair
    olga = one.somebody("Olga")
    ana.calls("PUT", f"/sessions/{room}/members/{olga.id}")
    olga.enters(room)
    here = one.somebody("Ben's other browser")
    here.token = ben.token
    here.enters(room)
    if by_command:
        one.server.flask("rooms", "remove", room, ben.email)
    else:
        ana.calls("DELETE", f"/sessions/{room}/members/{ben.id}")
    began = time.monotonic()
    assert ben.hears("sessionRemoved") == here.hears("sessionRemoved") == {"sessionId": room}
    note(f"relay: put out: told in both processes {1000 * (time.monotonic() - began):.0f} ms after the answer")
    ana.says("Is he gone?", room)
    olga.hears("newMessage")
    time.sleep(REPAIR_S)  # nor does the repair tell him
    assert ben.tab.heard("newMessage") == here.tab.heard("newMessage") == []
    assert ben.asks("joinSession", {"sessionId": room})["error"]["code"] == "not_found"


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
