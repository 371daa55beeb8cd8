"""A slow way to Redis: each answer is handed on only after a while."""

import time

from tests.stack.proxy import Proxy


class SlowRedis(Proxy):
    """Each answer takes `delay` seconds, which may be changed at any moment."""

    delay = 0.0

    def answer(self, source, target):
        while data := source.recv(65_536):
            time.sleep(self.delay)
            target.sendall(data)
