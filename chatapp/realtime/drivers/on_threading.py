"""Serving on plain threads, by Werkzeug's server: for trials and tests, not for the world. For server.py."""

import contextlib
import select
import threading
import time

from werkzeug.serving import WSGIRequestHandler, make_server

from ..bounds import FULL

POLL_S = 0.05
later = None  # clients are told upstream's way


class Handler(WSGIRequestHandler):
    def log(self, *_):
        """Nothing: the application keeps its own log, without the secrets in addresses."""


class Server:
    """Serves from the moment it is made. Each connection has a thread, WebSockets as long as they last."""

    def __init__(self, listener, app, max_connections):
        self.app = app
        self.under_way = 0
        self.free = threading.Semaphore(max_connections)
        self.lock = threading.Lock()
        self.listener = listener
        host, port = listener.getsockname()[:2]
        self.server = make_server(host, port, self.count, threaded=True, request_handler=Handler, fd=listener.fileno())
        self.server.log = lambda *_: None
        self.server.process_request = self.admit
        threading.Thread(target=self.server.serve_forever, args=(POLL_S,), daemon=True).start()

    def admit(self, connection, address):
        """One more connection than fit is told so at once."""
        if self.free.acquire(blocking=False):
            threading.Thread(target=self.handle, args=(connection, address), daemon=True).start()
            return
        with contextlib.suppress(OSError):
            connection.sendall(FULL)
        self.server.shutdown_request(connection)

    def handle(self, connection, address):
        try:
            self.server.process_request_thread(connection, address)
        finally:
            self.free.release()

    def count(self, environ, start_response):
        """The application, counted while it answers."""
        with self.lock:
            self.under_way += 1
        try:
            yield from self.app(environ, start_response)
        finally:
            with self.lock:
                self.under_way -= 1

    def shut(self):
        self.server.shutdown()
        self.server.server_close()
        self.listener.close()

    def drain(self, seconds):
        """Whether everything has ended within that time."""
        deadline = time.monotonic() + seconds
        while self.under_way and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return not self.under_way


def wait_until_readable(file):
    select.select([file], [], [])


def wait_for_file(file, to_write, seconds):
    """Whether it can be read (or written) within that time."""
    watch = select.poll()
    watch.register(file, select.POLLOUT if to_write else select.POLLIN)
    return bool(watch.poll(seconds * 1000))
