"""Read replicas, real ones: one that follows, lags, dies, freezes, or is none at all. Nobody reads less than was said."""

import json
import os
import random
import threading
import time
import urllib.request
from contextlib import suppress

import pytest

from chatapp import cached, history, rooms
from chatapp.extensions import db, replicas
from tests.cast import Somebody
from tests.live.server import MODES
from tests.stack.servers import Postgres
from tests.stack.test_cache import QUICK_S, made, page, says, talk
from tests.storm import Storm, slow_to_store

CATCHES_UP_S = 20


@pytest.fixture(scope="module")
def primary(tmp_path_factory):
    server = Postgres(tmp_path_factory.mktemp("primary")).start()
    yield server
    server.end()


@pytest.fixture
def following(primary, tmp_path):
    """`following(2)`: so many replicas of `primary`."""
    made = []

    def make(count):
        made.extend(Postgres(tmp_path / f"replica{number}", of=primary).start() for number in range(count))
        return made

    yield make
    for server in made:
        server.end()


@pytest.fixture
def chat(primary, following):
    """The application on a primary and two replicas; every page is read, none is cached."""
    name = f"chat{os.urandom(4).hex()}"
    url = primary.makes(name)
    two = following(2)
    app = made(url, DATABASE_REPLICA_URLS=",".join(one.url(name) for one in two))
    app.config["TWO"], app.config["NAME"] = two, name
    with app.app_context():
        db.create_all()
    yield app
    with app.app_context():
        db.engine.dispose()
    for one in replicas.all:
        one.engine.dispose()


@pytest.fixture
def two(chat):
    return chat.config["TWO"]


@pytest.fixture
def ana(chat):
    return Somebody(chat, "Ana")


@pytest.fixture
def room(ana, two, chat):
    room = talk(ana)
    for one in two:
        catches_up(one, chat, room)
    replicas.probe()
    return room


def catches_up(one, chat, room, rev=12):
    deadline = time.monotonic() + CATCHES_UP_S
    while True:
        with suppress(Exception):
            question = f"SELECT rev FROM rooms WHERE id = '{room}'"  # noqa: S608
            if one.asks(question, chat.config["NAME"]) == [(rev,)]:
                return
        assert time.monotonic() < deadline, "the replica does not follow"
        time.sleep(0.02)


@pytest.fixture
def answers(monkeypatch):
    """How each question to a replica went: True where its rows were taken."""
    found, ask = [], replicas.ask

    def noted(question):
        answer = ask(question)
        found.append(answer is not None)
        return answer

    monkeypatch.setattr(replicas, "ask", noted)
    return found


def reads(somebody, room):
    """A page that comes from no cache, and how long it took."""
    with somebody.app.app_context():
        cached.forget(room)
    began = time.monotonic()
    return page(somebody, room), time.monotonic() - began


def test_a_page_comes_from_the_replicas_in_turn_when_they_show_it_all(ana, room, answers, monkeypatch):
    asked = []
    for one in replicas.all:
        run = one.run
        monkeypatch.setattr(one, "run", lambda *a, run=run, name=one.name: asked.append(name) or run(*a))
    for _ in range(4):
        assert [said["seq"] for said in reads(ana, room)[0]["messages"]] == list(range(3, 13))
    assert answers == [True] * 4
    assert {asked.count(one.name) for one in replicas.all} == {2}
    for query in ("?before=5", "?after=7", "?afterRev=3"):
        ana.gets(f"/sessions/{room}/messages{query}")
    whole = ana.gets(f"/sessions/{room}")
    assert [one["id"] for one in whole["members"]] == [ana.id]
    assert all(answers) and len(answers) == 8


def test_one_that_lags_is_asked_and_not_believed(ana, chat, two, room, answers, note):
    for one in two:
        one.asks("SELECT pg_wal_replay_pause()")
    said = says(ana, room, "not there yet")
    shown, took = reads(ana, room)
    assert shown["messages"][-1] == said and answers == [False] and took < QUICK_S
    ben = Somebody(chat, "Ben")
    assert ana.calls("PUT", f"/sessions/{room}/members/{ben.id}").status_code == 200
    assert {one["id"] for one in ana.gets(f"/sessions/{room}")["members"]} == {ana.id, ben.id}
    assert replicas.state() == "2 of 2" and not any(answers)
    for one in two:
        one.asks("SELECT pg_wal_replay_resume()")
        catches_up(one, chat, room, 13)
    deadline = time.monotonic() + CATCHES_UP_S
    while not answers[-1]:  # the member's coming may be on its way yet
        assert time.monotonic() < deadline
        assert reads(ana, room)[0]["messages"][-1] == said
    note(f"a page that a lagging replica cannot answer: {took * 1000:.0f} ms")


@pytest.mark.parametrize("way", ["freeze", "kill"])
def test_one_that_fails_costs_little_once_and_is_found_again(ana, two, room, answers, note, way):
    getattr(two[0], way)()
    times = []
    for number in range(8):
        said = says(ana, room, f"still here {number}")
        shown, took = reads(ana, room)
        times.append(took)
        assert shown["messages"][-1] == said
    assert max(times) < QUICK_S and replicas.state() == "1 of 2"
    readyz = ana.app.test_client().get("/readyz")
    assert (readyz.status_code, readyz.json["status"], readyz.json["replicas"]) == (200, "degraded", "1 of 2")
    assert "does not answer" in ana.app.test_cli_runner().invoke(args=["doctor"]).output
    two[0].thaw() if way == "freeze" else two[0].start()
    deadline = time.monotonic() + CATCHES_UP_S
    while replicas.state() != "2 of 2":
        assert time.monotonic() < deadline
        replicas.probe()
        time.sleep(0.1)
    assert ana.app.test_client().get("/readyz").json["status"] == "ok"
    note(f"8 pages after one of two replicas failed ({way}): the slowest {max(times) * 1000:.0f} ms")


def test_many_readers_at_a_frozen_one_take_few_threads(ana, two, room, chat):
    for one in two:
        one.freeze()
    before = threading.active_count()
    crowd = [threading.Thread(target=reads, args=(ana, room)) for _ in range(40)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    for _ in range(15):
        replicas.probe()
    assert threading.active_count() - before <= 2 * 10
    assert replicas.state() == "0 of 2"


def test_what_is_no_replica_is_left_alone_and_named(primary, chat, ana, room, answers):
    empty = primary.makes(f"empty{os.urandom(4).hex()}")
    app = made(primary.url(chat.config["NAME"]), DATABASE_REPLICA_URLS=empty)
    somebody = Somebody(app, "Cleo")
    mine = talk(somebody)
    assert reads(somebody, mine)[0]["lastRev"] == 12 and not any(answers)
    assert replicas.state() == "0 of 1"
    replicas.probe()
    assert "is no replica" in app.test_cli_runner().invoke(args=["doctor"]).output


def test_the_doctor_says_how_far_behind_each_is(ana, room):
    found = ana.app.test_cli_runner().invoke(args=["doctor"]).output
    assert found.count("bytes behind") == 2


def test_a_question_holds_no_connection_of_the_primary(chat, ana, room, monkeypatch):
    held, ask = [], replicas.ask
    with chat.app_context():
        pool = db.engine.pool
    monkeypatch.setattr(replicas, "ask", lambda question: held.append(pool.checkedout()) or ask(question))
    reads(ana, room), ana.gets(f"/sessions/{room}"), ana.gets(f"/sessions/{room}/messages?after=3")
    assert len(held) >= 3 and set(held) == {0}


def test_in_a_storm_no_answer_is_old_though_replicas_lag(chat, ana, two, room, monkeypatch, note, long_form, answers):
    slow_to_store(monkeypatch)
    ben, going = Somebody(chat, "Ben"), threading.Event()

    def weather():
        chance = random.Random(3)
        while not going.wait(0.3):
            one = chance.choice(two)
            with suppress(Exception):
                one.asks(f"SELECT pg_wal_replay_{chance.choice(('pause', *['resume'] * 5))}()")
            replicas.probe()

    lagging = threading.Thread(target=weather)
    lagging.start()
    try:
        blown = Storm(chat, ana.id, ben.id, [ana.makes() for _ in range(20)], cached.cache.clear)
        blown.blows(100_000, seconds=3_600 if long_form else 10)
    finally:
        going.set()
        lagging.join()
    note(
        f"a storm of {blown.count:,} over two replicas that lag: {len(blown.stale)} old answers, {len(blown.accidents)} errors, {sum(answers):,} of {len(answers):,} pages from a replica"
    )
    assert (blown.stale, blown.accidents) == ([], [])
    assert sum(answers) > 20


def test_the_storm_finds_old_answers_where_a_replica_is_believed(chat, ana, two, room, monkeypatch, note):
    monkeypatch.setattr(history, "shows", lambda *_: True)
    for one in two:
        one.asks("SELECT pg_wal_replay_pause()")
    with chat.app_context():
        membership = rooms.membership_of(ana.row(), room)
        said = says(ana, room, "new")
        assert history.before(membership, None, 5)["messages"][-1] != said
    for one in two:
        one.asks("SELECT pg_wal_replay_resume()")


@pytest.mark.parametrize("mode", MODES)
def test_a_server_goes_on_at_once_when_every_replica_is_frozen(chat, ana, two, room, starts, note, mode):
    replica_urls = ",".join(one.url(chat.config["NAME"]) for one in two)
    server = starts(
        DATABASE_URL=chat.config["SQLALCHEMY_DATABASE_URI"], DATABASE_REPLICA_URLS=replica_urls, ASYNC_MODE=mode
    )[0]

    def asks(path):
        asking = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {ana.token}"})
        began = time.monotonic()
        with urllib.request.urlopen(asking, timeout=30) as answer:
            return json.load(answer), time.monotonic() - began

    def replicas_are(state):
        deadline = time.monotonic() + CATCHES_UP_S
        while asks("/readyz")[0]["replicas"] != state:
            assert time.monotonic() < deadline, asks("/readyz")
            time.sleep(0.1)

    replicas_are("2 of 2")
    before = f"/api/v1/sessions/{room}/messages?before=9"
    shown, _ = asks(before)
    for one in two:
        one.freeze()
    found = [asks(before) for _ in range(20)]
    assert all(page == shown for page, _ in found)
    slowest = max(took for _, took in found)
    assert slowest < 2 * QUICK_S  # once for each
    replicas_are("0 of 2")
    for one in two:
        one.thaw()
    replicas_are("2 of 2")
    assert asks(before)[0] == shown
    note(f"20 pages from a server on {mode} whose two replicas froze: the slowest {slowest * 1000:.0f} ms")
