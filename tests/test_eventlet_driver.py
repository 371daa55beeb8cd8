"""A request that becomes a WebSocket, on eventlet: its connection stays, and all that had to do with the request goes.
And one whose body comes in chunks: what stands between them is bounded.
The same on the wire: tests/live/test_server.py.
"""

import gc
import socket
import warnings
import weakref
from contextlib import suppress
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eventlet
    from eventlet.greenio import GreenSocket
    from eventlet.wsgi import STATE_IDLE, STATE_REQUEST, WSGI_LOCAL, ChunkReadError

    from chatapp.realtime.drivers import on_eventlet
    from chatapp.realtime.drivers.eventlet_websocket import BoundedWebSocket, BoundedWebSocketWSGI

REQUEST = b"GET /socket.io/ HTTP/1.1\r\nHost: here\r\n\r\n"
IN_CHUNKS = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def pair():
    """Ours and the client's."""
    ours, theirs = socket.socketpair()
    yield GreenSocket(ours), theirs
    ours.close()
    theirs.close()


@pytest.fixture
def ends(pair):
    """The same, where the client has asked already."""
    pair[1].sendall(REQUEST)
    pair[1].shutdown(socket.SHUT_WR)
    return pair


def serves(connection, app):
    """A connection, by the driver's way, with this application behind it; the protocol that it had."""
    server = SimpleNamespace(
        app=app, minimum_chunk_size=None, capitalize_response_headers=True, keepalive=True, socket_timeout=None,
        max_http_version="HTTP/1.1", url_length_limit=8192, outstanding_requests=0, log_output=False, debug=False,
        log_x_forwarded_for=False, log=on_eventlet.ErrorLog(), get_environ=lambda: {"wsgi.url_scheme": "http"},
    )  # fmt: skip
    made = []
    on_eventlet.serve(lambda one: made.append(weakref.ref(Local(one, server))), connection)
    return made[0]


class Local(on_eventlet.Protocol):
    """Upstream's cannot tell the address of a pair."""

    def get_environ(self):
        self.request = SimpleNamespace(getsockname=lambda: ("127.0.0.1", 1))
        return super().get_environ()


def becomes_a_websocket(act):
    def app(environ, _start_response):
        environ.pop(on_eventlet.STAY)(act)
        WSGI_LOCAL.already_handled = True
        return []

    return app


def test_what_it_stays_for_begins_when_the_request_has_gone_and_its_socket_is_open(ends):
    ours, theirs = ends
    connection = [("127.0.0.1", 2), ours, STATE_IDLE]
    seen = []

    def act():
        gc.collect()
        seen.append(connection[on_eventlet.STATE])
        ours.sendall(b"hello")

    protocol = serves(connection, becomes_a_websocket(act))
    assert seen == [STATE_REQUEST], "an idle one would be cut off at a stop"
    assert theirs.recv(100) == b"hello" and protocol() is None
    assert connection == [("127.0.0.1", 2), ours, STATE_REQUEST]


def test_nothing_of_the_request_is_left_while_a_websocket_is_open(pair):
    ours, theirs = pair
    theirs.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: secret\r\n")
    theirs.sendall(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    opened, left = [], []

    def handler(websocket):
        websocket.line(SimpleNamespace(start_background_task=eventlet.spawn))
        opened.append(websocket)
        websocket.stay(act)

    def act():
        gc.collect()
        left.extend(one for one in gc.get_objects() if isinstance(one, Local))
        left.extend(one for one in gc.get_objects() if isinstance(one, dict) and one.get("HTTP_COOKIE") == "secret")

    def app(environ, start_response):
        return BoundedWebSocketWSGI(handler, SimpleNamespace(max_http_buffer_size=1))(environ, start_response)

    serves([("127.0.0.1", 2), ours, STATE_IDLE], app)
    assert len(opened) == 1 and left == []
    heard = theirs.recv(1000)
    assert heard.startswith(b"HTTP/1.1 101") and heard.endswith(b"\x88\x00"), "and it says goodbye after it"


def test_who_waits_to_write_to_one_that_ends_is_let_go(ends):
    ours, _ = ends
    websocket = BoundedWebSocket(ours, {}, 13)
    websocket.request_stays = lambda last: last()
    writers = []
    line = websocket.line(SimpleNamespace(start_background_task=lambda act: writers.append(eventlet.spawn(act))))

    def act():
        while not line.waiting:
            line.write(b"x" * 100_000)
        eventlet.sleep(0)
        assert not writers[0].dead

    websocket.stay(act)
    ours.shutdown(socket.SHUT_RDWR)
    ours.close()
    eventlet.sleep(0.01)
    assert writers[0].dead and line.is_cut


def test_an_answer_after_all_does_not_get_into_what_it_has_become(ends):
    ours, theirs = ends
    acted = []

    def app(environ, start_response):
        environ.pop(on_eventlet.STAY)(lambda: acted.append(True))
        start_response("200 OK", [("Content-Length", "5")])
        return [b"wrong"]

    serves([("127.0.0.1", 2), ours, STATE_IDLE], app)
    ours.close()
    assert acted == [True] and theirs.recv(100) == b""


def test_what_it_stays_for_begins_also_where_the_request_fails_then(ends):
    acted = []

    def app(environ, _start_response):
        environ.pop(on_eventlet.STAY)(lambda: acted.append(True))
        raise RuntimeError

    with pytest.raises(ValueError, match="closed"):  # it cannot be answered any more
        serves([("127.0.0.1", 2), ends[0], STATE_IDLE], app)
    assert acted == [True]


def test_what_it_stumbles_over_is_logged(ends):
    def act():
        raise RuntimeError("no such thing")

    with capture_logs() as logged:
        serves([("127.0.0.1", 2), ends[0], STATE_IDLE], becomes_a_websocket(act))
    assert [one["event"] for one in logged] == ["connection_failed"]


def test_any_other_request_is_answered_and_its_connection_ended(ends):
    def app(_environ, start_response):
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    serves([("127.0.0.1", 2), ends[0], STATE_IDLE], app)
    answer = b"".join(iter(lambda: ends[1].recv(1000), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"ok")


WITHOUT_END = {
    "a length": b"5" * 40_000,
    "what follows a length": b"1;" + b"x" * 40_000,
    "what follows a chunk": b"1\r\na" + b"x" * 40_000,
    "a trailer": b"0\r\n" + b"x" * 40_000,
    "trailers": b"0\r\n" + b"X: y\r\n" * 6_000,
    "lengths below zero": b"-1\r\n" * 10_000,
}


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "left"])
@pytest.mark.parametrize("lines", WITHOUT_END.values(), ids=WITHOUT_END)
def test_what_stands_between_chunks_and_never_ends_ends_the_connection(pair, lines, is_read):
    ours, theirs = pair

    def app(environ, start_response):
        with suppress(ChunkReadError):
            environ["wsgi.input"].read(10 if is_read else 0)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    theirs.sendall(IN_CHUNKS + lines)  # and there might be more to come
    with eventlet.Timeout(5), capture_logs() as logged:
        serves([("127.0.0.1", 2), ours, STATE_IDLE], app)
    heard = heard_by(theirs)
    assert heard.startswith(b"HTTP/1.1 200 OK") and heard.endswith(b"ok")
    assert heard.count(b"HTTP/1.1") == 1, "and what is left is no further request"
    assert (b"Connection: close" in heard) == is_read
    assert [one["event"] for one in logged] == ([] if is_read else ["request_body_unreadable"])


@pytest.mark.parametrize("head", [b"Content-Length: 1000000000000", b"Transfer-Encoding: chunked"])
def test_a_body_that_nobody_reads_and_that_never_ends_ends_the_connection(pair, monkeypatch, head):
    ours, theirs = pair
    turns = []
    monkeypatch.setattr(on_eventlet, "PIECE_BYTES", 100)
    monkeypatch.setattr(on_eventlet, "DISCARDED_PIECES", 3)
    monkeypatch.setattr(on_eventlet.eventlet, "sleep", turns.append)

    def app(_environ, start_response):
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    theirs.sendall(b"POST / HTTP/1.1\r\nHost: here\r\n" + head + b"\r\n\r\n" + b"3e8\r\n" + b"x" * 900)
    with eventlet.Timeout(5):
        serves([("127.0.0.1", 2), ours, STATE_IDLE], app)
    assert heard_by(theirs).endswith(b"ok") and turns == [0] * 3


def heard_by(theirs):
    """All of it, until the connection ends; with a reset, as not all that was sent has been read."""
    heard = b""
    with suppress(ConnectionResetError):
        while got := theirs.recv(1000):
            heard += got
    return heard


def test_much_may_stand_between_many_chunks_and_the_next_request_is_answered(pair):
    ours, theirs = pair
    bodies = []

    def app(environ, start_response):
        bodies.append(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    theirs.sendall(IN_CHUNKS + (b"2;%s\r\nab\r\n" % (b"x" * 1_000)) * 20 + b"0\r\nX: y\r\n\r\n" + REQUEST)
    theirs.shutdown(socket.SHUT_WR)
    serves([("127.0.0.1", 2), ours, STATE_IDLE], app)
    assert bodies == [b"ab" * 20, b""] and heard_by(theirs).count(b"HTTP/1.1 200 OK") == 2
