"""A bound on what is queued for a client that polls (and, on threads, for each): passing events are dropped for a slow
reader first, then it is cut. It catches up when it comes back, as after any absence. For transports.py; a WebSocket's
own bound is in lines.py.
"""

import structlog

PASSING_MAX = 64  # waiting packets, above which what nobody will miss is not added
PACKETS_MAX = 1_000  # waiting packets, above which the connection is cut
BYTES_MAX = 1_000_000  # the same in characters of what waits
WEIGHED_EVERY = 32  # packets: adding up what waits takes a moment
LARGE = 10_000  # characters of a packet that comes to what waits only after that was weighed
PASSING_EVENTS = ("typing", "userOnline", "userOffline", "presence", "streamChunk")
PASSING = tuple(f'2/chat,["{event}"' for event in PASSING_EVENTS)
log = structlog.get_logger(__name__)


def may_wait(reader, packet) -> bool:
    """Whether `packet` may be added to what is queued for this connection."""
    waiting, is_large = reader.queue.qsize(), len(packet.data or "") > LARGE
    if getattr(reader, "is_cut", False):
        return False
    if waiting < PASSING_MAX and not is_large:
        return True
    is_weighed = is_large or waiting % WEIGHED_EVERY == 0
    if waiting >= PACKETS_MAX or (is_weighed and weight(reader) > BYTES_MAX):
        reader.is_cut = True
        reader.server.start_background_task(cut, reader)
        return False
    return waiting < PASSING_MAX or not (isinstance(packet.data, str) and packet.data.startswith(PASSING))


def weight(reader) -> int:
    """Characters that wait for this connection."""
    return sum(len(packet.data or "") for packet in list(reader.queue.queue) if packet is not None)


def cut(reader) -> None:
    """End the connection without a goodbye (nobody reads it): its client comes back and catches up."""
    log.warning("slow_reader_cut", waiting=reader.queue.qsize())
    reader.close(wait=False, abort=True, reason=reader.server.reason.TRANSPORT_ERROR)
    reader.queue.queue.clear()
    reader.queue.put(None)  # ends its writer
