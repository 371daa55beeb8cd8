"""Bounds for those who open the way in and have not said who they are: how long, and how many from one address. The
wiring calls `guard` once; the ticker sweeps.
"""

import time

from ..extensions import socketio

PATIENCE = 20.0  # seconds
FROM_ONE_ADDRESS = 200  # at a time: an office behind one address comes back together, and is in within moments

_waiting: dict[str, float] = {}  # Engine.IO sid → since when (monotonic seconds)
_by_address: dict[str, set[str]] = {}


def guard(server) -> None:
    """Have a `socketio.Server` refuse one stranger more than fit from an address."""
    connect = server.eio.handlers["connect"]

    def guarded(sid: str, environ: dict):
        return connect(sid, environ) if admits(server, sid, environ.get("REMOTE_ADDR", "")) else False

    server.eio.handlers["connect"] = guarded


def admits(server, sid: str, address: str) -> bool:
    there = {one for one in _by_address.get(address, ()) if is_outside(server, one)}
    if len(there) >= FROM_ONE_ADDRESS:
        return False
    _by_address[address] = there | {sid}
    return True


def is_outside(server, sid: str) -> bool:
    """Whether somebody is connected and has not entered our namespace."""
    connection = server.eio.sockets.get(sid)
    return connection is not None and not connection.closed and not server.manager.has_entered(sid)


def sweep() -> None:
    """Cut whoever is outside for too long."""
    server = socketio.server
    outside = [sid for sid in list(server.eio.sockets) if is_outside(server, sid)]
    for address in [one for one, there in _by_address.items() if not there.intersection(outside)]:
        del _by_address[address]
    for gone in _waiting.keys() - set(outside):
        del _waiting[gone]
    for sid in outside:
        if time.monotonic() - _waiting.setdefault(sid, time.monotonic()) > PATIENCE:
            connection = server.eio.sockets.get(sid)
            if connection is not None:
                connection.close(wait=False, abort=True, reason=server.eio.reason.SERVER_DISCONNECT)
