"""What every WebSocket of ours has in common, whichever server carries it. For websocket.py and the drivers."""

from engineio.packet import Packet

MAX_MESSAGE_BYTES = 128 * 1024  # one message, however it comes; a longer one closes its connection
MAX_FRAGMENTS = 128  # parts of one message
FRAMES_A_TURN = 8  # then others get the processor: a socket that always has data would never give it away
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
