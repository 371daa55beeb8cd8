"""Serving on gevent: an alternative kept working, should eventlet end. For server.py."""

import contextlib

import gevent
import gevent.pool
import gevent.socket
import structlog
from gevent import pywsgi

from ..bounds import FULL

KEEPALIVE_S = 75  # longer than a proxy keeps its end
log = structlog.get_logger(__name__)


class Handler(pywsgi.WSGIHandler):
    """One connection. Upstream lets an idle one stay for ever and would wait for it at a stop."""

    def read_requestline(self):
        if (getattr(self, "environ", None) or {}).get("HTTP_UPGRADE", "").lower() == "websocket":
            return ""  # what was a WebSocket carries no further request
        if self.server.closed:
            return ""  # its answer ended after the others were let go: nobody waits for a further request
        self.server.idle.add(self)
        try:
            with gevent.Timeout(KEEPALIVE_S, False):
                return super().read_requestline()
        finally:
            self.server.idle.discard(self)
        return ""

    def log_error(self, *_):
        """A request that cannot be understood: its line may hold an invite code."""

    def _log_error(self, kind, error, trace):
        """Upstream prints the whole request. (Wrong lengths in a chunked body arrive here as a ValueError.)"""
        if issubclass(kind, ValueError):
            log.warning("request_body_unreadable")
        elif not issubclass(kind, gevent.GreenletExit):
            log.error("connection_failed", exc_info=(kind, error, trace))


class Server(pywsgi.WSGIServer):
    """Serves from the moment it is made. Each connection has a greenlet, WebSockets as long as they last."""

    def __init__(self, listener, app, max_connections):
        self.idle = set()
        self.connections = Connections(max_connections)
        super().__init__(listener, app, log=None, error_log=log, spawn=self.connections, handler_class=Handler)
        self.start()

    def shut(self):
        self.close()
        for handler in list(self.idle):
            with contextlib.suppress(OSError):  # it was reset in this moment
                handler.socket.shutdown(gevent.socket.SHUT_RDWR)

    def drain(self, seconds):
        """Whether everything has ended within that time."""
        return self.connections.join(timeout=seconds)


class Connections(gevent.pool.Pool):
    """All connections; one more than fit is told so at once, where upstream lets it wait without a word."""

    def full(self):
        """For upstream, which would stop accepting."""
        return False

    def spawn(self, function, handle, close, place):
        if self.free_count() > 0:
            return super().spawn(function, handle, close, place)
        return gevent.spawn(refuse, close, place)


def refuse(close, place):
    with contextlib.suppress(OSError):
        place[0].sendall(FULL)
    close(*place)


def later(seconds, function):
    gevent.spawn_later(seconds, function)


def wait_until_readable(file):
    gevent.socket.wait_read(file)


def wait_for_file(file, to_write, seconds):
    """Whether it can be read (or written) within that time."""
    wait = gevent.socket.wait_write if to_write else gevent.socket.wait_read
    try:
        wait(file, timeout=seconds, timeout_exc=TimeoutError)
    except TimeoutError:
        return False
    return True
