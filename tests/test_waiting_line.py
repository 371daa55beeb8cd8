"""Who writes in a room waits in a line of this process, without a connection, and is served in the order of coming."""

import threading
import time

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

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
    assert place.turn.acquire(blocking=False)  # its turn, though nobody waits for it any more
    waiting_line.leave(ROOM, place)
    assert waiting_line._lines == {}


@pytest.fixture
def crowd(app):
    """`crowd(works, do)`: threads that stand in the line with their work, in this order; `ended()` answers what came
    to each, an error by its name."""
    threads, answers = [], {}

    def stand(works, do):
        for work in works:
            threads.append(threading.Thread(target=run, args=(work, do)))
            before = len(waiting_line._lines.get(ROOM, ()))
            threads[-1].start()
            while len(waiting_line._lines.get(ROOM, ())) == before:
                time.sleep(0.001)

    def run(work, do):
        with app.app_context():
            try:
                answers[work] = waiting_line.together(ROOM, work, do)
            except Exception as error:
                answers[work] = type(error).__name__

    def ended():
        for thread in threads:
            thread.join(10)
        assert waiting_line._lines == {}
        return answers

    stand.ended = ended
    return stand


def test_the_work_of_those_who_wait_is_done_at_once(inside, crowd):
    calls = []

    def do(works):
        calls.append(list(works))
        return [work * 10 for work in works]

    with waiting_line.turn_in(ROOM):
        crowd([1, 2, 3, 4], do)
    assert crowd.ended() == {1: 10, 2: 20, 3: 30, 4: 40}
    assert calls == [[1, 2, 3, 4]]


def test_whose_work_cannot_be_done_spoils_it_for_nobody_else(inside, crowd):
    calls = []

    def do(works):
        calls.append(list(works))
        if 2 in works:
            raise IntegrityError("INSERT", {}, Exception())
        return [work * 10 for work in works]

    with waiting_line.turn_in(ROOM):
        crowd([1, 2, 3, 4], do)
    assert crowd.ended() == {1: 10, 2: "IntegrityError", 3: 30, 4: 40}
    assert calls == [[1, 2, 3, 4], [1], [2], [3], [4]]


def test_when_the_database_is_away_each_is_told(inside, crowd):
    calls = []

    def do(works):
        calls.append(list(works))
        raise OperationalError("UPDATE", {}, Exception())

    with waiting_line.turn_in(ROOM):
        crowd([1, 2, 3], do)
    assert set(crowd.ended().values()) == {"OperationalError"}
    assert calls == [[1, 2, 3], [2], [3]]


def test_only_so_many_are_done_at_once_and_whoever_has_other_work_stays_between(inside, crowd, line, monkeypatch):
    monkeypatch.setattr(waiting_line, "TOGETHER_MAX", 2)
    calls = []

    def do(works):
        calls.append(list(works))
        return works

    with waiting_line.turn_in(ROOM):
        crowd([1, 2, 3], do)
        line(lambda: calls.append("something else"))
        crowd([4], do)
    crowd.ended()
    assert calls == [[1, 2], [3], "something else", [4]]


def test_whose_patience_ends_while_it_is_being_done_waits_for_the_end(inside, crowd, monkeypatch):
    monkeypatch.setattr(waiting_line, "TURN_S", 0.2)

    def do(works):
        time.sleep(0.6)
        return works

    with waiting_line.turn_in(ROOM):
        crowd([1, 2], do)
    assert crowd.ended() == {1: 1, 2: 2}


def test_whose_patience_has_ended_is_left_out(inside, crowd, monkeypatch):
    monkeypatch.setattr(waiting_line, "TURN_S", 0.1)
    calls = []
    with waiting_line.turn_in(ROOM):
        crowd([1, 2], lambda works: calls.append(works) or works)
        time.sleep(0.4)
    assert crowd.ended() == {1: "Unavailable", 2: "Unavailable"} and calls == []


def test_who_is_stopped_while_others_do_his_work_does_not_come_back(inside):
    with waiting_line.turn_in(ROOM):
        stopped, other = waiting_line.stand(ROOM, "his"), waiting_line.stand(ROOM, "mine")
        mates = waiting_line.take_along(ROOM)
        assert mates == [stopped, other]
        waiting_line.leave(ROOM, stopped)
        waiting_line.give_back(ROOM, mates)
        assert list(waiting_line._lines[ROOM]) == [other]
    assert other.turn.acquire(blocking=False)
    waiting_line.leave(ROOM, other)
    assert waiting_line._lines == {}
