"""Connections to a server that runs as a process: by a real Socket.IO client, and by hand, packet by packet."""

import contextlib
import functools
import json
import logging
import socket
import threading
import time
import uuid

import engineio.payload
import socketio
import websocket

CHAT = "/chat"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
SOON_S = 5.0  # for what takes a moment; a second on a quiet machine
ANSWER_S = 30.0  # for what may stand behind much else

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
        with contextlib.suppress(OSError, AttributeError):  # it has gone already, and the client dropped it
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
