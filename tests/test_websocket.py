"""What a stranger may send, piece by piece; and that the library's private parts we lean on are still the ones we read.
The same on the wire: tests/live/test_server.py.
"""

import hashlib
import inspect
import random
import sys
import warnings
from types import SimpleNamespace

import engineio.base_socket
import engineio.payload
import engineio.server
import engineio.socket
import pytest
import simple_websocket
import socketio
from engineio.async_drivers import _websocket_wsgi
from engineio.exceptions import ContentTooLongError, EngineIOError

from chatapp import metrics
from chatapp.realtime import clients, websocket
from chatapp.realtime.bounds import packet_or_end
from chatapp.realtime.websocket import MAX_MESSAGE_BYTES, BoundedEventPacket, BoundedPayload

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eventlet.greenio
    import eventlet.hubs
    import eventlet.websocket
    import eventlet.wsgi

    from chatapp.realtime.drivers import eventlet_websocket
    from chatapp.realtime.drivers.eventlet_websocket import BoundedWebSocket

BINARY = 2
READ = {  # the parts as they were when our own were written against them
    eventlet.greenio.GreenSocket.send: "0971ebecf195af69",
    eventlet.websocket.RFC6455WebSocket._send: "82ffb8d0a4c2e87b",
    eventlet.websocket.RFC6455WebSocket._send_closing_frame: "f8baf7278536f56a",
    eventlet.websocket.RFC6455WebSocket.close: "06520e635a360385",
    eventlet.websocket.RFC6455WebSocket._apply_mask: "f6ac2b9da0f0a63c",
    eventlet.websocket.RFC6455WebSocket._iter_frames: "2c658a5eef94f615",
    eventlet.websocket.RFC6455WebSocket._recv_frame: "b7e54e98049def5c",
    eventlet.websocket.RFC6455WebSocket.Message: "36bed7da392b464a",
    eventlet.websocket.WebSocketWSGI.__call__: "9e0ec3809e822a0e",
    eventlet.websocket.WebSocketWSGI._handle_hybi_request: "c21772ffb631f0f0",
    eventlet.hubs.notify_opened: "f9afdb338d0a8a5e",
    eventlet.wsgi.HttpProtocol.get_environ: "b8865250e21cb561",
    eventlet.wsgi.Input: "85e0b3a87fe27a21",
    eventlet.wsgi.HttpProtocol.finish: "d23530dd4e6afd45",
    eventlet.wsgi.HttpProtocol.handle: "d898ddfd24346e85",
    eventlet.wsgi.HttpProtocol.handle_one_response: "b2ae04db91bb3575",
    eventlet.wsgi.server: "8db9f629ea68e797",
    engineio.payload.Payload.decode: "9c7975664d815d3d",
    engineio.base_socket.BaseSocket: "d787ee3666d08b7a",
    engineio.server.Server._handle_connect: "049f7c2b2c239080",
    engineio.server.Server._service_task: "9492b7b0d652907d",
    engineio.server.Server.handle_request: "79302edd007fcce6",
    engineio.socket.Socket.close: "05fac55831999f25",
    engineio.socket.Socket.check_ping_timeout: "ccddc110d9836176",
    engineio.socket.Socket.handle_get_request: "d45c0d8f98840672",
    engineio.socket.Socket.handle_post_request: "5be8170455a3482c",
    engineio.socket.Socket.receive: "4126eb2537d0d020",
    engineio.socket.Socket.schedule_ping: "fe316639159cd70d",
    engineio.socket.Socket._websocket_handler: "58afe122719282de",
    _websocket_wsgi.SimpleWebSocketWSGI: "ef4f852b672632e5",
    simple_websocket.ws.Base.receive: "c7165a4fb69e05a6",
    simple_websocket.ws.Base.__init__: "25f57ef0b5f87780",
    simple_websocket.ws.Base._handle_events: "fa982a271583fe76",
    simple_websocket.ws.Base._thread: "da9a912028a48435",
    simple_websocket.ws.Base.close: "c3b710ade5278edb",
    simple_websocket.ws.Base.send: "5dd75a306f1fab59",
    simple_websocket.ws.Server.handshake: "e5b2277ee84d571e",
    socketio.base_manager.BaseManager: "b393b4c05dbd88e2",
    socketio.manager.Manager.emit: "566510ea2de39d65",
    socketio.packet.Packet.decode: "61ad7904b539f472",
    socketio.server.Server._handle_eio_message: "65f309c138d634eb",
}


def fingerprint(part) -> str:
    return hashlib.sha256(inspect.getsource(part).encode()).hexdigest()[:16]


@pytest.mark.parametrize("part", READ, ids=lambda part: f"{part.__module__}.{part.__qualname__}")
def test_a_private_part_we_lean_on_is_the_one_we_read(part):
    assert fingerprint(part) == READ[part], "upstream changed: read it again, then chatapp/realtime"


def test_every_server_is_hardened():
    for async_mode in ("threading", "gevent", "eventlet"):
        server = socketio.Server(async_mode=async_mode, client_manager=clients.LocalClients())
        websocket.harden(server)
        assert server.eio.max_http_buffer_size == websocket.MAX_POST_BYTES
        assert "Bounded" in server.eio._async["websocket"].__name__
        assert server.packet_class is BoundedEventPacket
    assert engineio.socket.payload.Payload is BoundedPayload
    assert engineio.payload.Payload is not BoundedPayload, "a client in the same process may be sent more"


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 125, 126, 65_537])
@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_unmasking_gives_what_upstream_gives(length, offset):
    dice = random.Random(length)
    data, mask = dice.randbytes(length), tuple(dice.randbytes(4))
    upstream = eventlet.websocket.RFC6455WebSocket._apply_mask(data, mask, length, offset)
    assert BoundedWebSocket._apply_mask(data, mask, length, offset) == upstream


def test_a_message_is_bounded_however_many_frames_it_has():
    message = BoundedWebSocket.Message(1, 100)
    message.push(b"x" * 60)
    with pytest.raises(eventlet.websocket.FailedConnectionError) as caught:
        message.push(b"x" * 41)
    assert caught.value.status == eventlet_websocket.TOO_BIG


def test_a_message_that_comes_byte_by_byte_takes_little_more_than_one_that_comes_whole():
    whole = random.Random(1).randbytes(MAX_MESSAGE_BYTES)
    message = BoundedWebSocket.Message(BINARY, MAX_MESSAGE_BYTES)
    for at in range(len(whole)):
        message.push(whole[at : at + 1])
    assert sum(map(sys.getsizeof, message.data)) + sys.getsizeof(message.data) < 1.5 * len(whole)
    assert message.getvalue() == whole


def test_a_message_that_comes_whole_is_not_copied():
    whole = b"x" * MAX_MESSAGE_BYTES
    message = BoundedWebSocket.Message(BINARY, MAX_MESSAGE_BYTES)
    message.push(whole, final=True)
    assert message.getvalue() is whole


@pytest.mark.parametrize("data", ["4hello", "2", "3probe", b"anything", None])
def test_packets_pass(data):
    assert packet_or_end(data) == data


@pytest.mark.parametrize("data", ["", "hello", "b4", "²", "4" + "[" * 100_000])
def test_what_is_no_packet_ends_the_connection(data):
    assert packet_or_end(data) is None


def test_500_packets_polled_together_are_500():
    assert len(BoundedPayload(encoded_payload="\x1e".join(["4hello"] * 500)).packets) == 500


@pytest.mark.parametrize("length", [MAX_MESSAGE_BYTES - 1, MAX_MESSAGE_BYTES])
def test_a_polled_packet_is_bounded_in_bytes(length):
    assert BoundedPayload(encoded_payload="4" + "x" * (MAX_MESSAGE_BYTES - 1)).packets
    with pytest.raises(ContentTooLongError):
        BoundedPayload(encoded_payload="4" + "é" * (MAX_MESSAGE_BYTES // 2))


@pytest.mark.parametrize("payload", ["4a\x1e", "hello", "d=", "\x1e".join(["4"] * 5_001), "4" + "[" * 100_000])
def test_a_polled_payload_that_cannot_be_read_is_an_error(payload):
    with pytest.raises(EngineIOError):
        BoundedPayload(encoded_payload=payload)


@pytest.fixture
def server():
    made = socketio.Server(async_mode="threading", client_manager=clients.LocalClients())
    websocket.harden(made)
    return made


def test_what_cannot_be_read_is_counted_and_told_now_and_then(server, monkeypatch):
    told = []
    monkeypatch.setattr(websocket, "_told_at", [float("-inf")])
    monkeypatch.setattr(websocket, "log", SimpleNamespace(exception=told.append))
    server.environ["here"] = {}
    before = metrics.REFUSALS.labels("unknown", "unreadable")._value.get()
    for _ in range(3):
        assert server.eio._trigger_event("message", "here", "44/chat,{}", run_async=False) is None
    assert metrics.REFUSALS.labels("unknown", "unreadable")._value.get() - before == 3
    assert told == ["packet_not_handled"]


def test_who_has_gone_while_he_was_let_in_leaves_at_once(server):
    gone = []
    server.on("disconnect", lambda sid, reason: gone.append(sid), namespace="/chat")

    def leaves(sid, environ):
        server.eio.handlers["disconnect"]("here", "transport close")
        assert gone == []

    server.on("connect", leaves, namespace="/chat")
    server.environ["here"] = {}
    server.eio.handlers["message"]("here", "0/chat,")
    assert len(gone) == 1 and server.manager.rooms.get("/chat", {}).get(None, {}) == {}


def test_who_has_gone_is_let_in_no_more(server):
    asked = []
    server.on("connect", lambda sid, environ: asked.append(sid), namespace="/chat")
    server.eio.handlers["message"]("gone", "0/chat,")
    assert asked == [] and server.manager.rooms.get("/chat", {}).get(None, {}) == {}


def test_who_leaves_our_namespace_leaves_altogether(server):
    """What waits for a client that polls is held for it, and nobody counts those outside for long."""
    server.on("connect", lambda sid, environ: None, namespace="/chat")
    ended = []
    server.eio.sockets["here"] = SimpleNamespace(
        closed=False, send=lambda packet: None, close=lambda **how: ended.append(how)
    )
    server.environ["here"] = {}
    server.eio.handlers["message"]("here", "0/chat,")
    server.eio.handlers["message"]("here", '2/chat,["joinSession",{}]')
    assert server.manager.has_entered("here") and ended == []
    server.eio.handlers["message"]("here", "1/chat,")
    assert len(ended) == 1 and server.eio.sockets == {}


def test_the_parts_of_a_packet_that_never_was_whole_are_forgotten(server):
    server.environ["here"] = {}
    server._binary_packet["here"] = object()
    server.eio.handlers["disconnect"]("here", "transport close")
    assert server._binary_packet == {}


def test_an_event_has_few_attachments():
    assert BoundedEventPacket(encoded_packet='52-["event",{}]').attachment_count == 2
    with pytest.raises(ValueError, match="too many attachments"):
        BoundedEventPacket(encoded_packet='511-["event",{}]')
