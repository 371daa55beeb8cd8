"""eventlet's WebSocket for strangers: unmasked at C speed, whole messages bounded, no compression. For websocket.py."""

import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import eventlet
from engineio.async_drivers.eventlet import WebSocketWSGI
from eventlet import hubs
from eventlet.websocket import FailedConnectionError, RFC6455WebSocket

from ..bounds import FRAMES_A_TURN, MAX_FRAGMENTS, MAX_MESSAGE_BYTES, OFFERED_EXTENSIONS
from ..lines import Line
from .on_eventlet import STAY

TOO_BIG = 1009  # the WebSocket protocol's status for a message over the bound
PIECES_APART = 256  # of one message: a byte that is kept alone takes 56


class BoundedWebSocket(RFC6455WebSocket):
    """One connection. Upstream bounds each frame, not the message that many frames make, nor what its pieces take."""

    class Message(RFC6455WebSocket.Message):
        bytes_so_far = 0
        frames_so_far = 1

        def push(self, data, final=False):
            self.bytes_so_far += len(data)
            if self.bytes_so_far > self.max_frame_length:
                raise FailedConnectionError(TOO_BIG, "message too long")
            super().push(data, final)
            if len(self.data) > PIECES_APART:
                self.data = [b"".join(self.data)]

    frames_read = 0
    way_out: Line | None = None
    request_stays: Callable | None = None  # Protocol.stay, until it is called
    is_handed_on = False

    def line(self, eio) -> Line:
        """The way out, for all that is sent from now on. A silent peer is noticed by its pings."""
        self.socket.settimeout(None)
        self._msgs = self._sendlock = None  # upstream's own way
        self.way_out = Line(self.socket, self.socket.fd.send, eio.start_background_task)
        return self.way_out

    def stay(self, act):
        """Have `act` called when the request that opened this has ended, and say goodbye after it."""
        request_stays, self.request_stays, self.environ = self.request_stays, None, None
        self.is_handed_on = True
        request_stays(partial(self.last, act))

    def last(self, act):
        self.is_handed_on = False
        try:
            act()
            self._send_closing_frame(True)
        finally:
            untie(self)
            # The socket is closed next, and whoever waits to write to it would not be told.
            hubs.notify_opened(self.socket.fileno())

    def _send_closing_frame(self, *given, **how):
        """Upstream says goodbye at the end of the request, too."""
        if not self.is_handed_on:
            super()._send_closing_frame(*given, **how)

    def close(self, close_data=None):
        """Upstream's, but the system's socket stays until its reader has seen the other end go: the reader of one that
        is closed would wait for ever."""
        with suppress(OSError):
            self._send_closing_frame(ignore_send_errors=True, close_data=close_data)
            self.socket.shutdown(socket.SHUT_WR)

    def _send(self, frame):
        self.way_out.write(frame)

    def _recv_frame(self, message=None):
        self.frames_read += 1
        if self.frames_read % FRAMES_A_TURN == 0:
            eventlet.sleep(0)
        received = super()._recv_frame(message)
        if received is message:
            message.frames_so_far += 1
            if message.frames_so_far > MAX_FRAGMENTS:
                raise FailedConnectionError(TOO_BIG, "message in too many parts")
        return received

    @staticmethod
    def _apply_mask(data, mask, length=None, offset=0):
        """`data` unmasked as two big integers; byte by byte, as upstream does it, 1 MB stops everybody for 0.4 s."""
        length = len(data) if length is None else length
        turned = bytes(mask[(offset + place) % 4] for place in range(4))
        key = (turned * (length // 4 + 1))[:length]
        return (int.from_bytes(data[:length], "little") ^ int.from_bytes(key, "little")).to_bytes(length, "little")


class BoundedWebSocketWSGI(WebSocketWSGI):
    """The door of one connection; upstream makes one each."""

    websocket = None

    def __init__(self, handler, server):
        super().__init__(handler, server)
        self.max_frame_length = MAX_MESSAGE_BYTES
        self.support_legacy_versions = False  # the drafts before RFC 6455 read without any bound

    def __call__(self, environ, start_response):
        environ.pop(OFFERED_EXTENSIONS, None)
        # Left in, it would have the server cut this connection at a stop, before what is under way has been answered.
        environ.pop("eventlet.set_idle", None)
        try:
            return super().__call__(environ, start_response)
        finally:
            if self.websocket is not None and not self.websocket.is_handed_on:
                untie(self.websocket)

    def _handle_hybi_request(self, environ):
        opened = super()._handle_hybi_request(environ)
        self.websocket = BoundedWebSocket(
            opened.socket, environ, opened.version, protocol=opened.protocol, max_frame_length=self.max_frame_length
        )
        self.websocket.request_stays = environ.pop(STAY)
        untie(opened)
        return self.websocket


def untie(websocket):
    """Break the cycle with the generator that reads its frames, so that it goes when it ends: the collector, which
    walks through every connection, then hardly ever has a reason to run."""
    websocket.iterator = iter(())
