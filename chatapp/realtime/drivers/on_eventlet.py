"""Serving on eventlet, the default. For server.py."""

import contextlib
import errno
import sys
import time
from functools import partial

import eventlet
import eventlet.wsgi
import structlog
from eventlet.hubs import trampoline
from eventlet.wsgi import STATE_REQUEST, ChunkReadError
from greenlet import GreenletExit

from ..bounds import FULL

KEEPALIVE_S = 75  # longer than a proxy keeps its end
SILENCE_S = 20  # the longest a request may stand still while it is sent
BETWEEN_CHUNKS_BYTES = 8_192  # the most that may stand between two pieces of a body in chunks, or after the last
PIECE_BYTES, DISCARDED_PIECES = 16_384, 256  # of a body that nobody asked for
OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
CLOSED = (errno.EBADF, errno.EINVAL)
LOG_EVERY_S = 60
STATE = 2  # where upstream keeps the state of a connection
STAY = "chatapp.stay"  # in the environ of a request that may become a WebSocket: Protocol.stay
log = structlog.get_logger(__name__)


class Server:
    """Serves from the moment it is made. Each connection has a green thread, WebSockets as long as they last."""

    def __init__(self, listener, app, max_connections):
        self.listener = listener
        self.thread = eventlet.spawn(
            eventlet.wsgi.server,
            PatientListener(listener),
            app,
            custom_pool=Connections(max_connections),
            protocol=Protocol,
            keepalive=KEEPALIVE_S,
            socket_timeout=SILENCE_S,
            debug=False,  # no tracebacks in answers
            log=ErrorLog(),
            log_format="",
            log_x_forwarded_for=False,
        )

    def shut(self):
        self.thread.kill()  # idle connections end with it; those under way are left to finish
        self.listener.close()

    def drain(self, seconds):
        """Whether everything has ended within that time."""
        with eventlet.Timeout(seconds, False):
            try:
                self.thread.wait()
            except GreenletExit:
                return True
        return self.thread.dead


def later(seconds, function):
    eventlet.spawn_after(seconds, function)


def wait_until_readable(file):
    trampoline(file, read=True)


def wait_for_file(file, to_write, seconds):
    """Whether it can be read (or written) within that time."""
    try:
        trampoline(file, read=not to_write, write=to_write, timeout=seconds, timeout_exc=TimeoutError)
    except TimeoutError:
        return False
    return True


class PatientListener:
    """A listening socket that outlives a failed accept; upstream's server ends at the first one."""

    def __init__(self, listener):
        self.listener = listener

    def __getattr__(self, name):
        return getattr(self.listener, name)

    def accept(self):
        while True:
            try:
                return self.listener.accept()
            except OSError as error:
                if error.errno in CLOSED:
                    raise
                if error.errno in OUT_OF_FILES:
                    log.error("accept_failed", error=error.strerror)
                    eventlet.sleep(1)


class Protocol(eventlet.wsgi.HttpProtocol):
    """One connection, which leaves nothing behind for the garbage collector, and no request line in the log."""

    # Upstream's 8 and 16 KB would stay with each WebSocket for as long as it lasts. What is larger passes by them.
    rbufsize = wbufsize = 2048
    environ = None
    minimum_chunk_size = 1  # upstream keeps 4 KB back: a Server-Sent Event would wait for many others

    def get_environ(self):
        environ = super().get_environ()
        if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
            environ["wsgi.input_terminated"] = True  # its reader knows where the body ends: the framework may read it
            environ["wsgi.input"].rfile = ChunkedBody(self)
        environ["wsgi.input"].discard = partial(discard, self, environ["wsgi.input"])
        environ[STAY] = self.stay
        return environ

    def stay(self, act):
        """Have `act` called once the request has ended, in the same green thread: a WebSocket lasts for hours, and
        would keep all that has to do with the request (19 of 42 KB). The connection ends when `act` returns."""
        self.conn_state.append(act)
        self.rfile.close()
        self.wfile.close()

    def log_message(self, *_):
        """A request that cannot be understood: its line may hold an invite code."""

    def finish(self):
        if stays(self.conn_state):
            self.conn_state[STATE] = STATE_REQUEST  # an idle one would be cut off at a stop
        else:
            super().finish()
        self.environ = None  # it holds a function that holds the connection


def discard(protocol, body) -> None:
    """Read what nobody asked for, so that a further request can follow. Upstream reads for ever what never ends, and
    where it comes quickly gives nobody else a turn."""
    for _ in range(DISCARDED_PIECES):
        if not body.read(PIECE_BYTES):
            return
        eventlet.sleep(0)
    protocol.close_connection = True


class ChunkedBody:
    """What a body in chunks is read from. Upstream keeps a line between them that never ends, to the end of memory; and
    reads it also where nobody asked for the body."""

    def __init__(self, protocol):
        self.protocol, self.file = protocol, protocol.rfile
        self.left = BETWEEN_CHUNKS_BYTES

    def read(self, size):
        self.left = BETWEEN_CHUNKS_BYTES
        return self.file.read(size)

    def readline(self, size=None):
        """What stands between chunks or, where a `size` is given, a line of the body itself."""
        if size is not None:
            self.left = BETWEEN_CHUNKS_BYTES
            return self.file.readline(size)
        line = self.file.readline(self.left + 1)
        self.left -= len(line)
        if self.left < 0:
            self.protocol.close_connection = True  # nobody knows where a further request would begin
            raise ChunkReadError("too much between chunks")
        return line


class Connections(eventlet.GreenPool):
    """All connections; one more than fit is told so at once, where upstream lets it wait without a word."""

    told_at = -LOG_EVERY_S

    def spawn(self, function, connection):
        if self.free() > 0:
            return super().spawn(serve, function, connection)
        if time.monotonic() - self.told_at > LOG_EVERY_S:
            self.told_at = time.monotonic()
            log.error("connections_full", most=self.size)
        return eventlet.spawn(refuse, connection)


def serve(function, connection):
    """All requests of a connection; then what one of them has it stay for."""
    try:
        function(connection)
    finally:
        if stays(connection):
            attempt(connection.pop())


def attempt(act):
    try:
        act()
    except Exception:
        log.exception("connection_failed")


def stays(connection):
    """`[address, socket, state]` is upstream's; what it stays for is ours."""
    return len(connection) > STATE + 1


def refuse(connection):
    _, client, _ = connection
    with contextlib.suppress(OSError):
        client.sendall(FULL)


class ErrorLog:
    """What upstream's server has to say: only accidents are kept, and never a request line, which may hold a secret."""

    def info(self, text, *_):
        kind = sys.exc_info()[0]
        if kind and not issubclass(kind, GreenletExit | ConnectionError):  # a listener who has gone is no accident
            log.exception("connection_failed")

    def error(self, text, *_):
        log.warning("request_body_unreadable")

    def debug(self, text, *_):
        pass
