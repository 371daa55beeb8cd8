"""Everything fails at once while 20 people talk through two processes: connections are cut, processes and Redis are
killed. Nothing is lost, nothing is there twice, and everybody ends with the same list as the database.
"""

import contextlib
import random
import threading
import time
from collections import Counter, defaultdict

import pytest
import socketio

from tests.live.conftest import mode
from tests.live.copies import Copy
from tests.live.people import House
from tests.live.tabs import Lost, Tab, a_message

CLIENTS, ROOMS = 20, 3
QUICK, WHOLE = 800, 5_000  # messages
AT_ONCE = 5  # that each has under way
CUT_EVERY_S = (0.05, 0.5)
AWAY_S = {"process": 1.0, "redis": 3.0}
# How much of it all is said when what is killed: twice the one process, once the other, and Redis.
KILLS = ((0.15, "process", 0), (0.35, "redis", None), (0.55, "process", 1), (0.75, "process", 0))
END_S = 30
COMES_BACK_S = 0.1


class Talker:
    """Says its share in random rooms; what is not acknowledged is said again, with the same client id and in the same
    order, over a new connection to whichever process is there."""

    def __init__(self, somebody, urls, rooms, share):
        self.somebody, self.urls, self.share = somebody, urls, share
        self.copies = {room: Copy(room) for room in rooms}
        self.pending, self.acknowledged, self.number = {}, {}, 0
        self.tab, self.cuts, self.connections, self.repeated, self.refused, self.failure = (
            None,
            0,
            0,
            0,
            Counter(),
            None,
        )
        self.thread = threading.Thread(target=self.talk)

    def talk(self):
        try:
            while self.number < self.share or self.pending:
                with contextlib.suppress(Lost, socketio.exceptions.SocketIOError):
                    self.comes_back()
                    while self.number < self.share or self.pending:
                        self.send()
                time.sleep(COMES_BACK_S)
        except BaseException as error:
            self.failure = error

    def comes_back(self):
        if self.tab is None or not self.tab.is_open:
            tab = Tab(random.choice(self.urls), token=self.somebody.token, listener=self.hear)
            for copy in self.copies.values():
                copy.enter(tab)
            self.tab = tab
            self.connections += 1
            self.repeated += len(self.pending)

    def hear(self, event, payload):
        for copy in self.copies.values():
            copy.hear(event, payload)

    def send(self):
        while len(self.pending) < AT_ONCE and self.number < self.share:
            self.number += 1
            given = a_message(random.choice(list(self.copies)), f"{self.somebody.name}, number {self.number}")
            self.pending[given["clientId"]] = given
        answers = [self.tab.sends("sendMessage", given) for given in self.pending.values()]
        acks = [answer.wait() for answer in answers]
        for ack in acks:
            if ack["ok"]:
                self.acknowledged[ack["message"]["clientId"]] = ack["message"]
                del self.pending[ack["message"]["clientId"]]
            else:
                self.refused[ack["error"]["code"]] += 1

    def is_cut_off(self):
        with contextlib.suppress(Exception):  # it is coming back just now
            self.tab.is_cut_off()
            self.cuts += 1


class Cutter:
    """Cuts connections at random until told to stop."""

    def __init__(self, talkers):
        self.talkers, self.over = talkers, threading.Event()
        self.thread = threading.Thread(target=self.cut, daemon=True)

    def cut(self):
        while not self.over.wait(random.uniform(*CUT_EVERY_S)):
            random.choice(self.talkers).is_cut_off()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@pytest.fixture
def houses(starts, database, redis_server):
    return [House(one) for one in starts(2, DATABASE_URL=database, REDIS_URL=redis_server.url, **mode())]


@pytest.mark.timeout(900)
def test_whatever_fails_nothing_is_lost_and_nothing_doubled(houses, redis_server, note, long_form):
    whole = WHOLE if long_form else QUICK
    people = houses[0].people(CLIENTS)
    rooms = [people[0].makes(*people[1:], name=f"Room {number}") for number in range(ROOMS)]
    urls = [house.url for house in houses]
    talkers = [Talker(one, urls, rooms, whole // CLIENTS) for one in people]
    began = time.monotonic()
    for one in talkers:
        one.thread.start()
    with Cutter(talkers):
        for part, what, which in KILLS:
            said(talkers, part * whole)
            victim = redis_server if what == "redis" else houses[which].server
            victim.kill()
            time.sleep(AWAY_S[what])
            victim.start()
        said(talkers, whole * 0.95)
    for one in talkers:
        one.thread.join(120)
        if one.failure:
            raise one.failure
        assert not one.thread.is_alive()
    took = time.monotonic() - began
    ended = everybody_has_it_all(houses[0], talkers, rooms)
    lost, doubled = lost_and_doubled(houses[0], talkers, rooms)
    total = {name: sum(getattr(one, name) for one in talkers) for name in ("cuts", "connections", "repeated")}
    refused = sum((one.refused for one in talkers), Counter())
    note(
        f"total queue: {whole} messages in {took:.0f} s by {CLIENTS} clients in {ROOMS} rooms and 2 processes; "
        f"{total['cuts']} connections cut, 3 processes killed, Redis killed; {total['connections']} connections, "
        f"{total['repeated']} messages sent again, refused {dict(refused)}; lost {len(lost)}, doubled {len(doubled)}; "
        f"all {CLIENTS * ROOMS} lists as the database {ended:.1f} s after the last ack"
    )
    assert (lost, doubled) == ([], [])
    assert set(refused) <= {"unavailable"}
    assert total["cuts"] > 10 and total["repeated"] > 0


def said(talkers, count):
    """Wait until so many were acknowledged."""
    deadline, before = time.monotonic() + 120, -1
    while (now := sum(len(one.acknowledged) for one in talkers)) < count:
        if now > before:
            deadline, before = time.monotonic() + 120, now
        assert time.monotonic() < deadline, f"nobody gets on after {now} messages"
        assert not [one.failure for one in talkers if one.failure]
        time.sleep(0.02)


def everybody_has_it_all(house, talkers, rooms) -> float:
    """Seconds until every client's list of every room is the database's; who was cut last comes back once more."""
    began = time.monotonic()
    rows = {room: house.rows(room) for room in rooms}
    for one in talkers:
        one.comes_back()
        for room, copy in one.copies.items():
            while copy.rev < len(rows[room]):
                assert time.monotonic() - began < END_S, f"{copy.rev} of {len(rows[room])} came"
                time.sleep(0.01)
            assert copy.rows() == rows[room]
    return time.monotonic() - began


def lost_and_doubled(house, talkers, rooms) -> tuple[list, list]:
    """Client ids acknowledged and not there (as acknowledged), and texts that are there twice."""
    rows, acknowledged = {}, {}
    for room in rooms:
        found = house.rows(room)
        assert [row[1] for row in found] == list(range(1, len(found) + 1))
        assert house.counters(room) == (len(found), len(found))
        rows |= {row[4]: (room, *row) for row in found}
    for one in talkers:
        acknowledged |= one.acknowledged
        assert len(one.acknowledged) == one.share
    for own in numbers(rows).values():
        assert own == sorted(own)  # each one's own order was kept
    lost = [key for key, said in acknowledged.items() if as_told(said) != rows.get(key, ())[:3]]
    texts = Counter(row[6] for row in rows.values())
    assert set(rows) == set(acknowledged)
    return lost, [text for text, times in texts.items() if times > 1]


def as_told(message) -> tuple:
    return message["sessionId"], message["id"], message["seq"]


def numbers(rows) -> dict[tuple, list[int]]:
    """By author and room, the numbers of what was said, in the order of their places."""
    found = defaultdict(list)
    for room, _, seq, _, author, _, content, _ in sorted(rows.values(), key=lambda row: row[2]):
        assert seq > 0
        found[author, room].append(int(content.rpartition(" ")[2]))
    return found
