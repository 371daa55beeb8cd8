"""A crowd of viewers with little to them: hundreds of raw WebSockets in one thread. A tabs.Tab each would have several
threads, and read each event by itself: so many cost more than the server that is to be tested, and miss its pings."""

import functools
import heapq
import itertools
import json
import os
import selectors
import socket
import struct
import threading
import time
from urllib.parse import urlsplit

from tests.live.tabs import ANSWER_S, CHAT, WEBSOCKET

GAP_S = 0.15  # a viewer's patience with a gap, by the contract
BACK_S = 0.5  # until who was cut off comes back
LOOK_S = 0.05  # between two looks whether all shall go home
READ_BYTES = 256 * 1024
KEPT = 512  # what was read last, as the others in the room are about to get the same
EVENT = f"42{CHAT},"
TEXT, FINAL, MASKED = 0x1, 0x80, 0x80
SHORT, MEDIUM, MEDIUM_BYTES, LONG_BYTES = 125, 126, 4, 10  # lengths of a frame; bytes before its body


class Viewer:
    """One connection in one room, whose events `reader` hears (as copies.Follower): it asks for what is missing and
    comes back when it was cut off, as a browser does. All but the constructor runs in the crowd's thread."""

    def __init__(self, crowd, somebody, room, reader):
        self.crowd, self.somebody, self.room, self.reader = crowd, somebody, room, reader
        self.connection, self.rest, self.is_upgraded, self.is_in = None, b"", False, False
        self.is_asking = False  # or will in a moment
        self.gaps = 0  # that it asked for
        self.endings = []  # why its connections ended

    def comes(self):
        address = urlsplit(self.somebody.url)
        try:
            self.connection = socket.create_connection((address.hostname, address.port), ANSWER_S)
        except OSError as error:
            self.goes(repr(error))
        else:
            self.connection.setblocking(False)
            self.crowd.selector.register(self.connection, selectors.EVENT_READ, self)
            self.rest, self.is_upgraded = b"", False
            self.writes(upgrade(address.netloc))

    def goes(self, why):
        """The connection has ended; it comes back."""
        self.endings.append(why)
        self.is_in = self.is_asking = False
        self.closes()
        self.crowd.later(BACK_S, self.comes)

    def closes(self):
        if self.connection:
            self.crowd.selector.unregister(self.connection)
            self.connection.close()
            self.connection = None

    def reads(self):
        try:
            data = self.connection.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.goes(repr(error))
            return
        if data:
            self.takes(self.rest + data if self.rest else data)
        else:
            self.goes("the end of what was sent")

    def takes(self, data):
        self.rest = data
        if self.is_upgraded or self.upgrades():
            frames, self.rest = frames_in(self.rest)
            for frame in frames:
                if self.connection:  # the one before may have been its end
                    self.hears(*frame)
        self.asks_for_gaps()

    def upgrades(self):
        """Whether the answer to the handshake has come, all of it."""
        head, end, rest = self.rest.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 101 "):
            self.goes(head.decode())
            return False
        self.rest, self.is_upgraded = rest, True
        return True

    def hears(self, kind, text):
        if kind != FINAL | TEXT:
            self.goes(f"frame {kind:#x} {text}")
        elif text.startswith(EVENT):
            self.reader(*event_in(text))
        elif text == "2":
            self.sends("3")
        elif text.startswith("0"):
            self.sends(f"40{CHAT}," + json.dumps({"token": self.somebody.token}))
        elif text.startswith(f"40{CHAT}"):
            self.asks("joinSession", {"sessionId": self.room, "afterRev": self.reader.rev})
        elif text.startswith(f"43{CHAT},"):
            self.is_answered(json.loads(text[text.index("[") :])[0])
        else:
            self.goes(text)  # refused, or sent off

    def asks(self, event, payload):
        self.sends(f"42{CHAT},1{json.dumps([event, payload])}")

    def is_answered(self, ack):
        assert ack["ok"], ack
        self.reader.caught_up(ack)
        self.is_in, self.is_asking = True, False

    def asks_for_gaps(self):
        if self.reader.gaps and self.is_in and not self.is_asking:
            self.is_asking = True
            self.gaps += 1
            self.crowd.later(GAP_S, self.syncs)

    def syncs(self):
        if self.is_in and self.reader.gaps:
            asked = {"sessionId": self.room, "afterRev": self.reader.rev, "streams": self.reader.held()}
            self.asks("syncSession", asked)
        else:
            self.is_asking = False

    def sends(self, text):
        self.writes(masked(text.encode()))

    def writes(self, data):
        """So little that a full buffer means that nobody reads it."""
        try:
            self.connection.sendall(data)
        except OSError as error:
            self.goes(repr(error))


class Crowd:
    """`with Crowd([(somebody, room, reader), …]) as crowd:` everybody is in; at its end they go home."""

    def __init__(self, seats):
        self.viewers = [Viewer(self, *seat) for seat in seats]
        self.selector, self.due, self.numbers = selectors.DefaultSelector(), [], itertools.count()
        self.is_over, self.failure = False, None
        self.thread = threading.Thread(target=self.runs, daemon=True)

    def __enter__(self):
        self.thread.start()
        deadline = time.monotonic() + ANSWER_S
        while (
            not (is_full := all(one.is_in for one in self.viewers)) and not self.failure and time.monotonic() < deadline
        ):
            time.sleep(LOOK_S)
        if not is_full:
            self.goes_home()
            raise self.failure or AssertionError(f"not everybody came in within {ANSWER_S} s: {self.endings()}")
        return self

    def __exit__(self, *_):
        self.goes_home()
        if self.failure:
            raise self.failure

    def goes_home(self):
        self.is_over = True
        self.thread.join(ANSWER_S)

    def endings(self):
        """Why connections ended, as often as they did."""
        return [why for one in self.viewers for why in one.endings]

    def later(self, seconds, act):
        heapq.heappush(self.due, (time.monotonic() + seconds, next(self.numbers), act))

    def runs(self):
        try:
            for one in self.viewers:
                one.comes()
            while not self.is_over:
                for key, _ in self.selector.select(LOOK_S):
                    key.data.reads()
                while self.due and self.due[0][0] <= time.monotonic():
                    heapq.heappop(self.due)[-1]()
        except Exception as failure:  # for whoever waits
            self.failure = failure
        for one in self.viewers:
            one.closes()
        self.selector.close()


def upgrade(host):
    lines = (
        f"GET {WEBSOCKET} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    return "\r\n".join((*lines, "", "")).encode()


def masked(body):
    """A client's frame (RFC 6455, 5.2)."""
    mask, length = os.urandom(4), len(body)
    head = (
        bytes((FINAL | TEXT, MASKED | length))
        if length <= SHORT
        else struct.pack("!BBH", FINAL | TEXT, MASKED | MEDIUM, length)
    )
    pattern = (mask * (length // 4 + 1))[:length]
    return head + mask + (int.from_bytes(body) ^ int.from_bytes(pattern)).to_bytes(length)


@functools.lru_cache(KEPT)
def frames_in(data):
    """The server's frames that are whole, as (first byte, text), and the bytes that are left. Ours sends no fragments;
    a first byte that tells of one is for the viewer to refuse."""
    frames, start = [], 0
    while len(data) - start >= 2:
        kind, length, body = data[start], data[start + 1], start + 2
        if length >= MEDIUM:
            body = start + (MEDIUM_BYTES if length == MEDIUM else LONG_BYTES)
            length = int.from_bytes(data[start + 2 : body])
        if len(data) < body + length:
            break
        frames.append((kind, data[body : body + length].decode(errors="replace")))
        start = body + length
    return frames, data[start:]


@functools.lru_cache(KEPT)
def event_in(text):
    """Its name and payload. The same for all who get it: to be read only."""
    event, payload = json.loads(text[len(EVENT) :])
    return event, payload
