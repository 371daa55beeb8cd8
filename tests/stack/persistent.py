"""People who go on talking whatever the database does: what was refused is said again, with the same client id."""

import contextlib
import threading
import time

import requests

from tests.live.copies import Copy
from tests.live.tabs import ANSWER_S, Lost, Tab, a_message

PAUSE_S = 0.05
REFUSED = ("unavailable",)


class Persistent:
    """Says one thing after the other, each until it is taken. `answers`: (when asked, seconds, code or None) each."""

    def __init__(self, somebody, room):
        self.somebody, self.room, self.copy = somebody, room, Copy(room)
        self.acknowledged, self.pending, self.answers, self.number = {}, None, [], 0
        self.stopping, self.failure = threading.Event(), None
        self.thread = threading.Thread(target=self.talk)

    def starts(self):
        self.prepares()
        self.thread.start()
        return self

    def prepares(self):
        """Before the first word."""

    def talk(self):
        try:
            while self.pending or not self.stopping.is_set():
                self.say()
        except BaseException as error:
            self.failure = error

    def say(self):
        if self.pending is None:
            self.number += 1
            self.pending = a_message(self.room, f"{self.somebody.name}, number {self.number}")
        began = time.monotonic()
        answer = self.sends(self.pending)
        code = None if answer.get("ok") else answer["error"]["code"]
        self.answers.append((began, time.monotonic() - began, code))
        if code is None:
            self.acknowledged[self.pending["clientId"]] = answer["message"]
            self.pending = None
        else:
            assert code in REFUSED, answer
        time.sleep(PAUSE_S)

    def finishes(self):
        self.stopping.set()
        self.thread.join(60)
        if self.failure:
            raise self.failure
        assert not self.thread.is_alive()


class ByHttp(Persistent):
    """Over REST."""

    def sends(self, given):
        body = {name: given[name] for name in ("content", "clientId")}
        with contextlib.suppress(requests.ConnectionError):
            answered = self.somebody.calls("POST", f"/sessions/{self.room}/messages", body)
            return answered.json() | {"ok": answered.ok}
        return {"error": {"code": "unavailable"}}  # the server itself is away


class BySocket(Persistent):
    """Over one socket, opened anew only where it was lost."""

    tab, opened = None, 0

    def prepares(self):
        self.opened += 1
        self.tab = Tab(self.somebody.url, token=self.somebody.token, listener=self.copy.hear)
        self.copy.enter(self.tab)

    def sends(self, given):
        try:
            if not self.tab.is_open:
                self.prepares()
            return self.tab.sends("sendMessage", given).wait(ANSWER_S)
        except (Lost, Exception) as error:
            if isinstance(error, AssertionError) and "within" in str(error):
                raise
            return {"error": {"code": "unavailable"}}
