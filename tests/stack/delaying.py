"""A slow way to Redis: a proxy that hands on each answer only after a while."""

import socket
import threading
import time
from contextlib import suppress

from tests.stack.lossy import ANY_PORT


class SlowRedis:
    """Stands before the Redis at `port`. Each answer takes `delay` seconds, which may be changed at any moment."""

    def __init__(self, port: int):
        self.port, self.delay = port, 0.0
        self.listener = socket.create_server(ANY_PORT)
        self.url = f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                there = socket.create_connection(("127.0.0.1", self.port))
                for end in (here, there):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for ends, is_answer in (((here, there), False), ((there, here), True)):
                    threading.Thread(target=self.pump, args=(*ends, is_answer), daemon=True).start()

    def pump(self, source, target, is_answer):
        with suppress(OSError):
            while data := source.recv(65_536):
                if is_answer:
                    time.sleep(self.delay)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def end(self):
        self.listener.close()
