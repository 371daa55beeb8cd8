"""The people of the tests: what somebody does, through a connection, a browser or the API; and the clock they live by."""

import contextvars
import re
import time
import uuid

from chatapp import devices, people, tokens
from chatapp.extensions import cache, db, redis, socketio
from chatapp.models import Person
from chatapp.realtime import ticker
from chatapp.streams import voices

CHAT = "/chat"
API = "/api/v1"
asked_for = []  # background tasks of bots: clock.answers() does them


def flush():
    """Empty the cache, wherever it is; and all else that lies in the Redis of the tests."""
    cache.clear()
    redis.ask(lambda client: client.flushdb())


def outside(function, *arguments, **named):
    """Call as a server would: with no application context of the test around it."""
    return contextvars.Context().run(function, *arguments, **named)


class Tab:
    """One open connection. It hears what the server sends; each event is heard once."""

    def __init__(self, app, **how):
        self.client = outside(socketio.test_client, app, namespace=CHAT, **how)
        self.inbox = []

    @property
    def is_open(self):
        return self.client.is_connected(CHAT)

    @property
    def sid(self):
        return socketio.server.manager.sid_from_eio_sid(self.client.eio_sid, CHAT)

    def asks(self, event, *payload):
        return outside(self.client.emit, event, *payload, namespace=CHAT, callback=True)

    def sends_packet(self, text):
        """Something that no well-behaved library sends; returns the ack, if any."""
        outside(socketio.server._handle_eio_message, self.client.eio_sid, text)
        acks, self.client.acks = self.client.acks, None
        return acks["args"][0] if acks else None

    def closes(self):
        outside(self.client.disconnect, namespace=CHAT)

    def waiting(self):
        self.inbox += [(one["name"], one["args"][0]) for one in self.client.queue]
        self.client.queue.clear()
        return self.inbox

    def hears(self, event):
        """The payload of the first `event` not heard yet."""
        for place, (name, payload) in enumerate(self.waiting()):
            if name == event:
                del self.inbox[place]
                return payload
        raise AssertionError(f"no {event} came, only {[name for name, _ in self.inbox]}")

    def hears_all(self, event=None):
        """Everything not heard yet: the payloads of one event, or (name, payload) of all."""
        heard = [one for one in self.waiting() if event in (None, one[0])]
        self.inbox = [one for one in self.inbox if one not in heard]
        return heard if event is None else [payload for _, payload in heard]

    def hears_nothing(self, event=None):
        assert self.hears_all(event) == []

    def enters(self, room, **more):
        ack = self.asks("joinSession", {"sessionId": room} | more)
        assert ack["ok"], ack
        return ack


class Browser:
    """A browser, signed in or not: pages and forms, with the cookie and the CSRF token."""

    def __init__(self, app, key=None):
        self.app, self.client = app, app.test_client()
        if key:
            self.client.set_cookie("chatapp_device", key)

    def opens(self, path, **how):
        return outside(self.client.open, path, **how)

    @property
    def csrf(self):
        page = self.opens("/rooms", follow_redirects=True).text
        return re.search(r'name="csrf-token" content="([^"]+)"', page)[1]

    def posts(self, path, fields=(), **how):
        return self.opens(path, method="POST", data={"csrf_token": self.csrf} | dict(fields), **how)

    def calls(self, method, path, json=None):
        return self.opens(API + path, method=method, json=json, headers={"X-CSRF-Token": self.csrf})

    def opens_a_tab(self, origin="http://localhost"):
        return Tab(self.app, flask_test_client=self.client, headers={"Origin": origin} if origin else {})


class Somebody:
    """A person of the cast, by a token; `tab` is the first connection, opened when needed."""

    def __init__(self, app, name, **more):
        self.app, self.name, self.here, self._tab = app, name, None, None
        self.email = (re.sub(r"\W", "", name.lower(), flags=re.ASCII) or "somebody") + "@example.org"
        with app.app_context():
            somebody = people.create(name, None if more.get("kind") == "bot" else self.email, **more)
            self.id, (self.token_row, self.token) = somebody.id, tokens.create(somebody, "of the cast")

    def row(self):
        """Oneself as a row of the database, in the test's own context."""
        return db.session.get(Person, self.id, populate_existing=True)

    @property
    def tab(self):
        self._tab = self._tab or self.opens_a_tab()
        return self._tab

    def opens_a_tab(self):
        return Tab(self.app, auth={"token": self.token})

    def opens_a_browser(self):
        with self.app.app_context():
            _, key = devices.open_for(
                self.row(), user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0", address="127.0.0.1"
            )
        return Browser(self.app, key)

    def asks(self, event, *payload):
        return self.tab.asks(event, *payload)

    def is_refused(self, event, payload, code, field=None):
        ack = self.asks(event, payload)
        assert (ack["ok"], ack["error"]["code"], ack["error"].get("field")) == (False, code, field), ack
        return ack["error"]

    def enters(self, room, **more):
        self.here = room
        return self.tab.enters(room, **more)

    def leaves(self, room):
        assert self.asks("leaveSession", {"sessionId": room}) == {"ok": True}

    def says(self, content, room=None, **more):
        given = {"sessionId": room or self.here, "content": content, "clientId": str(uuid.uuid4())} | more
        ack = self.asks("sendMessage", given)
        assert ack["ok"], ack
        return ack["message"]

    def edits(self, message, content):
        ack = self.asks("editMessage", {"messageId": message["id"], "content": content})
        assert ack["ok"], ack
        return ack["message"]

    def removes(self, message):
        ack = self.asks("removeMessage", {"messageId": message["id"]})
        assert ack["ok"], ack
        return ack["message"]

    def speaks(self, *pieces, room=None, message=None, **more):
        """A stream of these pieces so far; its message."""
        message = message or self.begins(room, **more)
        length = 0
        for piece in pieces:
            length = self.pushes(message, length, piece)
        return message

    def begins(self, room=None, **more):
        ack = self.asks("startStream", {"sessionId": room or self.here, "clientId": str(uuid.uuid4())} | more)
        assert ack["ok"], ack
        return ack["message"]

    def pushes(self, message, offset, text):
        given = {"messageId": message["id"], "gen": message["gen"], "offset": offset, "text": text}
        ack = self.asks("streamChunk", given)
        assert ack["ok"], ack
        return ack["length"]

    def finishes(self, message, **more):
        ack = self.asks("streamComplete", {"messageId": message["id"], "gen": message["gen"]} | more)
        assert ack["ok"], ack
        return ack["message"]

    def hears(self, event):
        return self.tab.hears(event)

    def hears_all(self, event=None):
        return self.tab.hears_all(event)

    def hears_nothing(self, event=None):
        self.tab.hears_nothing(event)

    def calls(self, method, path, json=None, **how):
        """A request to the API with the token; `json` of None sends no body."""
        headers = {"Authorization": f"Bearer {self.token}"} | how.pop("headers", {})
        return outside(self.app.test_client().open, API + path, method=method, json=json, headers=headers, **how)

    def gets(self, path):
        response = self.calls("GET", path)
        assert response.status_code == 200, response.text
        return response.json

    def makes(self, name="Kitchen", kind="closed", members=(), **more):
        """A room's id."""
        given = {"name": name, "kind": kind, "memberIds": [one.id for one in members]} | more
        response = self.calls("POST", "/sessions", given)
        assert response.status_code in (200, 201), response.text
        return response.json["session"]["id"]


class Clock:
    """The monotonic clock, and the ticker that follows it."""

    def __init__(self, app):
        self.app, self.offset, self.real = app, 0.0, time.monotonic

    def now(self):
        return self.real() + self.offset

    def ticks(self):
        """One turn of every job of the ticker."""
        for job in list(ticker._jobs):
            outside(self.run, job)

    def run(self, job):
        with self.app.app_context():
            job()

    def answers(self):
        """Every assistant that was asked answers."""
        while asked_for:
            task, ids = asked_for.pop(0)
            self.run(lambda task=task, ids=ids: task(*ids))

    def pumps(self):
        """What streams have to tell is told."""
        self.run(voices.tell_all)

    def passes(self, seconds):
        self.offset += seconds
        self.ticks()
