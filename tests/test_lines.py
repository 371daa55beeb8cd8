"""The way out to one WebSocket: in order whatever the system takes, bounded, and never waited for."""

import contextlib
import random
import socket

import pytest
from eventlet.websocket import RFC6455WebSocket

from chatapp.realtime import bounds, lines
from chatapp.realtime.lines import Line, framed


class Wire:
    """A socket that takes as much as it is told to, and `at_most` so much at a time later. `text` is what came through; background work is done by `works`."""

    def __init__(self, takes=None, at_most=50):
        self.takes, self.at_most, self.text, self.started, self.ended, self.hung_up = takes, at_most, b"", [], [], 0
        self.is_gone = False
        self.line = Line(self, self.send_now, self.started.append)

    def setsockopt(self, *_):
        pass

    def shutdown(self, how):
        self.ended.append(how)

    def send_now(self, data):
        if self.is_gone:
            raise BrokenPipeError
        sent = len(data) if self.takes is None else min(self.takes, len(data))
        if not sent and data:
            raise BlockingIOError
        self.text += data[:sent]
        self.takes = self.takes if self.takes is None else self.takes - sent
        return sent

    def send(self, data):
        """As send_now, but it waits until some goes."""
        if not self.takes:
            self.takes = random.randint(1, self.at_most)
        return self.send_now(data)

    def works(self):
        while self.started:
            self.started.pop(0)()

    def hang_up(self):
        self.hung_up += 1


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 100_000])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_frame_is_what_upstream_makes(length, letter):
    upstream = RFC6455WebSocket._pack_message
    stand_in = type("", (), {"_get_permessage_deflate_enc": lambda self: None})()
    assert framed(letter * length) == upstream(stand_in, letter * length)
    assert framed(b"x" * length) == upstream(stand_in, b"x" * length)


def test_what_fits_leaves_at_once():
    wire = Wire()
    wire.line.write(b"one")
    assert (wire.text, wire.started) == (b"one", [])


@pytest.mark.parametrize("seed", range(50))
def test_all_arrives_in_order_however_little_fits(seed):
    dice = random.Random(seed)
    random.seed(seed)
    wire, said = Wire(takes=dice.randint(0, 30)), b""
    for number in range(dice.randint(1, 60)):
        piece = b"<%d>" % number * dice.randint(1, 20)
        said += piece
        wire.line.write(piece)
        if dice.random() < 0.2:
            wire.takes = dice.randint(0, 100)
        if dice.random() < 0.1:
            wire.works()
    wire.works()
    assert wire.text == said
    assert wire.line.weight == 0 and not wire.line.waiting


def test_one_task_sends_whatever_waits():
    wire = Wire(takes=0)
    for _ in range(10):
        wire.line.write(b"piece")
    assert len(wire.started) == 1


@pytest.mark.parametrize(("piece", "times"), [(b"x" * 50_000, 22), (b"x", bounds.PIECES_MAX + 1)])
def test_above_the_bound_it_is_cut_and_lets_go(piece, times):
    wire = Wire(takes=0)
    for _ in range(times - 1):
        wire.line.write(piece)
    assert not wire.line.is_cut and wire.ended == []
    wire.line.write(piece)
    assert wire.line.is_cut and wire.ended == [socket.SHUT_RDWR]
    wire.line.write(piece)
    assert not wire.line.waiting and wire.line.weight == 0
    wire.works()
    assert wire.text == b""


def test_one_answer_may_be_longer_than_the_bound_and_what_comes_while_it_leaves_waits():
    wire = Wire(takes=0, at_most=bounds.BYTES_MAX // 4)
    answer, news = b"x" * (3 * bounds.BYTES_MAX), b"y" * 50_000
    wire.line.write(answer)
    for _ in range(20):
        wire.line.write(news)
    assert not wire.line.is_cut
    wire.works()
    assert wire.text == answer + 20 * news


def test_who_is_behind_is_spared_and_catches_up():
    wire = Wire(takes=0)
    wire.line.write(b"x" * bounds.SPARE_ABOVE_BYTES)
    assert not wire.line.is_behind
    wire.line.write(b"x")
    assert wire.line.is_behind
    wire.works()
    assert not wire.line.is_behind


def test_it_stalls_only_when_something_waits_and_nothing_arrives(monkeypatch):
    held = [0]
    monkeypatch.setattr(lines, "unacknowledged", lambda _connection: held[0])
    wire = Wire()
    wire.line.write(b"x" * 100)
    assert not wire.line.is_stalled(now=0) and not wire.line.is_stalled(now=1e9), "nothing waits"
    wire.takes, held[0] = 0, 100
    wire.line.write(b"x")
    assert not wire.line.is_stalled(100) and not wire.line.is_stalled(100 + bounds.STALLED_S)
    held[0] = 60  # the other end took some, though the system takes no more yet
    assert not wire.line.is_stalled(101 + bounds.STALLED_S)
    assert not wire.line.is_stalled(101 + 2 * bounds.STALLED_S)
    assert wire.line.is_stalled(101.1 + 2 * bounds.STALLED_S)
    wire.works()
    assert not wire.line.is_stalled(1e9)


def test_what_the_system_holds_for_the_other_end():
    here, there = socket.socketpair()
    with here, there:
        assert lines.unacknowledged(here) == 0
    assert lines.unacknowledged(here) == 0, "it is closed"
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as near:
        far, _ = listening.accept()
        with far:
            near.setblocking(False)
            sent = 0
            with contextlib.suppress(BlockingIOError):
                while True:
                    sent += near.send(b"x" * 65_536)
            assert 0 < lines.unacknowledged(near) <= sent


@pytest.mark.parametrize("takes", [None, 0])
def test_it_hangs_up_once_and_when_all_has_left(takes):
    wire = Wire(takes)
    wire.line.write(b"last words")
    wire.line.end(wire.hang_up)
    assert wire.hung_up == (takes is None)
    wire.works()
    assert (wire.hung_up, wire.text) == (1, b"last words")


def test_one_that_is_gone_takes_no_more():
    wire = Wire()
    wire.is_gone = True
    wire.line.write(b"x")
    assert wire.line.is_cut and wire.started == []
    wire.line.end(wire.hang_up)
    assert wire.hung_up == 1


def test_one_that_goes_while_something_waits_ends():
    wire = Wire(takes=0)
    wire.line.write(b"x")
    wire.is_gone = True
    wire.line.end(wire.hang_up)
    wire.works()
    assert wire.hung_up == 1 and wire.line.is_cut and not wire.line.waiting
