"""Engine.IO made safe against strangers, on both transports. `create_app` calls `harden` once, after `init_app`.
This module and drivers/ are the only ones that lean on private parts of python-engineio, python-socketio and eventlet;
tests/test_websocket.py fails when those parts change.
"""

import time
from functools import partial
from types import SimpleNamespace

import engineio.payload
import engineio.socket
import structlog
from engineio.exceptions import ContentTooLongError, EngineIOError
from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, DISCONNECT, EVENT
from socketio.packet import Packet as EventPacket

from .. import metrics
from . import transports
from .bounds import MAX_MESSAGE_BYTES

MAX_POST_BYTES = 1_000_000  # many polled packets may come together
MAX_POST_PACKETS = 5_000
MAX_ATTACHMENTS = 10  # binary parts of one event; nothing here takes any, so these are only held until refused
RESERVED_EVENTS = ("connect", "disconnect", "connect_error")
NO_EVENT = ""
LEAVES = str(DISCONNECT)  # what such a packet begins with
TOLD_EVERY_S = 60.0
log = structlog.get_logger(__name__)
_told_at = [float("-inf")]  # when a packet was last written down (monotonic seconds)


def harden(server) -> None:
    """Give a `socketio.Server` bounded transports."""
    server.eio.max_http_buffer_size = MAX_POST_BYTES
    server.eio._async = {**server.eio._async, "websocket": bounded_websocket(server.eio)}
    server.eio.disconnect = partial(end_at_once, server.eio)
    server.packet_class = BoundedEventPacket
    server.eio.handlers["message"] = partial(hear, server, server.eio.handlers["message"])
    server.eio.handlers["disconnect"] = partial(forget, server, server.eio.handlers["disconnect"])
    transports.install(server)
    engineio.socket.payload = SimpleNamespace(Payload=BoundedPayload)  # clients in this process keep upstream's


def hear(server, message, eio_sid: str, data) -> None:
    """A packet of Socket.IO's. What cannot be read changes nothing; upstream writes down each, with the stack. Who has
    gone while he was let in leaves at once: upstream took his leave before he was in. Who leaves our namespace leaves
    altogether: outside nobody counts what waits for him."""
    if eio_sid not in server.environ:  # it has ended: upstream would begin to let it in, and remember that for ever
        return
    try:
        message(eio_sid, data)
    except Exception:
        metrics.REFUSALS.labels("unknown", "unreadable").inc()
        if time.monotonic() - _told_at[0] > TOLD_EVERY_S:
            _told_at[0] = time.monotonic()
            log.exception("packet_not_handled")
    if eio_sid not in server.environ:
        server._handle_eio_disconnect(eio_sid, server.eio.reason.TRANSPORT_CLOSE)
    elif isinstance(data, str) and data.startswith(LEAVES) and not server.manager.has_entered(eio_sid):
        end_at_once(server.eio, eio_sid)


def forget(server, disconnect, eio_sid: str, reason: str) -> None:
    """A connection has ended. Upstream keeps the parts of a packet that a refused one had begun."""
    try:
        disconnect(eio_sid, reason)
    finally:
        server._binary_packet.pop(eio_sid, None)


def end_at_once(eio, sid: str) -> None:
    """End one connection, as Engine.IO does after a bad request. Upstream's own way waits until the client has fetched
    all that is queued for it, which it may never do."""
    connection = eio.sockets.pop(sid, None)
    if connection is not None:
        connection.close(wait=False, abort=True, reason=eio.reason.TRANSPORT_ERROR)


def bounded_websocket(eio) -> type:
    if eio.async_mode == "eventlet":
        from .drivers.eventlet_websocket import BoundedWebSocketWSGI

        return BoundedWebSocketWSGI
    from .drivers.simple_websockets import bounded

    return bounded(eio)


class BoundedPayload(engineio.payload.Payload):
    """What one polling request carries. Upstream answers "OK" to a payload it cannot read, and loses all of it."""

    max_decode_packets = MAX_POST_PACKETS

    def decode(self, encoded_payload):
        if any(len(packet.encode()) > MAX_MESSAGE_BYTES for packet in encoded_payload.split("\x1e")):
            raise ContentTooLongError
        try:
            super().decode(encoded_payload)
        except (ValueError, LookupError, RecursionError) as error:
            raise EngineIOError from error


class BoundedEventPacket(EventPacket):
    """A Socket.IO packet; one that announces attachments by the million would be collected for ever.

    An event must be a list that begins with a name. Upstream's own names ("connect", "disconnect") would reach the
    handlers of those moments, and anything else ends in an exception without an ack: both become an unknown event.
    """

    uses_binary_events = False  # we tell none, so what we tell need not be searched for bytes

    def decode(self, encoded_packet):
        attachments = super().decode(encoded_packet)
        if attachments > MAX_ATTACHMENTS:
            raise ValueError("too many attachments")
        if not attachments:  # upstream would wait for them, and lose every command behind
            self.packet_type = {BINARY_EVENT: EVENT, BINARY_ACK: ACK}.get(self.packet_type, self.packet_type)
        if self.packet_type in (EVENT, BINARY_EVENT) and not is_event(self.data):
            self.data = [NO_EVENT]
        return attachments


def is_event(data) -> bool:
    return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in RESERVED_EVENTS
