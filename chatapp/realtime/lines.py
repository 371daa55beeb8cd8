"""The way out to one WebSocket: what is written leaves at once or waits here, in order and within bounds. Nobody who
writes ever waits. For transports.py, on eventlet and gevent.
"""

import fcntl
import socket
import struct
import termios
from collections import deque
from collections.abc import Callable

import structlog

from .bounds import BYTES_MAX, PIECES_MAX, SPARE_ABOVE_BYTES, STALLED_S

KERNEL_BYTES = 128 * 1024  # that the system keeps for one connection; more would hide for long that nobody reads
AT_ONCE_BYTES = 128 * 1024  # of what waits, handed to the system together
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: forget what was not sent
LAST_SHORT, LAST_MEDIUM = 125, 0xFFFF  # lengths that a frame's first byte of length, or two more, can tell
TEXT, BINARY = 0x81, 0x82  # whole messages
log = structlog.get_logger(__name__)


def framed(packet: str | bytes) -> bytes:
    """One unmasked WebSocket message (RFC 6455, 5.2)."""
    kind, body = (BINARY, packet) if isinstance(packet, bytes) else (TEXT, packet.encode())
    length = len(body)
    if length <= LAST_SHORT:
        return bytes((kind, length)) + body
    if length <= LAST_MEDIUM:
        return struct.pack("!BBH", kind, 126, length) + body
    return struct.pack("!BBQ", kind, 127, length) + body


def unacknowledged(connection) -> int:
    """Bytes that the system holds for the other end (Linux: tcp(7), SIOCOUTQ); 0 where it cannot tell."""
    try:
        return struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
    except (OSError, ValueError):
        return 0


class Line:
    """`connection` is the driver's socket, whose `send` waits; `send_now` the same without waiting (BlockingIOError);
    `start` begins a background task."""

    __slots__ = (
        *("arrived", "connection", "given", "hang_up", "is_cut"),
        *("moved_at", "send_now", "start", "waiting", "weight"),
    )

    def __init__(self, connection, send_now: Callable[[bytes], int], start: Callable):
        self.connection, self.send_now, self.start = connection, send_now, start
        # The first may be the rest of one that has left in part. A deque only while something waits: it is 0.6 KB.
        self.waiting: deque[bytes] | tuple = ()
        self.weight = 0  # bytes that wait
        self.given = 0  # bytes that the system took
        self.arrived = 0  # of these, as last looked at
        self.moved_at: float | None = None  # when that last changed while something waited; None: nothing waits
        self.is_cut = False
        self.hang_up: Callable[[], object] | None = None  # once everything has left
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)

    def write(self, data: bytes) -> None:
        """Whole frames."""
        if self.waiting or self.is_cut:
            self.add(data)
            return
        try:
            sent = self.send_now(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.cut()  # it has gone, which its reader finds out
            return
        self.given += sent
        if sent < len(data):
            self.add(data[sent:])
            self.start(self.drain)

    def add(self, data: bytes) -> None:
        """Bounded is what waits behind the first piece: one answer may be longer than that, and its reader quick."""
        if self.is_cut:
            return
        if not self.waiting:
            self.waiting = deque()
        self.waiting.append(data)
        self.weight += len(data)
        if self.weight - len(self.waiting[0]) > BYTES_MAX or len(self.waiting) > PIECES_MAX:
            self.cut_for("full")

    @property
    def is_behind(self) -> bool:
        """Whether what its reader will not miss is to be left out."""
        return self.weight > SPARE_ABOVE_BYTES

    def is_stalled(self, now: float) -> bool:
        """Whether something waits and nothing has reached the other end for so long. To be asked again and again. (That
        the system takes no more says little: it would rather have a third of its buffer free first.)"""
        if not self.waiting:
            self.moved_at = None
            return False
        arrived = self.given - unacknowledged(self.connection)
        if self.moved_at is None or arrived != self.arrived:
            self.moved_at, self.arrived = now, arrived
        return now - self.moved_at > STALLED_S

    def drain(self) -> None:
        """Send what waits, as fast as it is read."""
        try:
            while self.waiting:
                self.shorten(self.connection.send(self.first()))
        except OSError:
            self.cut()
        self.waiting = ()
        self.hang_up_if_asked()

    def first(self) -> bytes:
        """What is to leave next: many small pieces together."""
        together, weight = [], 0
        while self.waiting and weight < AT_ONCE_BYTES:
            together.append(self.waiting.popleft())
            weight += len(together[-1])
        self.waiting.appendleft(b"".join(together) if len(together) > 1 else together[0])
        return self.waiting[0]

    def shorten(self, sent: int) -> None:
        """So much of the first has left. (All of it is gone when the line was cut meanwhile.)"""
        self.given += sent
        if not self.waiting:
            return
        piece = self.waiting.popleft()
        self.weight -= sent
        if sent < len(piece):
            self.waiting.appendleft(piece[sent:])

    def end(self, hang_up: Callable[[], object]) -> None:
        """Have `hang_up` called when all has left."""
        self.hang_up = hang_up
        if not self.waiting:
            self.hang_up_if_asked()

    def hang_up_if_asked(self) -> None:
        hang_up, self.hang_up = self.hang_up, None
        if hang_up:
            hang_up()

    def cut_for(self, reason: str) -> None:
        """Nobody reads it: its client comes back and catches up."""
        log.warning("slow_reader_cut", reason=reason, waiting_bytes=self.weight)
        self.cut()

    def cut(self) -> None:
        """End it without a goodbye, and let go of what waits, here and in the system."""
        self.is_cut = True
        self.waiting = ()
        self.weight = 0
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.connection.shutdown(socket.SHUT_RDWR)  # wakes whoever reads it or waits to write
        except OSError:
            pass  # it was closed already
