"""A process that is asked to stop lets all its connections go side by side, however long each takes, and in time."""

import time
from types import SimpleNamespace

import pytest

from chatapp.extensions import socketio
from chatapp.realtime import server

SLOWLY_S = 0.05
COUNT = 60


class Connection:
    """One whose end takes a while, as Redis is told of it."""

    def __init__(self, ends=lambda: time.sleep(SLOWLY_S)):
        self.ends, self.how = ends, []

    def close(self, **how):
        self.ends()
        self.how.append(how)


class Driver:
    """A driver's server, that notes how long it was given."""

    drained = None

    def shut(self):
        pass

    def drain(self, seconds):
        self.drained = seconds
        return True


@pytest.fixture
def stops(app, monkeypatch):
    """`stops(connections)`: the process is asked to stop; what the driver was given, and how long it took."""
    monkeypatch.setattr(server, "_before_stop", [])

    def stop(held):
        monkeypatch.setattr(socketio.server.eio, "sockets", dict(enumerate(held)))
        driver, began = Driver(), time.monotonic()
        server.stop(app, driver, socketio)
        return driver.drained, time.monotonic() - began

    return stop


def test_all_are_let_go_side_by_side(stops):
    held = [Connection() for _ in range(COUNT)]
    drained, took = stops(held)
    farewell = {"wait": False, "abort": True, "reason": socketio.server.eio.reason.SERVER_DISCONNECT}
    assert [one.how for one in held] == [[farewell]] * COUNT
    assert took < COUNT * SLOWLY_S / 3
    assert server.GRACE_S - took - 0.1 < drained <= server.GRACE_S


def test_more_than_fit_at_once_have_their_turn(stops, monkeypatch):
    monkeypatch.setattr(server, "ENDED_AT_ONCE", 7)
    held = [Connection(lambda: None) for _ in range(COUNT)]
    stops(held)
    assert [len(one.how) for one in held] == [1] * COUNT


def test_one_that_cannot_be_ended_holds_up_no_other(stops, monkeypatch):
    lines = []
    monkeypatch.setattr(server, "ENDED_AT_ONCE", 1)
    monkeypatch.setattr(server, "log", SimpleNamespace(info=lambda *_, **__: None, exception=lines.append))

    def breaks():
        raise OSError("it has gone")

    held = [Connection(breaks), Connection()]
    stops(held)
    assert len(held[1].how) == 1 and lines == ["connection_not_ended"]


def test_what_takes_too_long_is_not_waited_for(stops, monkeypatch):
    monkeypatch.setattr(server, "GRACE_S", 0.2)
    drained, took = stops([Connection(lambda: time.sleep(2))])
    assert drained == 0 and took < 1


def test_with_nobody_there_it_ends_at_once(stops):
    drained, _ = stops([])
    assert drained > server.GRACE_S - 1
