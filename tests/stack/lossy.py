"""A way to Redis that loses things: a proxy that drops every so many of the messages that Redis hands to subscribers."""

import itertools
import socket
import threading
from contextlib import suppress

ANY_PORT = ("127.0.0.1", 0)


class LossyRedis:
    """Stands before the Redis at `port`. `drops(number)` says of each published message (1, 2, 3 …) whether it is lost
    on the way to the one who listens through here; everything else passes unchanged.
    """

    def __init__(self, port: int, drops):
        self.port, self.drops, self.lost = port, drops, 0
        self.numbers = itertools.count(1)
        self.listener = socket.create_server(ANY_PORT)
        self.url = f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                there = socket.create_connection(("127.0.0.1", self.port))
                for pump, *ends in ((self.ask, here, there), (self.answer, there, here)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def ask(self, here, there):
        with suppress(OSError):
            while data := here.recv(65_536):
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)

    def answer(self, there, here):
        with suppress(OSError), there.makefile("rb") as source:
            while reply := whole_reply(source):
                if b"\r\nmessage\r\n" in reply[:30] and self.drops(next(self.numbers)):
                    self.lost += 1
                else:
                    here.sendall(reply)
        with suppress(OSError):
            here.shutdown(socket.SHUT_RDWR)

    def end(self):
        self.listener.close()


def whole_reply(source) -> bytes:
    """One reply of Redis's protocol (RESP 2 or 3) as it stands on the wire; nothing at the end."""
    line = source.readline()
    kind, rest = line[:1], line[1:].strip()
    if kind in b"$=!" and line and int(rest) >= 0:
        return line + source.read(int(rest) + 2)
    if kind in b"*>~%" and line:
        parts = int(rest) * (2 if kind == b"%" else 1)
        return line + b"".join(whole_reply(source) for _ in range(parts))
    return line
