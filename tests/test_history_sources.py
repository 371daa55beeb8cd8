"""Where a page may come from: the cache, one reader who fetches for all, a replica that shows the room as it is."""

import threading

import pytest
from sqlalchemy.exc import OperationalError

from chatapp import cached, flights, history, rooms
from chatapp.extensions import db, replicas
from chatapp.replica_link import Replica


@pytest.fixture
def talk(ana, room):
    return [ana.says(f"number {number}", room) for number in range(12)]


@pytest.fixture
def replica(inside, monkeypatch):
    """The database itself stands in for one that follows at once."""
    one = Replica(db.engine.url.render_as_string(hide_password=False), {})
    monkeypatch.setattr(replicas, "all", [one])
    monkeypatch.setattr("chatapp.replica_link.ANSWER_S", 5)
    yield one
    one.engine.dispose()


def test_a_replica_that_shows_the_room_as_it_is_answers_for_the_primary(ana, room, talk, replica, queries):
    membership = rooms.membership_of(ana.row(), room)
    with queries() as statements:
        assert history.before(membership, None, 10)["messages"] == talk[2:]
        assert [one["id"] for one in history.full(membership)["members"]]
    assert statements == []
    assert replicas.state() == "1 of 1"


@pytest.mark.parametrize("counter", ["rev", "version"])
def test_one_that_shows_another_state_is_not_believed(ana, room, talk, replica, queries, counter):
    membership = rooms.membership_of(ana.row(), room)
    db.session.expunge_all()
    setattr(membership.room, counter, getattr(membership.room, counter) + 1)
    with queries() as statements:
        assert history.before(membership, None, 10)["messages"] == talk[2:]
    assert len(statements) == 1 and replicas.state() == "1 of 1"


def test_one_that_fails_is_left_alone_until_it_answers_again(ana, room, talk, replica, stranger, monkeypatch):
    membership, run = rooms.membership_of(ana.row(), room), replica.run

    def refused(_question, errand):
        run(lambda _: 1 / 0, errand)

    monkeypatch.setattr(replica, "run", refused)
    assert history.before(membership, None, 10)["messages"] == talk[2:]
    assert replicas.state() == "0 of 1" and stranger.opens("/readyz").json["status"] == "degraded"
    replicas.probe()
    assert replicas.state() == "0 of 1"
    monkeypatch.setattr(replica, "run", run)
    replicas.probe()
    assert replicas.state() == "1 of 1"


def test_one_that_is_silent_is_not_waited_for_and_takes_no_more_than_its_places(ana, room, talk, replica, monkeypatch):
    silence, membership = threading.Event(), rooms.membership_of(ana.row(), room)
    monkeypatch.setattr("chatapp.replica_link.ANSWER_S", 0.05)
    asked = []

    def silent(_question, errand):
        asked.append(1)
        silence.wait(30)
        replica.places.release()
        errand.over.set()

    monkeypatch.setattr(replica, "run", silent)
    assert history.before(membership, None, 10)["messages"] == talk[2:]
    for _ in range(15):
        replicas.probe()
    assert len(asked) == 10 and replicas.state() == "0 of 1"
    silence.set()


def test_the_rooms_where_something_was_said_last_are_made_ready(inside, ana, room, talk):
    quiet, second = ana.makes("Quiet"), ana.makes("Second")
    ana.says("later", second)
    assert history.warm(1) == 1
    assert [cached.cache.get(cached.history_key(one)) is not None for one in (quiet, second, room)] == [
        False,
        True,
        False,
    ]
    assert history.warm(10) == 2


@pytest.mark.parametrize("junk", [None, [], "text", 12, {}, {"messages": []}, {"stamp": None}, {"stamp": [12]}])
def test_what_is_no_page_of_ours_is_a_miss(inside, ana, room, talk, junk):
    shown = ana.gets(f"/sessions/{room}/messages")
    cached.cache.set(cached.history_key(room), junk)
    assert ana.gets(f"/sessions/{room}/messages") == shown


def test_a_change_of_the_room_drops_what_it_made_untrue(inside, ana, cleo, eve, olga, room, talk):
    from chatapp import members, people

    membership = rooms.membership_of(ana.row(), room)
    changes = (
        lambda: rooms.revise(membership, name="Galley"),
        lambda: rooms.archive(rooms.get(room)),
        lambda: rooms.archive(rooms.get(room), archived=False),
        lambda: members.invite(membership, eve.id),
        lambda: members.put_out(membership, eve.id),
        lambda: people.promote(cleo.row()),
        lambda: people.deactivate(cleo.row()),
        lambda: people.reactivate(cleo.row()),
    )
    for number, change in enumerate(changes):
        ana.gets(f"/sessions/{room}")
        change()
        held = cached.cache.get(cached.full_key(room)), cached.cache.get(cached.history_key(room))
        assert (held[0], held[1] is not None) == (None, True), number


def together(count, fetch):
    """What each of so many got who asked at once: an answer, or the class of an error."""
    got = []

    def one():
        try:
            got.append(flights.shared("thing", fetch))
        except BaseException as error:
            got.append(type(error))

    crowd = [threading.Thread(target=one) for _ in range(count)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(10)
    return got


@pytest.mark.parametrize(
    ("error", "told"), [(OperationalError("x", {}, Exception()), OperationalError), (SystemExit(), RuntimeError)]
)
def test_an_error_of_the_one_who_fetches_is_everybodys(error, told):
    waited, calls = threading.Event(), []

    def fails():
        calls.append(1)
        waited.wait(0.3)
        raise error

    got = together(5, fails)
    assert len(calls) == 1 and got.count(type(error)) >= 1 and set(got) == {type(error), told}
    assert flights.shared("thing", lambda: "new") == "new"


def test_who_has_waited_too_long_fetches_for_himself(monkeypatch):
    monkeypatch.setattr(flights, "PATIENCE_S", 0.05)
    calls, slowly = [], threading.Event()

    def fetch():
        calls.append(1)
        if len(calls) == 1:
            slowly.wait(0.5)
        return "thing"

    assert together(3, fetch) == ["thing"] * 3
    assert len(calls) == 3


def test_those_who_want_another_thing_do_not_wait(monkeypatch):
    begun, slowly = threading.Event(), threading.Event()

    def slow():
        begun.set()
        slowly.wait(10)

    first = threading.Thread(target=flights.shared, args=("one", slow))
    first.start()
    begun.wait(10)
    assert flights.shared("another", lambda: "at once") == "at once"
    slowly.set()
    first.join(10)


def test_no_connection_is_held_while_a_command_tells_or_asks_the_cache(app, ana, ben, room, talk, monkeypatch):
    from chatapp import presence, typists
    from chatapp.extensions import socketio

    ana.enters(room), ben.enters(room)
    with app.app_context():
        pool = db.engine.pool
    held = []

    def watched(thing, name):
        real = getattr(thing, name)
        monkeypatch.setattr(thing, name, lambda *a, **k: held.append((name, pool.checkedout())) or real(*a, **k))

    for thing, name in (
        (cached.cache, "get"),
        (socketio, "emit"),
        (presence, "who"),
        (presence, "arrive"),
        (typists, "hear"),
    ):
        watched(thing, name)
    ana.asks("typing", {"sessionId": room, "isTyping": True}), ana.asks("stopTyping", {"sessionId": room})
    ana.says("hi", room), ana.edits(talk[0], "other"), ana.removes(talk[1])
    ana.leaves(room), ana.enters(room), ana.asks("syncSession", {"sessionId": room, "afterRev": 3, "streams": []})
    for path in ("messages", "online"):
        ana.gets(f"/sessions/{room}/{path}")
    ana.gets(f"/sessions/{room}"), ana.calls("POST", f"/sessions/{room}/typing")
    assert {name for name, _ in held} == {"get", "emit", "who", "arrive", "hear"}
    assert {one for one in held if one[1]} == set()
