"""One who listens by Server-Sent Events, with nothing but HTTP; and one who reads what streams say as a viewer does."""

import functools
import json
import socket
import threading
import time
from contextlib import suppress

import requests

from chatapp.wire import utf16_length
from tests.live.tabs import SOON_S


class Listening:
    """`GET path` as Server-Sent Events, read in a thread of its own; `events` are (event, payload, id, when)."""

    def __init__(self, somebody, path, **headers):
        self.events, self.news, self.ended_at, self.last_id = [], threading.Condition(), None, None
        headers = {"Authorization": f"Bearer {somebody.token}"} | headers
        self.answer = requests.get(f"{somebody.url}/api/v1{path}", headers=headers, stream=True, timeout=60)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        fields = {}
        try:
            for raw in self.answer.iter_lines(chunk_size=None):  # as it comes
                name, _, value = raw.decode().partition(": ")
                if raw and name:
                    fields[name] = value
                elif not raw and "event" in fields:
                    self.note(fields)
                if not raw:
                    fields = {}
        except (requests.RequestException, OSError, AttributeError):
            pass  # cut, or closed by the test
        with self.news:
            self.ended_at = time.monotonic()
            self.news.notify_all()

    def note(self, fields):
        with self.news:
            self.last_id = fields.get("id", self.last_id)
            self.events.append((fields["event"], json.loads(fields["data"]), fields.get("id"), time.monotonic()))
            self.news.notify_all()

    def hears(self, event, within=SOON_S, **wanted):
        """The first such event, whenever it came."""
        found = self.waits_for(
            lambda: [one for one in self.events if one[0] == event and wanted.items() <= one[1].items()], within
        )
        assert found, f"no {event} {wanted} within {within} s, only {[one[0] for one in self.events]}"
        return found[0][1]

    def ends(self, within=SOON_S):
        """When it ended (monotonic)."""
        assert self.waits_for(lambda: self.ended_at, within), "the answer goes on"
        return self.ended_at

    def waits_for(self, condition, within):
        deadline = time.monotonic() + within
        with self.news:
            while not (found := condition()) and time.monotonic() < deadline:
                self.news.wait(max(0.01, deadline - time.monotonic()))
            return found

    def names(self):
        return [one[0] for one in self.events]

    def closes(self):
        """Hangs up. (Upstream's close waits for the reading thread.)"""
        raw = self.answer.raw
        own = raw.connection.sock if raw.connection else None
        with suppress(OSError, AttributeError):  # where the answer's end is the connection's, it alone has the socket
            (own or raw._fp.fp.raw._sock).shutdown(socket.SHUT_RDWR)
        self.thread.join(SOON_S)


class Reader:
    """What a viewer shows of streams, by the contract: appends what is new, drops what it has, notes a gap. `shown` is
    every text that stood on the screen, by (message, gen); `done` the ends."""

    rev = 0  # of the room: each question is for all its messages

    def __init__(self):
        self.text, self.shown, self.done, self.gaps, self.first_at = {}, {}, {}, [], {}
        self.changed = threading.Condition()

    def __call__(self, event, payload):
        with self.changed:
            if event == "streamChunk":
                self.take((payload["messageId"], payload["gen"]), payload["offset"], payload["text"])
            elif event == "streamComplete":
                self.done[payload["message"]["id"], payload["gen"]] = payload
            self.changed.notify_all()

    def take(self, key, offset, text):
        if key in self.done:
            return
        longer = continued(self.text.get(key, ""), offset, text)
        if longer is None:
            self.gaps.append(key)
            return
        self.text[key] = longer
        self.first_at.setdefault(key, time.monotonic())
        self.shown.setdefault(key, []).append(longer)

    def held(self):
        """What there is, as a question for what is missing tells it."""
        with self.changed:
            self.gaps.clear()
            return [
                {"messageId": id_, "gen": gen, "length": utf16_length(text)} for (id_, gen), text in self.text.items()
            ]

    def caught_up(self, ack):
        """The answer to that, or to coming in."""
        with self.changed:
            for one in ack["streams"]:
                key = one["messageId"], one["gen"]
                if not one["offset"]:
                    self.text[key] = ""
                self.take(key, one["offset"], one["text"])
            for message in ack["messages"]:
                if message["gen"] and message["status"] not in ("queued", "streaming"):
                    self.done[message["id"], message["gen"]] = {
                        "message": message,
                        "length": utf16_length(message["content"]),
                    }
            self.changed.notify_all()

    def catches_up(self, tab, room, after_rev=0):
        """One syncSession, as after a gap or a reconnect."""
        ack = tab.asks("syncSession", {"sessionId": room, "afterRev": after_rev, "streams": self.held()})
        assert ack["ok"], ack
        self.caught_up(ack)
        return ack

    def waits(self, key, within=SOON_S):
        """The end of a stream."""
        deadline = time.monotonic() + within
        with self.changed:
            while key not in self.done:
                left = deadline - time.monotonic()
                assert left > 0, f"{key} did not end within {within} s"
                self.changed.wait(left)
            return self.done[key]["message"]

    def saw_only_beginnings_of(self, key, whole):
        return all(whole.startswith(one) for one in self.shown.get(key, []))


@functools.lru_cache(512)
def continued(have, offset, text):
    """`have` with what is new in a piece that begins at `offset`; None where something between is missing. (The last are
    kept: a crowd of viewers grows by the same pieces, and then holds the same strings.)"""
    units = have.encode("utf-16-le")
    if 2 * offset > len(units):
        return None
    return (units + text.encode("utf-16-le")[len(units) - 2 * offset :]).decode("utf-16-le")
