"""The WebSocket of gevent and of threads for strangers: read only as fast as it is worked off, whole messages bounded,
no compression. For websocket.py.
"""

import socket
import threading
from contextlib import suppress

import simple_websocket
from simple_websocket import ConnectionClosed
from wsproto.events import Message

from ..bounds import FRAMES_A_TURN, MAX_FRAGMENTS, MAX_MESSAGE_BYTES, OFFERED_EXTENSIONS, packet_or_end
from ..lines import Line

LOOK_AGAIN_S = 1  # between threads upstream can lose the news that a connection has ended; looking again finds it


class WholeSends:
    """A socket whose `send` takes everything. Upstream trusts the first try, but gevent's may end in mid-frame."""

    way_out: Line | None = None

    def __init__(self, connection):
        self.connection, self.turn = connection, threading.Lock()

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def line(self, eio) -> Line:
        """The way out, for all that is sent from now on (gevent's: its inner socket never waits)."""
        self.way_out = Line(self.connection, self.connection._sock.send, eio.start_background_task)
        return self.way_out

    def send(self, data):
        if self.way_out:
            self.way_out.write(data)
            return
        with self.turn:  # an answer to a ping may not fall into the middle of a frame
            self.connection.sendall(data)


class BoundedServer(simple_websocket.Server):
    """One connection. Upstream reads on and on, and keeps in memory what nobody has taken yet."""

    def __init__(self, environ, pause, **how):
        self.pause, self.taken = pause, threading.Event()
        self.frames_read, self.fragments, self.messages_given = 0, 0, 0
        super().__init__(environ, max_message_size=MAX_MESSAGE_BYTES, **how)

    def handshake(self):
        super().handshake()
        self.sock = WholeSends(self.sock)
        events = self.ws.events
        self.ws.events = lambda: self.counted(events())

    def counted(self, events):
        """The events of one reading; others get the processor in between."""
        for event in events:
            self.frames_read += 1
            if self.frames_read % FRAMES_A_TURN == 0:
                self.pause(0)
            if isinstance(event, Message):
                self.fragments = 0 if event.message_finished else self.fragments + event.frame_finished
                if self.fragments > MAX_FRAGMENTS:
                    raise OSError("message in too many parts")
            yield event

    def _handle_events(self):
        """Called after each reading of a few KB; the next one waits until all of it was taken."""
        goes_on = super()._handle_events()
        while self.input_buffer and goes_on:
            self.taken.wait()
            self.taken.clear()
            goes_on = self.connected
        return goes_on

    def receive(self, timeout=None):
        self.messages_given += 1
        if self.messages_given % FRAMES_A_TURN == 0:
            self.pause(0)
        try:
            return super().receive(timeout)
        finally:
            if not self.input_buffer:
                self.taken.set()

    def cut(self):
        """End it at once; upstream would wait until the other end says goodbye too."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.connected = False
        self.event.set()
        self.taken.set()


def bounded(eio) -> type:
    """The door of one connection, for gevent or for threads, whichever this `engineio.Server` runs on."""
    pause = eio._async["sleep"]
    look_again_s = LOOK_AGAIN_S if eio.async_mode == "threading" else None

    class BoundedSimpleWebSocketWSGI(eio._async["websocket"]):
        def __call__(self, environ, start_response):
            environ.pop(OFFERED_EXTENSIONS, None)
            self.ws = BoundedServer(environ, pause, **self.server_args)
            answer = self.app(self)
            if self.ws.mode == "werkzeug":
                raise ConnectionError  # as upstream does: there is nothing more to answer
            return answer

        def line(self, eio) -> Line | None:
            """On threads there is none: those who tell there may wait for each other."""
            return self.ws.sock.line(eio) if eio.async_mode == "gevent" else None

        def stay(self, act):
            act()

        def wait(self):
            data = None
            with suppress(ConnectionClosed):
                while data is None:
                    data = self.ws.receive(look_again_s)
            return packet_or_end(data)

        def close(self):
            with suppress(OSError, ConnectionClosed):
                super().close()
            self.ws.cut()

    return BoundedSimpleWebSocketWSGI
