"""The server on gevent, in this process: what a stop does with connections that rest. The same on the wire:
tests/live/test_server.py.
"""

import socket
import struct

import gevent
import pytest

from chatapp.realtime.drivers import on_gevent

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close that tells the other end nothing but that
SOON_S = 5


@pytest.fixture
def server():
    made = on_gevent.Server(("127.0.0.1", 0), lambda environ, start_response: [], max_connections=10)
    yield made
    made.close()


@pytest.fixture
def resting(server):
    """Three connections that ask nothing."""
    opened = [socket.create_connection(("127.0.0.1", server.server_port), timeout=SOON_S) for _ in range(3)]
    with gevent.Timeout(SOON_S):
        while len(server.idle) < len(opened):
            gevent.sleep(0.01)
    yield opened
    for one in opened:
        one.close()


def test_a_stop_ends_all_that_rest_also_where_one_was_reset_just_before(server, resting):
    resting[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    resting[1].close()
    server.shut()
    assert [resting[place].recv(1) for place in (0, 2)] == [b"", b""]
    assert server.drain(SOON_S)
