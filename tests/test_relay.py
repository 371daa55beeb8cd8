"""Who hears an event: this process at once, the others by a channel that may lose, double and garble what it carries."""

import json
import queue
import threading
from types import SimpleNamespace

import pytest

from chatapp import metrics, redis_link
from chatapp.extensions import redis
from chatapp.plain_json import PlainJson
from chatapp.realtime import channel, clients, connections, delivered, relay, room_lists
from chatapp.realtime.connections import Connection

ROOM = "5f7c"
TYPING = ("typing", {"sessionId": ROOM, "user": {"id": 1, "name": "Zoë"}, "isTyping": True}, "/chat", ROOM)


def change(event, rev, seq=None):
    payload = {"sessionId": ROOM, "rev": rev, "message": {"seq": seq or rev, "content": f"Number {rev}"}}
    return event, payload, "/chat", ROOM


class Paper:
    """A channel that keeps what is published, or is away."""

    def __init__(self):
        self.published, self.discarded, self.away = [], [], False

    def publish(self, messages, discarded=()):
        if not self.away:
            self.published += messages
            self.discarded += discarded
        return not self.away


@pytest.fixture
def process(app, monkeypatch):
    """Makes processes that share a channel; `heard` is what the clients of one were told."""
    shared = Paper()

    def make():
        made = relay.Relay({"SECRET_KEY": "x", "REDIS_URL": "redis://127.0.0.1:1/0"})
        made.json, made.heard, made.channel = PlainJson, [], shared
        return made

    monkeypatch.setattr(
        room_lists.Manager, "emit", lambda self, event, data, *_, **how: self.heard.append((event, data, how))
    )
    return make


def test_an_event_is_told_here_at_once_and_passed_on_as_plain_json(process):
    one, two = process(), process()
    one.emit(*TYPING)
    assert [event for event, *_ in one.heard] == ["typing"]
    (message,) = one.channel.published
    assert "Zoë" in message and json.loads(message)["event"] == "typing"
    for here in (one, two):
        here.hear(message.encode())
    assert len(one.heard) == 1  # its own words come back to it
    assert [(event, data) for event, data, _ in two.heard] == [TYPING[:2]]


def test_what_is_for_this_process_stays_here(process):
    one = process()
    one.emit(*TYPING, ignore_queue=True)
    assert len(one.heard) == 1 and one.channel.published == []


def serving(one):
    """As a process that serves; what it starts in the background."""
    started = []
    eio = SimpleNamespace(create_queue=queue.Queue, create_event=threading.Event)
    one.server = SimpleNamespace(eio=eio, start_background_task=lambda *given: started.append(given))
    one.start()
    return started


def test_in_a_serving_process_an_event_waits_in_a_bounded_box(process, monkeypatch):
    one = process()
    monkeypatch.setattr(relay, "OUTBOX_MAX", 5)
    assert serving(one) == [(one.for_ever, one.carry), (one.for_ever, one.listen)]
    before = metrics.RELAY_DROPPED._value.get()
    for _ in range(8):
        one.emit(*TYPING)
    assert len(one.heard) == 8 and one.channel.published == []
    assert metrics.RELAY_DROPPED._value.get() - before == 3
    one.carry()
    assert len(one.channel.published) == 5


@pytest.fixture
def carried(process, monkeypatch):
    """A process whose errands the link to Redis uses."""
    one = process()
    monkeypatch.setitem(redis.settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(redis, "carrier", None)
    monkeypatch.setattr(redis, "away", False)
    serving(one)
    return one


def test_keys_are_thrown_away_with_the_events_that_go_to_redis_next(carried):
    carried.emit(*TYPING)
    thrown = [carried.discard(("history:1", "history:2")), carried.discard(("history:2", "history:3"))]
    assert not any(one.is_set() for one in thrown)
    carried.carry()
    assert len(carried.channel.published) == 1
    assert carried.channel.discarded == ["history:1", "history:2", "history:3"]
    assert all(one.is_set() for one in thrown)


def test_who_throws_a_key_away_waits_until_it_is_done(carried):
    carrier = threading.Timer(0.05, carried.carry)
    carrier.start()
    redis.discard("history:1")
    assert carried.channel.discarded == ["history:1"]
    carrier.join()


def test_who_throws_a_key_away_does_not_wait_long_nor_for_a_redis_that_is_away(carried, monkeypatch):
    monkeypatch.setattr(redis_link, "REQUEST_S", 0.05)
    redis.discard("history:1")  # nobody carries
    redis_link.begin_request()
    redis.discard("history:2")
    redis.discard("history:3")  # it has waited long enough
    monkeypatch.setattr(redis, "away", True)
    redis.discard("history:4")
    assert [one.keys for one in carried.batch()] == [("history:1",), ("history:2",)]


def test_an_errand_that_fails_or_finds_no_place_holds_nobody_up(carried, monkeypatch):
    done = carried.discard(("history:1",))
    with monkeypatch.context() as broken:
        broken.setattr(carried.channel, "publish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            carried.carry()
    assert done.is_set()
    monkeypatch.setattr(carried, "outbox", queue.Queue(1))
    assert [carried.discard(("history:1",)).is_set() for _ in range(2)] == [False, True]


def test_what_redis_does_not_take_is_counted(process):
    one = process()
    one.channel.away = True
    before = metrics.RELAY_DROPPED._value.get()
    one.emit(*TYPING)
    assert metrics.RELAY_DROPPED._value.get() - before == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b"[" * 100_000,
        b"{}",
        b'{"from": "x", "event": "typing"}',
        b'{"from": "x", "event": 7, "data": {}, "namespace": "/chat", "room": "r", "skip": null}',
        b'{"from": "x", "event": "typing", "data": [], "namespace": "/chat", "room": "r", "skip": null}',
        b'{"from": "x", "event": "typing", "data": {}, "namespace": "/chat", "room": null, "skip": null}',
        b'{"from": "x", "event": "typing", "data": {}, "namespace": "/chat", "room": "r", "skip": [7]}',
        b'{"from": "x", "event": "newMessage", "data": {}, "namespace": "/chat", "room": "r", "skip": null}',
        b'{"method": "disconnect", "sid": "x", "namespace": "/chat", "host_id": "x"}',
    ],
)
def test_garbage_is_counted_and_forgotten(process, garbage):
    one = process()
    before = metrics.RELAY_UNREADABLE._value.get()
    one.hear(garbage)
    assert metrics.RELAY_UNREADABLE._value.get() - before == 1
    assert [event for event, *_ in one.heard if event == "disconnect"] == []


def test_a_person_is_skipped_in_every_process(process):
    one, two = process(), process()
    for sid, person_id in (("a", 1), ("b", 1), ("c", 2)):
        connections.add(Connection(sid, person_id, ("token", 1)))
    one.emit(*TYPING, skip_sid=[connections.all_of(1)])
    two.hear(one.channel.published[0].encode())
    assert [how["skip_sid"] for here in (one, two) for *_, how in here.heard] == [["a", "b"]] * 2
    assert "person:1" in one.channel.published[0]


@pytest.mark.parametrize(
    ("skip", "sids"),
    [(None, []), ("a", ["a"]), (["a", "zz"], ["a", "zz"]), ("person:1", ["a"]), (["person:9", "person:x"], [])],
)
def test_sids_and_people_may_stand_together(app, skip, sids):
    connections.add(Connection("a", 1, ("token", 1)))
    assert connections.sids_of(skip) == sids


@pytest.mark.parametrize(("uri", "notes"), [("sqlite:///chat.sqlite3", False), ("postgresql+psycopg2://h/chat", True)])
def test_without_redis_everybody_is_here_and_postgresql_may_know_more_than_they_were_told(app, uri, notes):
    alone = relay.manager_for({"SQLALCHEMY_DATABASE_URI": uri})
    assert type(alone) is (clients.NotingClients if notes else clients.LocalClients)
    assert relay.may_miss_changes({"SQLALCHEMY_DATABASE_URI": uri}) is notes
    assert alone.start() is None


def test_what_comes_twice_is_told_once(process):
    one, two = process(), process()
    delivered.begin(ROOM, 0, 0)
    one.emit(*change("newMessage", 1))
    delivered._rooms.clear()  # the other process's memory is another
    delivered.begin(ROOM, 0, 0)
    for _ in range(3):
        two.hear(one.channel.published[0].encode())
    assert len(two.heard) == 1


def test_work_that_stumbles_goes_on(process, monkeypatch):
    class Enough(BaseException):
        pass

    one, turns = process(), []
    one.server = SimpleNamespace(sleep=turns.append)

    def work():
        if len(turns) == 3:
            raise Enough
        raise RuntimeError

    with pytest.raises(Enough):
        one.for_ever(work)
    assert turns == [1, 1, 1]


def test_told_without_a_hole():
    count = delivered.Count(10)
    for number in (12, 13, 15, 3):
        count.add(number)
    assert (count.upto, count.beyond) == (10, {12, 13, 15})
    assert [number for number in range(9, 17) if count.holds(number)] == [9, 10, 12, 13, 15]
    count.add(11)
    assert (count.upto, count.beyond) == (13, {15})
    count.reach(14)
    assert (count.upto, count.beyond) == (15, set())
    count.reach(12)
    assert count.upto == 15


def test_a_room_nobody_listens_to_is_forgotten(app):
    delivered.begin("a", 3, 2)
    delivered.begin("b", 5, 5)
    delivered.begin("a", 9, 9)  # who comes later changes nothing
    assert delivered.keep({"a"}.__contains__) == {"a": 3}
    assert delivered.of("b") is None
    delivered.reach("b", 7)
    assert delivered.of("b") is None


def test_every_chat_has_a_channel_of_its_own():
    here = {"SECRET_KEY": "one", "REDIS_URL": "redis://localhost:6379/0"}
    names = [
        channel.name_of(settings)
        for settings in (
            here,
            here | {"REDIS_URL": "redis://localhost:6379/3"},
            here | {"SECRET_KEY": "two"},
            here | {"REDIS_URL": None},
        )
    ]
    assert len(set(names[:3])) == 3 and names[3] == names[0]
    assert names[1].startswith("chatapp:3:") and "one" not in names[0]


def test_any_node_of_a_cluster_serves():
    settings = {"REDIS_CLUSTER_NODES": [("one", 7000), ("::1", 7001)], "REDIS_PASSWORD": "secret"}
    found = channel.ways(settings)
    assert [one["REDIS_URL"] for one in found] == ["redis://one:7000", "redis://[::1]:7001"]
    assert all(one["REDIS_PASSWORD"] == "secret" and not one["REDIS_CLUSTER_NODES"] for one in found)
    assert channel.ways({"REDIS_URL": "redis://one"}) == [{"REDIS_URL": "redis://one"}]
