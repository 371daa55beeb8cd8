"""A connection to an endpoint over which one question is asked, and which a Halt ends at any moment: while the name is
looked up, while it connects, while it waits. For endpoint.py.

Shutting the socket down is what wakes a blocked reader under eventlet, gevent and real threads alike; closing is not.
"""

import http.client
import socket
import ssl
import threading
from contextlib import suppress

from .answers import Halt


class Connection(http.client.HTTPConnection):
    """Time-outs are in seconds; `context` is None for plain http."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, halt: Halt):
        super().__init__(host, port)
        self._context = context
        self._halt = halt

    def open(self, connect_s: float, read_s: float) -> None:
        """Connect, to the first of the host's addresses that lets us; raises OSError or Halted."""
        problem: OSError = ConnectionError("no address")
        for family, kind, protocol, _, address in self._addresses(connect_s):
            self.sock = socket.socket(family, kind, protocol)
            try:
                self._reach(address, connect_s)
            except OSError as error:
                problem = error
                self.hang_up()
            else:
                self.sock.settimeout(read_s)
                return
        self._halt.check()
        raise problem

    def _reach(self, address: tuple, connect_s: float) -> None:
        self._halt.ends(self._shut)
        self.sock.settimeout(connect_s)
        self.sock.connect(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context:
            # The handshake comes once the socket that reads is the one we would shut.
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self._halt.ends(self._shut)
            self.sock.do_handshake()

    def close(self) -> None:
        """Nothing: http.client means to give the socket away to the response, where no Halt would reach it."""

    def hang_up(self) -> None:
        self._halt.ends(None)
        super().close()

    def _shut(self) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def _addresses(self, seconds: float) -> list:
        """Looked up aside, because nothing can end a look-up."""
        found = []
        done = threading.Event()

        def look():
            with suppress(OSError, UnicodeError):
                found.extend(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM))
            done.set()

        self._halt.ends(done.set)
        threading.Thread(target=look, daemon=True).start()
        done.wait(seconds)
        return list(found)
