"""Socket.IO made safe and bounded, and the servers that carry it. Nothing here knows rooms or messages."""
