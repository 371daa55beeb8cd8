"""A reader's own copy of a room, kept as a browser keeps it: from events, joinSession and syncSession."""

import threading

from tests.live.people import as_row
from tests.live.tabs import Lost

TOLD = ("newMessage", "messageUpdated")


class Copy:
    """What one reader knows of one room. `rev`: everything up to there is known, without a hole."""

    def __init__(self, room):
        self.room, self.messages, self.rev = room, {}, 0
        self.ahead, self.lock, self.news_of = set(), threading.RLock(), {}

    def hear(self, event, payload):
        """For a tab's `listener`."""
        if event in TOLD and payload["sessionId"] == self.room:
            with self.lock:
                self.take(payload["message"])
                self.ahead.add(payload["rev"])
                self.news_of.setdefault(event, []).append(payload["message"]["clientId"])
                self.close_up()

    def take(self, message):
        held = self.messages.get(message["id"])
        if held is None or held["rev"] < message["rev"]:
            self.messages[message["id"]] = message

    def close_up(self):
        while self.rev + 1 in self.ahead:
            self.rev += 1
        self.ahead = {rev for rev in self.ahead if rev > self.rev}

    def enter(self, tab):
        """Joins (again) and reads page by page until nothing is missing."""
        ack = answered(tab, "joinSession", {"sessionId": self.room, "afterRev": self.rev})
        if ack["hasMore"]:
            self.read(ack["messages"], None)
            self.sync(tab)
        else:
            self.read(ack["messages"], ack["session"]["lastRev"])

    def sync(self, tab):
        more = True
        while more:
            ack = answered(tab, "syncSession", {"sessionId": self.room, "afterRev": self.rev, "streams": []})
            more = ack["hasMore"]
            self.read(ack["messages"], None if more else ack["lastRev"])

    def read(self, messages, last_rev):
        with self.lock:
            for message in messages:
                self.take(message)
            self.rev = max([self.rev, last_rev or 0, *(message["rev"] for message in messages)])
            self.close_up()

    def rows(self):
        """Placed by `seq`."""
        with self.lock:
            return sorted((as_row(message) for message in self.messages.values()), key=lambda row: row[1])


class Follower(Copy):
    """The same for a viewer of crowds.py, who asks for what is missing."""

    is_behind = False  # more was missed than one answer holds

    __call__ = Copy.hear

    @property
    def gaps(self):
        return self.is_behind or bool(self.ahead)

    def held(self):
        """What is known of streams."""
        return []

    def caught_up(self, ack):
        self.is_behind = ack["hasMore"]
        last_rev = ack["session"]["lastRev"] if "session" in ack else ack["lastRev"]
        self.read(ack["messages"], None if self.is_behind else last_rev)


def answered(tab, event, payload):
    """The ack; where it is a refusal (the database is away) the reader will have to come again."""
    ack = tab.asks(event, payload)
    if not ack["ok"]:
        raise Lost(ack)
    return ack
