"""The server dies in the middle of everything, again and again: what was acknowledged is there, and nothing is twice."""

import random
import threading
import time
from collections import Counter

import pytest
import socketio

from tests.live.copies import Copy
from tests.live.tabs import Lost, Tab, a_message
from tests.waiting import PATIENCE_S, wait_until

ROUNDS = 5
LIVES_S = (0.3, 1.5)  # how long the server lives in each round, once somebody was answered
CLIENTS = 6
AT_ONCE = 5  # messages that each has under way
PAUSE_S = 0.05


class Talker:
    """Sends without end; what was not acknowledged is sent again, with the same client id, over the next connection."""

    def __init__(self, somebody, room):
        self.somebody, self.room, self.copy, self.tab = somebody, room, Copy(room), None
        self.pending, self.acknowledged, self.number, self.repeated = {}, {}, 0, 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.talk)
        self.thread.start()

    def talk(self):
        while not (self.stopping.is_set() and self.tab and not self.pending):
            try:
                self.come_back()
                while self.pending or not self.stopping.is_set():
                    self.send()
            except (Lost, socketio.exceptions.SocketIOError):
                time.sleep(PAUSE_S)

    def come_back(self):
        if self.tab is None or not self.tab.is_open:
            self.tab = Tab(self.somebody.url, token=self.somebody.token, listener=self.copy.hear)
            self.copy.enter(self.tab)
            self.repeated += len(self.pending)

    def send(self):
        while len(self.pending) < AT_ONCE and not self.stopping.is_set():
            self.number += 1
            given = a_message(self.room, f"{self.somebody.name}, number {self.number}")
            self.pending[given["clientId"]] = given
        answers = [self.tab.sends("sendMessage", given) for given in self.pending.values()]
        for answer in answers:
            ack = answer.wait()
            assert ack["ok"], ack
            self.acknowledged[ack["message"]["clientId"]] = ack["message"]
            self.pending.pop(ack["message"]["clientId"])
        time.sleep(PAUSE_S)

    def finish(self):
        self.stopping.set()
        self.thread.join(60)
        assert not self.thread.is_alive()


@pytest.fixture
def talkers(shaky_house):
    people = shaky_house.people(CLIENTS)
    room = people[0].makes(*people[1:])
    talkers = [Talker(one, room) for one in people]
    yield talkers
    for talker in talkers:
        talker.stopping.set()


def test_killed_at_any_moment_it_loses_nothing_acknowledged_and_doubles_nothing(shaky_house, talkers, note):
    room = talkers[0].room
    unheard = 0  # committed, and killed before the answer was out
    for _ in range(ROUNDS):
        before = [len(one.acknowledged) for one in talkers]
        wait_until(
            lambda before=before: all(len(t.acknowledged) > n for t, n in zip(talkers, before, strict=True)),
            within=PATIENCE_S,
        )
        time.sleep(random.uniform(*LIVES_S))
        shaky_house.server.kill()
        unheard += len({row[4] for row in shaky_house.rows(room)} & {one for t in talkers for one in list(t.pending)})
        shaky_house.server.start()
    for talker in talkers:
        talker.finish()
    rows = {row[4]: row for row in shaky_house.rows(room)}
    acknowledged = {client_id: said for talker in talkers for client_id, said in talker.acknowledged.items()}
    lost = [one for one, said in acknowledged.items() if one not in rows or rows[one][:2] != (said["id"], said["seq"])]
    doubled = [text for text, times in Counter(row[5] for row in rows.values()).items() if times > 1]
    repeated = sum(talker.repeated for talker in talkers)
    sent = f"{len(acknowledged)} acknowledged, {repeated} sent again ({unheard} of them were there already)"
    note(f"{ROUNDS} kills, {sent}: lost {len(lost)}, doubled {len(doubled)}")
    assert (lost, doubled) == ([], [])
    assert len(rows) == sum(talker.number for talker in talkers) == len(acknowledged)
    assert [row[1] for row in shaky_house.rows(room)] == list(range(1, len(rows) + 1))
    assert shaky_house.counters(room) == (len(rows), len(rows))
    assert repeated > 0
    for talker in talkers:
        wait_until(lambda talker=talker: talker.copy.rev == len(rows), within=PATIENCE_S)
        assert talker.copy.rows() == shaky_house.rows(room)


def test_asked_to_stop_it_answers_what_it_took_and_loses_nothing(shaky_house, talkers):
    wait_until(lambda: all(one.acknowledged for one in talkers), within=PATIENCE_S)
    shaky_house.server.restart()
    for talker in talkers:
        talker.finish()
    rows = shaky_house.rows(talkers[0].room)
    assert len(rows) == len({row[4] for row in rows}) == sum(len(talker.acknowledged) for talker in talkers)
    for talker in talkers:
        wait_until(lambda talker=talker: talker.copy.rev == len(rows), within=PATIENCE_S)
        assert talker.copy.rows() == rows
