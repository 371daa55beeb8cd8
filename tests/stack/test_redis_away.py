"""Redis goes, in each way there is, and comes back, while people do everything in two processes: nobody sees an error,
nobody waits for long, and soon after its return everything is as before, without a restart.
"""

import statistics
import threading
import time
from collections import defaultdict

import pytest
import requests

from tests.live.copies import Copy
from tests.live.people import House
from tests.live.server import MODES
from tests.stack.pairs import listening
from tests.stack.servers import Redis, Sentinel

ADDED_S, NORMAL_S = 0.25, 5.0  # the contract's bounds; asserted five times over, and the figures noted
BEFORE_S, AWAY_S = 3.0, 4.0
ANSWERS_MIN = 4  # of each kind to each visitor, or the figures say nothing
PAUSE_S = 0.05


class Visitor:
    """Does everything in turn, on and on, through one process. `took`: seconds of each answer, by what was asked."""

    def __init__(self, somebody, room):
        self.somebody, self.room = somebody, room
        self.tab, self.other = somebody.tab, somebody.opens_a_tab()
        self.tab.enters(room)
        self.browser = somebody.opens_a_browser()
        self.took, self.said, self.failures = defaultdict(list), {}, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.visit, daemon=True)

    def visit(self):
        asked = {"sessionId": self.room}
        verbs = {
            "send": self.says,
            "type": lambda: self.tab.asks("typing", asked | {"isTyping": True}),
            "join": lambda: self.other.asks("joinSession", asked),
            "leave": lambda: self.other.asks("leaveSession", asked),
            "sync": lambda: self.tab.asks("syncSession", asked | {"afterRev": 0, "streams": []}),
            "page": lambda: answered(self.browser.gets(f"/rooms/{self.room}")),
            "history": lambda: answered(self.somebody.calls("GET", f"/sessions/{self.room}/messages")),
            "full": lambda: answered(self.somebody.calls("GET", f"/sessions/{self.room}")),
            "online": lambda: answered(self.somebody.calls("GET", f"/sessions/{self.room}/online")),
        }
        while not self.over.wait(PAUSE_S):
            for what, verb in verbs.items():
                began = time.monotonic()
                try:
                    ack = verb()
                    assert ack["ok"], ack
                except BaseException as error:
                    self.failures.append((what, repr(error)))
                self.took[what].append(time.monotonic() - began)

    def says(self):
        message = self.somebody.says(f"{self.somebody.name}, {len(self.said)}", self.room)
        self.said[message["id"]] = message["seq"]
        return {"ok": True}

    def finishes(self):
        self.over.set()
        self.thread.join(60)
        assert self.failures == []


def answered(response):
    assert response.ok, (response.status_code, response.text[:300])
    return {"ok": True}


class Trial:
    """Two processes, a visitor to each and a listener at each."""

    def __init__(self, houses):
        self.houses = houses
        people = [house.somebody(name) for house, name in zip(houses, ("Ana", "Ben"), strict=True)]
        listeners = [house.somebody(name) for house, name in zip(houses, ("Cleo", "Dan"), strict=True)]
        self.room = people[0].makes(*people[1:], *listeners)
        self.copies = [Copy(self.room) for _ in listeners]
        self.tabs = [one.opens_a_tab(listener=copy.hear) for one, copy in zip(listeners, self.copies, strict=True)]
        for copy, tab in zip(self.copies, self.tabs, strict=True):
            copy.enter(tab)
        self.visitors, self.listeners = [Visitor(one, self.room) for one in people], listeners
        self.started = [house.server.process.pid for house in houses]
        for one in self.visitors:
            one.thread.start()
        self.until_answered(1)  # what is done for the first time takes longer

    def until_answered(self, times):
        deadline = time.monotonic() + 60
        while any(len(one.took["online"]) < times for one in self.visitors):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def measured_for(self, seconds) -> dict:
        """The answers' times of the coming seconds, or until there are enough of them."""
        for one in self.visitors:
            one.took.clear()
        time.sleep(seconds)
        self.until_answered(ANSWERS_MIN)
        return {what: [took for one in self.visitors for took in one.took[what]] for what in self.visitors[0].took}

    def ends(self):
        """All was taken, each message is there once and heard by everybody; nothing stumbled, nothing was restarted."""
        for one in self.visitors:
            one.finishes()
        seqs = sorted(seq for one in self.visitors for seq in one.said.values())
        rows, deadline = self.houses[0].rows(self.room), time.monotonic() + 10
        assert [row[1] for row in rows] == seqs == list(range(1, len(seqs) + 1))
        while any(copy.rev < len(seqs) for copy in self.copies):
            assert time.monotonic() < deadline, [copy.rev for copy in self.copies]
            time.sleep(0.05)
        assert [copy.rows() for copy in self.copies] == [rows] * 2
        assert [house.server.process.poll() for house in self.houses] == [None] * 2
        assert [house.server.process.pid for house in self.houses] == self.started
        for house in self.houses:
            assert '"event": "accident"' not in house.server.log and "Traceback" not in house.server.log

    def goes_and_returns(self, goes, returns, there) -> str:
        """Redis goes and returns, and the figures. `there()`: the Redis that serves afterwards."""
        before = self.measured_for(BEFORE_S)
        goes()
        during = self.measured_for(AWAY_S)
        returns()
        normal = self.until_normal(there())
        typical = max(statistics.median(during[what]) - statistics.median(before[what]) for what in before)
        longest = max(max(during[what]) - statistics.median(before[what]) for what in before)
        noise = max(max(before[what]) - statistics.median(before[what]) for what in before)
        count = sum(map(len, during.values()))
        assert [one.failures for one in self.visitors] == [[], []]
        assert typical < 5 * ADDED_S and longest < 5 * ADDED_S + noise, (before, during)
        after = ", ".join(f"{what} {seconds:.1f}" for what, seconds in normal.items())
        return (
            f"{count} requests meanwhile, 0 errors; added {1000 * typical:.0f} ms at the median, "
            f"{1000 * longest:.0f} ms at most (bound {1000 * ADDED_S:.0f}; before it went {1000 * noise:.0f}); "
            f"normal again after (s, bound {NORMAL_S:.0f}): {after}"
        )

    def until_normal(self, redis) -> dict[str, float]:
        """Seconds until each thing was as it is with Redis, side by side."""
        began, open_things, took = time.monotonic(), dict(self.normal_things(redis)), {}
        while open_things:
            for what, is_so in list(open_things.items()):
                if is_so():
                    took[what] = time.monotonic() - began
                    del open_things[what]
            assert time.monotonic() - began < 5 * NORMAL_S, f"not normal again: {list(open_things)}, only {took}"
            time.sleep(0.05)
        return took

    def normal_things(self, redis):
        yield "listening", lambda: listening(redis) == 2
        for number, (house, one, tab) in enumerate(zip(self.houses, self.listeners, self.tabs, strict=True)):
            yield f"presence in {number}", lambda one=one: online(one, self.room) == 4
            hits = {"before": cache_hits(house)}
            yield f"cache in {number}", lambda house=house, hits=hits: cache_hits(house) > hits["before"]
            tab.forgets()
            speaker = self.visitors[1 - number].somebody
            yield f"typing to {number}", lambda tab=tab, speaker=speaker: heard_typing(tab, speaker)


def online(somebody, room):
    return somebody.calls("GET", f"/sessions/{room}/online").json()["count"]


def cache_hits(house) -> float:
    lines = requests.get(f"{house.url}/metrics", timeout=10).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if "chatapp_cache_answers_total{" in line and "hit" in line)


def heard_typing(tab, speaker) -> bool:
    return any(one["user"]["id"] == speaker.id and one["isTyping"] for one in tab.heard("typing"))


def ways(redis):
    yield "killed", redis.kill, redis.start
    yield "frozen", redis.freeze, redis.thaw
    yield "flushed", redis.client.flushall, lambda: None
    yield "full", lambda: fills(redis), lambda: redis.client.config_set("maxmemory", 0)


def fills(redis):
    redis.client.config_set("maxmemory-policy", "noeviction")
    redis.client.config_set("maxmemory", 1)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", MODES)
def test_redis_goes_in_every_way_and_returns(mode, starts, database, redis_server, note, long_form):
    if mode != MODES[0] and not long_form:
        pytest.skip("in the long form")
    settings = {"DATABASE_URL": database, "REDIS_URL": redis_server.url, "ASYNC_MODE": mode}
    trial = Trial([House(one) for one in starts(2, **settings)])
    for way, goes, returns in ways(redis_server):
        note(f"Redis {way} ({mode}): {trial.goes_and_returns(goes, returns, lambda: redis_server)}")
    trial.ends()


@pytest.mark.timeout(300)
def test_redis_fails_over(starts, database, tmp_path, note):
    master = Redis(tmp_path / "master").start()
    replica = Redis(tmp_path / "replica", "--replicaof", "127.0.0.1", str(master.port)).start()
    sentinel = Sentinel(tmp_path / "sentinel", master).start()
    try:
        settings = {"REDIS_SENTINELS": f"127.0.0.1:{sentinel.port}", "REDIS_SENTINEL_SERVICE": "chat"}
        trial = Trial([House(one) for one in starts(2, DATABASE_URL=database, **settings)])
        while not sentinel.client.sentinel_slaves("chat"):
            time.sleep(0.1)
        figures = trial.goes_and_returns(master.kill, lambda: promoted(replica), lambda: replica)
        note(f"Redis failed over: {figures}")
        trial.ends()
    finally:
        for one in (sentinel, replica, master):
            one.end()


def promoted(replica):
    deadline = time.monotonic() + 60
    while replica.client.info("replication")["role"] != "master":
        assert time.monotonic() < deadline
        time.sleep(0.05)
