"""What is bounded for every connection of ours, whichever server carries it. For this package."""

from engineio.packet import Packet

MAX_MESSAGE_BYTES = 128 * 1024  # one message, however it comes; a longer one closes its connection
MAX_FRAGMENTS = 128  # parts of one message
FRAMES_A_TURN = 2  # then others get the processor: a socket that always has data would never give it away

# What waits for one WebSocket whose client reads too slowly (lines.py)
SPARE_ABOVE_BYTES = 64 * 1024  # above which what nobody will miss is not added
BYTES_MAX = 1_000_000  # above which the connection is cut
PIECES_MAX = 1_000  # the same; what is written together is one
STALLED_S = 8.0  # with something waiting and nothing arriving, until it is cut

# To one connection more than fit.
FULL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
OFFERED_EXTENSIONS = "HTTP_SEC_WEBSOCKET_EXTENSIONS"


def packet_or_end(data: str | bytes | None) -> str | bytes | None:
    """`data`, or None (the connection's end) where it is no packet: upstream would leave the connection half open."""
    try:
        if isinstance(data, str):
            Packet(encoded_packet=data)
    except (ValueError, RecursionError):
        return None
    return data
