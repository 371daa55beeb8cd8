"""Connections are looked after by one task: pinged, cut, let go; and a WebSocket forgets the request that opened it."""

import io
import time
from contextlib import nullcontext

import pytest
from engineio.exceptions import ContentTooLongError, EngineIOError
from engineio.packet import MESSAGE, PING, PONG, UPGRADE, Packet

from chatapp.realtime import bounds, transports
from chatapp.realtime.lines import framed
from tests.test_fanout import Server


class Peer:
    """The other end of a WebSocket: says what it is given, one after the other, then goes."""

    def __init__(self, line, *said):
        self.way_out, self.said, self.is_closed = line, list(said), False

    def line(self, _eio):
        return self.way_out

    def stay(self, act):
        act()

    def wait(self):
        return self.said.pop(0) if self.said else None

    def close(self):
        self.is_closed = True


class Line:
    """Notes what is written to it."""

    def __init__(self):
        self.frames, self.cuts, self.waiting, self.stalls = b"", [], (), False

    def write(self, data):
        self.frames += data

    def is_stalled(self, _now):
        return self.stalls

    def cut_for(self, reason):
        self.cuts.append(reason)

    def cut(self):
        self.cuts.append("")

    def end(self, hang_up):
        hang_up()


@pytest.fixture
def server():
    return Server(is_fast=True)


@pytest.fixture
def eio(server):
    return server.sio.eio


@pytest.fixture
def ana(server, eio):
    """A connection that is open, in our namespace."""
    server.opens("ana", straight=True)
    eio.sockets["ana"].line = Line()
    return eio.sockets["ana"]


def looked_at(eio, connection, now=None):
    transports.look_at(eio, connection, time.monotonic() if now is None else now)


def test_it_is_pinged_when_it_is_due_and_again_after_it_answered(eio, ana):
    ana.schedule_ping()
    looked_at(eio, ana)
    assert ana.line.frames == b""
    looked_at(eio, ana, ana.ping_at)
    assert ana.line.frames == framed(Packet(PING).encode())
    looked_at(eio, ana, ana.ping_at + 1)
    assert ana.line.frames == framed(Packet(PING).encode()), "one ping at a time"
    ana.receive(Packet(PONG))
    looked_at(eio, ana)
    assert ana.last_ping is None
    looked_at(eio, ana, ana.ping_at)
    assert ana.line.frames == framed(Packet(PING).encode()) * 2


def test_one_that_does_not_answer_is_closed_aside(eio, ana, monkeypatch):
    begun = []
    monkeypatch.setattr(eio, "start_background_task", lambda *given, **how: begun.append((given, how)))
    ana.last_ping = time.time() - eio.ping_timeout + 1
    looked_at(eio, ana)
    assert begun == []
    ana.last_ping -= 2
    looked_at(eio, ana)
    assert begun == [((ana.close,), {"wait": False, "reason": eio.reason.PING_TIMEOUT})]


def test_one_that_stalls_is_cut_long_before(eio, ana):
    ana.line.stalls = True
    looked_at(eio, ana)
    assert ana.line.cuts == ["stalled"]
    assert eio.ping_timeout > bounds.STALLED_S


def test_one_whose_other_end_does_not_close_too_is_cut(eio, ana):
    ana.hang_up = lambda: None
    ana.close(wait=False)
    looked_at(eio, ana, ana.left_at + transports.LEAVE_S)
    assert ana.line.cuts == [] and "ana" not in eio.sockets
    looked_at(eio, ana, ana.left_at + transports.LEAVE_S + 0.1)
    assert ana.line.cuts == [""]


def test_the_request_is_forgotten_once_it_is_in(server, eio, ana):
    request = {"HTTP_COOKIE": "a=b", "REMOTE_ADDR": "127.0.0.1"}
    server.sio.environ["ana"] = request
    server.opens("ben", straight=True)
    ben = eio.sockets["ben"]
    ben.line = Line()
    server.closes("ben")
    for one in (ana, ben):
        one.closed = False
        one.schedule_ping()
        looked_at(eio, one)
    assert request == {}
    assert ana.is_lean and not ben.is_lean, "he is not in: his request may still be asked for"


def test_a_websocket_says_what_was_queued_first_and_needs_no_queue_then(eio):
    new = transports.Transport(eio, "new")
    new.schedule_ping()
    new.send(Packet(MESSAGE, "before"))
    line = Line()
    peer = Peer(line, "4hello")
    got = []
    new.receive = lambda packet: got.append((packet.data, new.queue, list(eio.by_line)))
    assert new._websocket_handler(peer) == []
    assert line.frames == framed("4before") and got == [("hello", None, ["new"])]
    assert peer.is_closed and new.closed and eio.by_line == {}


def test_one_that_polls_comes_over(eio):
    old = transports.Transport(eio, "old")
    old.connected = True
    old.schedule_ping()
    old.send(Packet(MESSAGE, "before"))
    line = Line()
    old._websocket_handler(Peer(line, "2probe", "5"))
    assert line.frames == framed("3probe") + framed("4before") + framed(Packet(6).encode())
    assert old.upgraded and not old.upgrading


@pytest.mark.parametrize("said", [("2",), ("4probe",), ("2probe", "4"), ("2probe",), (), (b"2probe",)])
def test_one_that_comes_over_wrongly_goes_on_polling(eio, said):
    old = transports.Transport(eio, "old")
    old.connected = True
    old.schedule_ping()
    old.send(Packet(MESSAGE, "before"))
    old._websocket_handler(Peer(Line(), *said))
    assert not old.upgraded and not old.upgrading and not old.closed and old.line is None
    assert old.queue.get(block=False).data == "before"


@pytest.fixture
def old(eio):
    """One that polls."""
    old = transports.Transport(eio, "old")
    old.connected = True
    old.schedule_ping()
    return old


def test_it_comes_over_by_one_websocket_at_a_time(old):
    old.upgrading, second = True, Line()
    assert old._websocket_handler(Peer(second, "2probe", "5")) == []
    assert second.cuts == [""] and old.upgrading and old.line is None and not old.upgraded


@pytest.mark.parametrize("state", ["closing", "closed"])
def test_one_that_has_gone_comes_over_no_more(old, eio, state):
    line = Line()
    peer = Peer(line, "2probe", "5")
    said = peer.wait
    peer.wait = lambda: setattr(old, state, len(peer.said) == 1) or said()
    old._websocket_handler(peer)
    assert line.cuts == [""] and old.line is None and eio.by_line == {}


def test_a_websocket_by_which_nobody_comes_over_is_ended(old, monkeypatch):
    monkeypatch.setattr(transports, "UPGRADE_S", 0)
    line = Line()
    old.line = line
    old.end_unless_taken(line)
    assert line.cuts == []
    old.line = None
    old.end_unless_taken(line)
    assert line.cuts == [""]


def posted(*packets):
    body = "\x1e".join(packets).encode()
    return {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}


def test_among_many_packets_that_come_together_others_have_their_turn(old, eio, monkeypatch):
    got, turns = [], []
    old.receive = lambda packet: got.append(packet.data)
    monkeypatch.setattr(eio, "sleep", lambda seconds: turns.append(len(got)))
    old.handle_post_request(posted(*[f"4{number}" for number in range(1, 6)]))
    assert got == [*"12345"] and turns == [2, 4]


def test_after_its_end_the_rest_of_what_came_together_is_not_read(old):
    got = []
    old.receive = lambda packet: got.append(packet.data) or setattr(old, "closed", len(got) == 2)
    old.handle_post_request(posted("4a", "4b", "4c"))
    assert got == ["a", "b"]


def test_one_body_at_a_time(old):
    slow = posted("4slow")
    slow["wsgi.input"].read = lambda length: old.handle_post_request(posted("4quick"))
    with pytest.raises(EngineIOError):
        old.handle_post_request(slow)
    got = []
    old.receive = lambda packet: got.append(packet.data)
    old.handle_post_request(posted("4next"))
    assert got == ["next"]


@pytest.mark.parametrize("has_entered", [False, True])
def test_of_a_stranger_no_more_is_held_than_one_message(old, eio, monkeypatch, has_entered):
    monkeypatch.setattr(eio, "has_entered", lambda sid: has_entered)
    got, half = [], "4" + "x" * (bounds.MAX_MESSAGE_BYTES // 2)
    old.receive = got.append
    old.handle_post_request(posted(half))
    with nullcontext() if has_entered else pytest.raises(ContentTooLongError):
        old.handle_post_request(posted(half, half))
    assert len(got) == (3 if has_entered else 1)


def test_what_comes_after_the_end_is_not_read(eio):
    """The other end has a moment to close too; upstream would begin to let it in."""
    new = transports.Transport(eio, "new")
    new.schedule_ping()
    got = []
    new.receive = lambda packet: got.append(packet.data)
    peer = Peer(Line(), "4in time", "40/chat,")
    said = peer.wait
    peer.wait = lambda: setattr(new, "closed", len(peer.said) == 1) or said()
    new._websocket_handler(peer)
    assert got == ["in time"]


@pytest.mark.parametrize("said", ["9", "7", str(UPGRADE)])
def test_an_unknown_packet_is_left_aside(eio, said):
    new = transports.Transport(eio, "new")
    new.schedule_ping()
    got, receive = [], new.receive
    new.receive = lambda packet: got.append(packet.data) or receive(packet)
    new._websocket_handler(Peer(Line(), said, "4more"))
    assert got[-1] == "more"


def test_what_a_handler_stumbles_over_ends_the_connection_and_no_other(eio):
    new = transports.Transport(eio, "new")
    new.schedule_ping()

    def stumble(_packet):
        raise RuntimeError

    new.receive = stumble
    peer = Peer(Line(), "4one", "4two")
    new._websocket_handler(peer)
    assert new.closed and peer.said == ["4two"]


@pytest.mark.parametrize("garbage", ["", "hello", "²", "4" + "[" * 100_000])
def test_what_is_no_packet_ends_the_connection(eio, garbage):
    new = transports.Transport(eio, "new")
    new.schedule_ping()
    peer = Peer(Line(), garbage, "4more")
    new._websocket_handler(peer)
    assert new.closed and peer.said == ["4more"]
