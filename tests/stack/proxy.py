"""A proxy before a server on this machine, for one that answers differently (delaying.py, lossy.py)."""

import socket
import threading
from contextlib import suppress

ANY_PORT = ("127.0.0.1", 0)


class Proxy:
    """Stands before the server at `port`; what comes is asked and answered unchanged. `listener` is its own socket."""

    def __init__(self, port: int):
        self.port = port
        self.listener = socket.create_server(ANY_PORT)
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"

    def accept(self):
        with suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                there = socket.create_connection(("127.0.0.1", self.port))
                for end in (here, there):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for carry, *ends in ((self.ask, here, there), (self.answer, there, here)):
                    threading.Thread(target=self.until_its_end, args=(carry, *ends), daemon=True).start()

    def until_its_end(self, carry, source, target):
        with suppress(OSError):
            carry(source, target)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def ask(self, source, target):
        while data := source.recv(65_536):
            target.sendall(data)

    answer = ask

    def end(self):
        self.listener.close()
