"""Server-Sent Events out of bytes, by the rules of the WHATWG. For endpoint.py."""

from typing import NamedTuple

EVENT_BYTES_MAX = 256 * 1024  # of one line, and of one event's data
BOM = b"\xef\xbb\xbf"


class TooLong(Exception):
    """A line or an event beyond all reason."""


class Event(NamedTuple):
    type: str
    data: str


class EventParser:
    """`feed` it with bytes as they come, cut anywhere; it answers the events that are complete by then.

    A line ends with LF, CR or CRLF. What stands behind the last empty line is no event, so the end needs no call.
    `id` and `retry` mean nothing to somebody who never reconnects.
    """

    def __init__(self):
        self._rest = b""  # of a line without its end
        self._after_cr = False
        self._at_start = True
        self._type = ""
        self._data: list[str] = []
        self._bytes = 0  # in _data

    def feed(self, data: bytes) -> list[Event]:
        if not data:
            return []
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
        self._after_cr = data[-1:] == b"\r"
        lines = (self._rest + data).splitlines(keepends=True)
        self._rest = lines.pop() if lines and lines[-1][-1:] not in (b"\n", b"\r") else b""
        events = [event for line in lines if (event := self._take(line.rstrip(b"\r\n")))]
        self._bound(len(self._rest))
        return events

    def _take(self, line: bytes) -> Event | None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(BOM)
        if not line:
            return self._end()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._bytes += len(value) + 1
            self._bound(self._bytes)
            self._data.append(value.decode(errors="replace"))
        elif name == b"event":
            self._type = value.decode(errors="replace")
        return None

    def _end(self) -> Event | None:
        event = Event(self._type or "message", "\n".join(self._data)) if self._data else None
        self._type, self._data, self._bytes = "", [], 0
        return event

    def _bound(self, size: int) -> None:
        if size > EVENT_BYTES_MAX:
            raise TooLong
