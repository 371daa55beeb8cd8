"""A way to Redis that loses things: every so many of the messages that Redis hands to subscribers."""

import itertools

from tests.stack.proxy import Proxy


class LossyRedis(Proxy):
    """`drops(number)` says of each published message (1, 2, 3 …) whether it is lost on the way to the one who listens
    through here; everything else passes unchanged.
    """

    def __init__(self, port: int, drops):
        self.drops, self.lost = drops, 0
        self.numbers = itertools.count(1)
        super().__init__(port)

    def answer(self, source, target):
        with source.makefile("rb") as replies:
            while reply := whole_reply(replies):
                if b"\r\nmessage\r\n" in reply[:30] and self.drops(next(self.numbers)):
                    self.lost += 1
                else:
                    target.sendall(reply)


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
