"""Who writes in a room waits in a line of this process, without a connection, and is served in the order of coming."""

import threading
import time

import pytest

from chatapp import waiting_line
from chatapp.errors import Unavailable
from chatapp.extensions import db
from chatapp.models import Person

ROOM = "a room"


@pytest.fixture
def line(app):
    """`line(act)`: a thread that stands in the line before it acts; answers once it stands there."""
    threads = []

    def stand(act):
        def run():
            with app.app_context(), waiting_line.turn_in(ROOM):
                act()

        before = len(waiting_line._lines.get(ROOM, ()))
        threads.append(threading.Thread(target=run))
        threads[-1].start()
        while len(waiting_line._lines.get(ROOM, ())) == before:
            time.sleep(0.001)

    yield stand
    for thread in threads:
        thread.join(10)


def test_in_the_order_of_coming_one_at_a_time(inside, line):
    order, inner = [], []

    def act(number):
        inner.append(number)
        assert len(inner) == 1
        time.sleep(0.002)
        order.append(inner.pop())

    with waiting_line.turn_in(ROOM):
        for number in range(10):
            line(lambda number=number: act(number))
        assert order == []
        with waiting_line.turn_in("another room"):
            pass
    while waiting_line._lines:
        time.sleep(0.001)
    assert order == list(range(10))


def test_who_waits_holds_no_connection(app, inside, monkeypatch):
    monkeypatch.setattr(waiting_line, "TURN_S", 0.3)
    waits, done = threading.Event(), []

    def wait():
        with app.app_context():
            db.session.query(Person).all()
            held = db.engine.pool.checkedout()
            waits.set()
            try:
                with waiting_line.turn_in(ROOM):
                    pass
            except Unavailable as error:
                done.append((error.retry_after, held, db.engine.pool.checkedout()))

    with waiting_line.turn_in(ROOM):
        thread = threading.Thread(target=wait)
        thread.start()
        assert waits.wait(5)
        thread.join(10)
    assert done == [(1, 1, 0)]
    assert waiting_line._lines == {}


def test_who_gives_up_or_fails_holds_nobody_up(inside, line, monkeypatch):
    came = []
    with waiting_line.turn_in(ROOM):
        with monkeypatch.context() as patch:
            patch.setattr(waiting_line, "TURN_S", 0.0)
            with pytest.raises(Unavailable), waiting_line.turn_in(ROOM):
                pass
        line(lambda: came.append("after the one who gave up"))
    with pytest.raises(ZeroDivisionError), waiting_line.turn_in(ROOM):
        raise ZeroDivisionError
    with waiting_line.turn_in(ROOM):
        came.append("after the one who failed")
    while waiting_line._lines:
        time.sleep(0.001)
    assert sorted(came) == ["after the one who failed", "after the one who gave up"]


def test_handed_over_in_the_moment_of_giving_up_it_is_passed_on(inside):
    with waiting_line.turn_in(ROOM):
        place = waiting_line.stand(ROOM)
    assert place.acquire(blocking=False)  # its turn, though nobody waits for it any more
    waiting_line.leave(ROOM, place)
    assert waiting_line._lines == {}
