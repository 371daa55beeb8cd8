"""PostgreSQL commits, and its answer is lost: nobody in our process knows of the message, and everybody hears it."""

import socket
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.live.conftest import mode
from tests.live.people import House
from tests.live.tabs import a_message

REPAIR_S = 2.0  # asserted five times over
COMMIT = b"COMMIT"
COMMITS_ITSELF = b"WITH fresh AS"  # a message alone is one statement (saying.write)


class LosesCommits:
    """A way to PostgreSQL. While `armed`, a commit of a new message passes and its connection is cut before the answer."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        self.place, self.armed, self.lost = (parts.hostname, parts.port), False, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = url.replace(f":{parts.port}/", f":{self.listener.getsockname()[1]}/")
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(here,), daemon=True).start()

    def serve(self, here):
        there = socket.create_connection(self.place)
        threading.Thread(target=self.answer, args=(there, here), daemon=True).start()
        has_written = False
        with suppress(OSError):
            while data := here.recv(65_536):
                has_written = has_written or b"INSERT INTO messages" in data
                if (COMMIT in data or COMMITS_ITSELF in data) and has_written:
                    if self.armed:
                        self.lost += 1
                        here.shutdown(socket.SHUT_RDWR)
                        there.sendall(data)
                        time.sleep(0.2)  # or PostgreSQL would see the end before the commit
                        break
                    has_written = False
                there.sendall(data)
        there.close()

    def answer(self, there, here):
        with suppress(OSError):
            while data := there.recv(65_536):
                here.sendall(data)
        with suppress(OSError):
            here.shutdown(socket.SHUT_RDWR)

    def end(self):
        self.listener.close()


@pytest.fixture
def way(database):
    way = LosesCommits(database)
    yield way
    way.end()


def test_what_was_committed_unheard_is_told_without_redis_too(way, database, starts, note):
    (server,) = starts(DATABASE_URL=way.url, **mode())
    house = House(server)
    ana, ben = house.people(2)
    room = ana.makes(ben)
    for one in (ana, ben):
        one.enters(room)
    given = a_message(room, "Said, or not?")
    way.armed = True
    ack = ana.asks("sendMessage", given)
    assert (ack["ok"], ack["error"]["code"], way.lost) == (False, "unavailable", 1)
    began = time.monotonic()
    way.armed = False
    heard, at = ben.tab.hears_at("newMessage", within=5 * REPAIR_S)
    took = at - began
    assert heard["message"]["clientId"] == given["clientId"]
    again = ana.asks("sendMessage", given)
    assert (again["ok"], again["message"]) == (True, heard["message"])
    assert ana.hears("newMessage")["message"] == heard["message"]
    ana.says("The end", room)
    ben.hears_nothing_more("newMessage", {"event": "newMessage", "rev": 2})
    assert house.counters(room) == (2, 2)
    note(f"a commit whose answer was lost: told {took:.2f} s after the refusal (bound {REPAIR_S} s)")
