"""Ends connections that opened the way in and never said who they are. Called by the ticker."""

import time

from ..extensions import socketio
from .connections import NAMESPACE

PATIENCE = 20.0  # seconds

_waiting: dict[str, float] = {}  # Engine.IO sid → since when (monotonic seconds)


def sweep() -> None:
    """Cut whoever is connected for so long without having entered our namespace."""
    server = socketio.server
    outside = [sid for sid in list(server.eio.sockets) if server.manager.sid_from_eio_sid(sid, NAMESPACE) is None]
    for gone in _waiting.keys() - set(outside):
        del _waiting[gone]
    for sid in outside:
        if time.monotonic() - _waiting.setdefault(sid, time.monotonic()) > PATIENCE:
            connection = server.eio.sockets.get(sid)
            if connection is not None:
                connection.close(wait=False, abort=True, reason=server.eio.reason.SERVER_DISCONNECT)
