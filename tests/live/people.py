"""The live cast: people with real Socket.IO clients and browsers, against a server that runs as a process."""

import contextlib
import functools
import json
import logging
import re
import socket
import threading
import time
import uuid

import engineio.payload
import requests
import socketio
import websocket
from argon2 import PasswordHasher
from sqlalchemy import create_engine, insert, select

from chatapp import secret
from chatapp.models import Message, Person, Room, Token

CHAT = "/chat"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
SOON_S = 5.0  # for what takes a moment; a second on a quiet machine
ANSWER_S = 30.0  # for what may stand behind much else
PASSWORD = "correct horse battery"

# Browsers take as many packets in one poll as there are; this client would break off at the 17th.
engineio.payload.Payload.max_decode_packets = 10_000
logging.getLogger("engineio.client").setLevel(
    logging.CRITICAL
)  # a client that was let go complains half a minute later


class Lost(Exception):
    """The connection ended before the answer came."""


class OneByOne(engineio.Client):
    """Upstream hands each packet to a thread of its own; here they are heard in the order in which they came."""

    def _trigger_event(self, event, *arguments, **how):
        return super()._trigger_event(event, *arguments, **(how | {"run_async": False}))

    def disconnect(self, abort=False, reason=None):
        """Without waiting for the reading thread: it may be this one, or stand in a poll of 25 s."""
        super().disconnect(abort=True, reason=reason)


class Client(socketio.Client):
    def _engineio_client_class(self):
        return OneByOne


class Answer:
    """What a command will be answered."""

    def __init__(self, tab):
        self.tab, self.came, self.ack = tab, threading.Event(), None

    def __call__(self, ack):
        self.ack = ack
        self.came.set()

    def wait(self, within=ANSWER_S):
        deadline = time.monotonic() + within
        while not self.came.wait(0.1):
            if not self.tab.is_open:
                raise Lost
            assert time.monotonic() < deadline, f"no answer within {within} s"
        return self.ack


class Tab:
    """One open connection. Each event is heard once; `listener(event, payload)` hears everything at once."""

    opened = []

    def __init__(self, url, *, token=None, headers=None, transport="websocket", origin=None, listener=None, http=None):
        self.inbox, self.news, self.listener, self.refusal = [], threading.Condition(), listener, None
        self.client = Client(
            reconnection=False,
            handle_sigint=False,
            http_session=http,  # whose cookies go with every request; `headers` only with the first
            websocket_extra_options={"origin": origin} if origin else {},
        )
        self.client.on("*", self.note, namespace=CHAT)
        how = {"transports": [transport], "namespaces": [CHAT], "wait_timeout": ANSWER_S}
        own = {"Origin": url} if transport == "polling" else {}
        self.client.connect(url, headers=own | (headers or {}), auth={"token": token} if token else None, **how)
        Tab.opened.append(self)

    def note(self, event, payload):
        if self.listener:
            self.listener(event, payload)
        with self.news:
            self.inbox.append((event, payload, time.monotonic()))
            self.news.notify_all()

    @property
    def is_open(self):
        return CHAT in self.client.namespaces and self.client.eio.state == "connected"

    def sends(self, event, *payload) -> Answer:
        """A command whose answer nobody waits for yet."""
        answer = Answer(self)
        try:
            self.client.emit(event, payload, namespace=CHAT, callback=answer)
        except socketio.exceptions.SocketIOError:
            raise Lost from None
        return answer

    def asks(self, event, *payload):
        return self.sends(event, *payload).wait()

    def enters(self, room, **more):
        ack = self.asks("joinSession", {"sessionId": room} | more)
        assert ack["ok"], ack
        return ack

    def says(self, content, room, **more):
        ack = self.asks("sendMessage", a_message(room, content) | more)
        assert ack["ok"], ack
        return ack["message"]

    def hears(self, event, within=SOON_S, **fields):
        """The payload of the first `event` with these fields not heard yet; waits for it."""
        return self.hears_at(event, within, **fields)[0]

    def hears_at(self, event, within=SOON_S, **fields):
        """The same with the moment when it came."""
        deadline = time.monotonic() + within
        with self.news:
            while True:
                for place, (name, payload, at) in enumerate(self.inbox):
                    if name == event and fields.items() <= payload.items():
                        del self.inbox[place]
                        return payload, at
                left = deadline - time.monotonic()
                assert left > 0, f"no {event} {fields} within {within} s, only {self.heard_names()}"
                self.news.wait(left)

    def heard(self, event):
        """What came so far: the payloads of one event."""
        with self.news:
            return [payload for name, payload, _ in self.inbox if name == event]

    def heard_names(self):
        return [name for name, _, _ in self.inbox]

    def forgets(self):
        with self.news:
            self.inbox.clear()

    def closes(self):
        if self.client.eio.current_transport == "websocket" and self.is_open:
            # Upstream waits 3 s for an answer that its own reading thread has already taken away.
            self.client.eio.ws.close = functools.partial(self.client.eio.ws.close, timeout=0)
        self.client.disconnect()

    def is_cut_off(self):
        """The network goes away: no goodbye of any kind."""
        with contextlib.suppress(OSError):  # it has gone already
            self.client.eio.ws.sock.shutdown(socket.SHUT_RDWR)


class Rude:
    """A connection by hand, packet by packet."""

    def __init__(self, somebody):
        self.socket = websocket.create_connection(somebody.url.replace("http", "ws") + WEBSOCKET, timeout=10)
        self.socket.recv()
        self.socket.send(f"40{CHAT}," + json.dumps({"token": somebody.token}))
        assert self.reads_until(f"40{CHAT}")

    def sends(self, text):
        self.socket.send(text)

    def reads_until(self, beginning):
        while not (text := self.socket.recv()).startswith(beginning):
            assert text, "the connection was ended"
            if text == "2":
                self.socket.send("3")
        return text

    def asks(self, number, *packet):
        self.sends(f"42{CHAT},{number}{json.dumps(packet)}")
        return json.loads(self.reads_until(f"43{CHAT},{number}[")[len(f"43{CHAT},{number}") :])[0]

    def hears(self, event):
        beginning = f'42{CHAT},["{event}",'
        return json.loads(self.reads_until(beginning)[len(f"42{CHAT},") :])[1]


def a_message(room, content, client_id=None):
    return {"sessionId": room, "content": content, "clientId": client_id or str(uuid.uuid4())}


class Browser:
    """A browser: pages and forms, with a cookie and the CSRF token."""

    def __init__(self, url):
        self.url, self.http = url, requests.Session()

    def signs_in(self, email):
        page = self.posts("/sign-in", {"email": email, "password": PASSWORD, "next": "/account"}, page="/sign-in")
        assert page.url.endswith("/account"), page.text
        return self

    def gets(self, path):
        return self.http.get(self.url + path, timeout=ANSWER_S)

    def posts(self, path, fields=(), page="/account"):
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', self.gets(page).text)[1]
        return self.http.post(self.url + path, data={"csrf_token": csrf} | dict(fields), timeout=ANSWER_S)

    @property
    def cookie(self):
        return "; ".join(f"{one.name}={one.value}" for one in self.http.cookies)

    def opens_a_tab(self, **how):
        return Tab(self.url, headers={"Cookie": self.cookie} | how.pop("headers", {}), **how)


class Somebody:
    """A person; `tab` is the first connection, by token, opened when needed."""

    def __init__(self, url, row):
        self.url, self.here, self._tab = url, None, None
        self.id, self.name, self.email, self.token, self.token_id = row

    @property
    def tab(self):
        self._tab = self._tab or self.opens_a_tab()
        return self._tab

    def opens_a_tab(self, **how):
        return Tab(self.url, token=self.token, **how)

    def opens_a_browser(self):
        return Browser(self.url).signs_in(self.email)

    def calls(self, method, path, json=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, f"{self.url}/api/v1{path}", json=json, headers=headers, timeout=ANSWER_S)

    def asks(self, event, *payload):
        return self.tab.asks(event, *payload)

    def enters(self, room, **more):
        self.here = room
        return self.tab.enters(room, **more)

    def says(self, content, room=None, **more):
        return self.tab.says(content, room or self.here, **more)

    def hears(self, event, within=SOON_S, **fields):
        return self.tab.hears(event, within, **fields)

    def hears_nothing_more(self, event, than_what_came_before):
        """Whatever was on its way to this person has come once a later thing, `than_what_came_before`, was heard."""
        self.hears(**than_what_came_before)
        assert self.tab.heard(event) == []

    def makes(self, *members, name="Kitchen"):
        """A closed room's id; its maker is its owner."""
        given = {"name": name, "kind": "closed", "memberIds": [one.id for one in members]}
        made = self.calls("POST", "/sessions", given)
        assert made.status_code == 201, made.text
        return made.json()["session"]["id"]


@functools.cache
def password_hash():
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


class House:
    """A server with its database, to which people are added as they are needed."""

    def __init__(self, server):
        self.server, self.url = server, server.url
        address = server.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://")
        self.engine = create_engine(address, pool_pre_ping=True)  # a test may have restarted it

    def people(self, count) -> list[Somebody]:
        return [self.somebody(f"Guest {number + 1}") for number in range(count)]

    def somebody(self, name, **more) -> Somebody:
        email, key = f"{uuid.uuid4().hex}@example.org", secret.make()
        person = {"name": name, "email": email, "kind": "person", "password_hash": password_hash()} | more
        with self.engine.begin() as database:
            (person_id,) = database.execute(insert(Person.__table__).values(person)).inserted_primary_key
            token = {"person_id": person_id, "name": "of the cast", "secret_hash": secret.digest(key)}
            (token_id,) = database.execute(insert(Token.__table__).values(token)).inserted_primary_key
        return Somebody(self.url, (person_id, name, email, key, token_id))

    def rows(self, room) -> list[tuple]:
        """What the database holds of a room, by `seq`, as `as_row` makes it of the wire's messages."""
        table = Message.__table__.c
        wanted = select(
            table.id, table.seq, table.rev, table.author_id, table.client_id, table.content, table.removed_at
        )
        with self.engine.connect() as database:
            found = database.execute(wanted.where(table.room_id == room).order_by(table.seq)).all()
        return [(*row[:-1], row[-1] is not None) for row in found]

    def counters(self, room) -> tuple[int, int]:
        """`last_seq` and `rev` of a room."""
        table = Room.__table__.c
        with self.engine.connect() as database:
            return tuple(database.execute(select(table.last_seq, table.rev).where(table.id == room)).one())


def as_row(message):
    """A message of the wire as House.rows shows it."""
    shown = (message[name] for name in ("id", "seq", "rev"))
    return (*shown, message["author"]["id"], message["clientId"], message["content"], message["removed"])
