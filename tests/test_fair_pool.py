"""Who waits longest for a connection gets the next one."""

import threading
import time

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import TimeoutError as NoneInTime
from sqlalchemy.util.queue import Empty

from chatapp import fair_pool
from chatapp.extensions import db
from chatapp.fair_pool import FairPool, Line


def waiting(line, count):
    """Threads that each wait for a thing; what each got, in the order of asking."""
    got = [[] for _ in range(count)]
    threads = []
    for mine in got:
        threads.append(threading.Thread(target=lambda mine=mine: mine.append(line.get(True, 10))))
        threads[-1].start()
        while len(line.places) < len(threads):
            time.sleep(0.001)
    return threads, got


def test_what_comes_back_goes_to_the_first_who_waits_and_to_no_newcomer():
    line = Line(2)
    threads, got = waiting(line, 3)
    for thing in ("a", "b", "c"):
        line.put(thing, False)
        with pytest.raises(Empty):
            line.get(False)
    for thread in threads:
        thread.join(10)
    assert got == [["a"], ["b"], ["c"]]
    line.put("d", False)
    assert line.get(True, 10) == "d"


def test_who_waited_in_vain_is_not_handed_anything_later():
    line = Line(1)
    with pytest.raises(Empty):
        line.get(True, 0.01)
    line.put("a", False)
    assert line.get(False) == "a"


class Stopped(BaseException):
    """A green thread is told to end where it waits."""


@pytest.mark.parametrize("was_handed_something", [True, False])
def test_what_was_handed_to_somebody_who_is_stopped_goes_to_the_next(monkeypatch, was_handed_something):
    line = Line(1)

    class Place:
        item = None

        def __init__(self):
            self.came = self

        def release(self):
            """Too late: whoever waited has been stopped."""

        def acquire(self, timeout):
            if was_handed_something:
                line.put("a", False)
            raise Stopped

    monkeypatch.setattr(fair_pool, "Place", Place)
    with pytest.raises(Stopped):
        line.get(True, 10)
    if not was_handed_something:
        line.put("a", False)
    assert not line.places
    assert line.get(False) == "a"


def test_few_connections_serve_many_who_never_pause(tmp_path):
    engine = create_engine(
        f"sqlite:///{tmp_path / 'a'}", poolclass=FairPool, pool_size=1, max_overflow=1, pool_timeout=20
    )
    longest = []

    def ask_again_and_again():
        for _ in range(50):
            began = time.monotonic()
            with engine.connect():
                longest.append(time.monotonic() - began)
                time.sleep(0.001)

    threads = [threading.Thread(target=ask_again_and_again) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(longest) == 16 * 50
    assert engine.pool.checkedout() == 0
    with engine.connect(), engine.connect():
        engine.pool._timeout = 0.01
        with pytest.raises(NoneInTime):
            engine.connect()
    engine.dispose()


def test_the_database_is_reached_through_it(inside):
    assert isinstance(db.engine.pool, FairPool)


def test_a_connection_is_asked_whether_it_lives_only_after_it_lay_idle(monkeypatch):
    asked = []
    engine = create_engine("sqlite://", poolclass=FairPool, pool_pre_ping=True)
    monkeypatch.setattr(engine.dialect, "do_ping", lambda connection: asked.append(connection) or True)
    moment = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    for idle, expected in ((0, 0), (0.9, 0), (0.9, 0), (1.1, 1), (0.9, 1)):
        moment[0] += idle
        with engine.connect():
            assert len(asked) == expected
    engine.dispose()
