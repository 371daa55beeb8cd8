"""A bound on what waits for each connection: passing events are dropped for a slow reader first, then it is cut.

It catches up when it comes back, as after any absence. `create_app` calls `bound` once, after `init_app`.
"""

import structlog

PASSING_MAX = 64  # waiting packets, above which what nobody will miss is not added
PACKETS_MAX = 1_000  # waiting packets, above which the connection is cut
BYTES_MAX = 1_000_000  # the same in characters of what waits
WEIGHED_EVERY = 32  # packets: adding up what waits takes a moment
PASSING = tuple(f'2/chat,["{event}"' for event in ("typing", "userOnline", "userOffline", "presence", "streamChunk"))
log = structlog.get_logger(__name__)


def bound(server) -> None:
    """Have every packet that a `socketio.Server` sends pass the check."""
    eio = server.eio
    send = eio.send_packet

    def send_packet(eio_sid, packet):
        reader = eio.sockets.get(eio_sid)
        if reader is None or may_wait(eio, reader, packet):
            send(eio_sid, packet)

    eio.send_packet = send_packet


def may_wait(eio, reader, packet) -> bool:
    """Whether `packet` may be added to what waits for this connection."""
    waiting = reader.queue.qsize()
    if waiting < PASSING_MAX:
        return True
    if getattr(reader, "is_cut", False):
        return False
    if waiting >= PACKETS_MAX or (waiting % WEIGHED_EVERY == 0 and weight(reader) > BYTES_MAX):
        reader.is_cut = True
        eio.start_background_task(cut, eio, reader)
        return False
    return not (isinstance(packet.data, str) and packet.data.startswith(PASSING))


def weight(reader) -> int:
    """Characters that wait for this connection."""
    return sum(len(packet.data or "") for packet in list(reader.queue.queue) if packet is not None)


def cut(eio, reader) -> None:
    """End the connection without a goodbye (nobody reads it): its client comes back and catches up."""
    log.warning("slow_reader_cut", waiting=reader.queue.qsize())
    reader.close(wait=False, abort=True, reason=eio.reason.TRANSPORT_ERROR)
    reader.queue.queue.clear()
    reader.queue.put(None)  # ends its writer
