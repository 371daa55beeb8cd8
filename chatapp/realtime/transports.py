"""Engine.IO's connections as we want them: a WebSocket's packets go straight to its line, without a queue and a
writer's green thread; all are pinged by one task instead of one each. Long polling, and threads, keep upstream's way.

This is where we lean on private parts of `engineio.Server` and `engineio.Socket`; tests/test_websocket.py fails when
those parts change.
"""

import time
from contextlib import suppress
from functools import partial
from types import SimpleNamespace

import engineio.server
import engineio.socket
import structlog
from engineio.exceptions import ContentTooLongError, EngineIOError, UnknownPacketError
from engineio.packet import CLOSE, NOOP, PING, PONG, UPGRADE, Packet
from engineio.socket import Socket

from . import slow_readers
from .bounds import FRAMES_A_TURN, MAX_MESSAGE_BYTES
from .lines import Line, framed

LOOK_S = 1.0  # between two looks at every connection
LEAVE_S = 5.0  # for the other end to close too
UPGRADE_S = 10.0  # for a client that polls to come over
PROBE = "probe"
log = structlog.get_logger(__name__)


def install(server) -> None:
    """Give a `socketio.Server` these connections. Its manager's `owed(eio_sid)` is what one is to get before
    anything else that is sent to it (fanout.py)."""
    server.eio.owed = server.manager.owed
    server.eio.by_line = {}  # those with a line, until their handler has ended
    server.eio.request_of = server.environ.get
    server.eio.has_entered = server.manager.has_entered
    server.eio._service_task = lambda: look_after(server.eio)
    engineio.server.socket = SimpleNamespace(Socket=Transport)


class Transport(Socket):
    """One client, by whatever way it is connected."""

    line: Line | None = None  # once there is a WebSocket that takes packets at once
    ping_at = 0.0  # monotonic; while `last_ping` is None
    is_lean = False  # whether the request that opened it has been forgotten
    left_at: float | None = None  # monotonic
    is_posting = False

    def send(self, pkt: Packet) -> None:
        """Upstream's door."""
        self.give(pkt)

    def give(self, packet: Packet) -> None:
        if self.closed:
            return
        before = self.server.owed(self.sid)
        if self.line is not None:
            self.line.write(b"".join([*(told.frame for told in before), framed(packet.encode())]))
            return
        for one in (*(told.packet for told in before), packet):
            if slow_readers.may_wait(self, one):
                self.queue.put(one)

    def schedule_ping(self) -> None:
        self.last_ping, self.ping_at = None, time.monotonic() + self.server.ping_interval

    def ping(self) -> None:
        self.last_ping = time.time()
        self.give(Packet(PING))

    def close(self, wait=True, abort=False, reason=None) -> None:
        if self.line is None:
            super().close(wait, abort, reason)
        elif not self.closed and not self.closing:
            self.closing = True
            reason = reason or self.server.reason.SERVER_DISCONNECT
            self.server._trigger_event("disconnect", self.sid, reason, run_async=False)
            if not abort:
                self.give(Packet(CLOSE))
            self.closed, self.left_at = True, time.monotonic()
            self.line.end(self.hang_up)

    def _websocket_handler(self, ws):
        line = ws.line(self.server)
        if line is None:
            return super()._websocket_handler(ws)
        polls = self.connected
        if polls and not self.is_probed(ws, line):
            line.cut()
            return []
        self.connected = self.upgraded = True
        self.hang_up = ws.close
        self.take(line)
        self.queue = self.queue if polls else None  # its last poll may still be at it
        self.server.by_line[self.sid] = self
        ws.stay(partial(self.serve, ws))
        return []

    def serve(self, ws) -> None:
        """From the first packet by the WebSocket to the last."""
        try:
            self.read(ws)
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
        finally:
            del self.server.by_line[self.sid]
            self.server.sockets.pop(self.sid, None)

    def handle_post_request(self, environ):
        """Upstream's, but others have their turn in between: thousands of packets may come together."""
        payload = engineio.socket.payload.Payload(encoded_payload=self.posted(environ))
        for number, packet in enumerate(payload.packets, 1):
            if self.closed:
                return
            self.receive(packet)
            if number % FRAMES_A_TURN == 0:
                self.server.sleep(0)

    def posted(self, environ) -> str:
        """The body of a request. One at a time, as the protocol has it, and of a stranger no more than one message: a
        body may take its time, and is held meanwhile."""
        length = int(environ.get("CONTENT_LENGTH", "0"))
        may_be_long = self.server.has_entered(self.sid)
        if length > (self.server.max_http_buffer_size if may_be_long else MAX_MESSAGE_BYTES):
            raise ContentTooLongError
        if self.is_posting:
            raise EngineIOError
        self.is_posting = True
        try:
            return environ["wsgi.input"].read(length).decode()
        finally:
            self.is_posting = False

    def forget_request(self) -> None:
        """A handshake is some 10 KB, and a connection lasts for hours."""
        self.is_lean = True
        (self.server.request_of(self.sid) or {}).clear()

    def is_probed(self, ws, line: Line) -> bool:
        """Whether a client that polls has come over to this WebSocket (Engine.IO's protocol, "Upgrade"), in time, and
        has not gone meanwhile. By one at a time."""
        if self.upgrading:
            return False
        self.upgrading = True
        self.server.start_background_task(self.end_unless_taken, line)
        try:
            if not is_packet(ws.wait(), PING, PROBE):
                return False
            line.write(framed(Packet(PONG, PROBE).encode()))
            self.queue.put(Packet(NOOP))  # ends the poll under way
            return is_packet(ws.wait(), UPGRADE) and not (self.closing or self.closed)
        finally:
            self.upgrading = False

    def end_unless_taken(self, line: Line) -> None:
        """A WebSocket that says nothing, while nobody looks after it yet."""
        self.server.sleep(UPGRADE_S)
        if self.line is not line:
            line.cut()

    def take(self, line: Line) -> None:
        """Whatever was queued so far goes first."""
        with suppress(self.server.get_queue_empty_exception()):
            while True:
                packet = self.queue.get(block=False)
                if packet is not None:
                    line.write(framed(packet.encode()))
        self.line = line

    def read(self, ws) -> None:
        """Hand on what comes, until the connection ends."""
        while not self.closed:
            try:
                packet = parsed(ws.wait())
                if packet is None or self.closed:
                    return
                self.receive(packet)
            except UnknownPacketError:
                pass
            except (EngineIOError, OSError):
                return
            except Exception:
                self.server.logger.exception("packet not handled")
                return


def parsed(data: str | bytes | None) -> Packet | None:
    """None (the connection's end) also for what is no packet: upstream would leave the connection half open."""
    try:
        return None if data is None else Packet(encoded_packet=data)
    except (ValueError, RecursionError):
        return None


def is_packet(data: str | bytes | None, kind: int, content: str | None = None) -> bool:
    packet = parsed(data)
    return packet is not None and packet.packet_type == kind and (content is None or packet.data == content)


def look_after(eio) -> None:
    """Again and again: ping who is to be pinged, end who does not answer, does not read or does not leave."""
    while True:
        eio.sleep(LOOK_S)
        now = time.monotonic()
        for connection in {**eio.sockets, **eio.by_line}.values():
            try:
                look_at(eio, connection, now)
            except Exception:
                log.exception("connection_not_looked_after")


def look_at(eio, connection: Transport, now: float) -> None:
    if connection.closed:
        look_at_closed(eio, connection, now)
    elif connection.line is not None and connection.line.is_stalled(now):
        connection.line.cut_for("stalled")
    elif connection.last_ping is None:
        if now >= connection.ping_at:
            connection.ping()
    elif time.time() - connection.last_ping > eio.ping_timeout and not connection.closing:
        # Whatever has to be done at its end may take a while, and the others are to be pinged.
        eio.start_background_task(connection.close, wait=False, reason=eio.reason.PING_TIMEOUT)
    if connection.line is not None and not connection.is_lean and eio.has_entered(connection.sid):
        connection.forget_request()


def look_at_closed(eio, connection: Transport, now: float) -> None:
    eio.sockets.pop(connection.sid, None)
    if connection.left_at is not None and now - connection.left_at > LEAVE_S:
        connection.line.cut()
