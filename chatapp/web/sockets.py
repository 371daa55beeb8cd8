"""The Socket.IO namespace `/chat`: the table of contents of what a client may ask (contract, section 3).

Every `on_<event>` takes who asks and the payload, and returns what the ack adds to `{"ok": true}`.
"""

from dataclasses import dataclass

import structlog
from flask import Flask, Request
from flask_socketio import ConnectionRefusedError, Namespace

from .. import bots, history, messages, metrics, notices, presence, reading, redis_link, streams, typists, wire
from ..errors import Invalid, NotFound, RateLimited, Unauthorized, UnknownEvent
from ..models import Membership, Person
from ..plain_json import ready
from ..realtime import connections, delivered
from ..realtime.connections import Connection
from . import auth
from .errors import refusal_of

CONNECTIONS_MAX = 100  # of one person to one process


@dataclass(slots=True)
class Asker:
    """Who asks, by which connection; and his place in the room that the command names, where he has one."""

    person: Person
    connection: Connection
    place: Membership | None = None

    def membership(self, session_id: str) -> Membership:
        """As rooms.membership_of: it was looked up for this command, with the credential."""
        if self.place is None or self.place.room_id != session_id:
            raise NotFound("There is no such room.")
        return self.place


class ChatNamespace(Namespace):
    """Connect, disconnect, and a method for each command."""

    NAME = connections.NAMESPACE

    def __init__(self, app: Flask):
        super().__init__(self.NAME)
        self.app = app

    def trigger_event(self, event, *arguments):
        """Every event comes through here: an application context around it, an ack behind it."""
        redis_link.begin_request()
        with self.app.app_context():
            if event == "connect":
                return self.on_connect(*arguments)
            if event == "disconnect":
                return self.on_disconnect(*arguments)
            return self.ack(event, *arguments)

    def ack(self, event, sid: str, *payload) -> dict:
        """The contract's answer to a command, whatever happens in it."""
        name = event if isinstance(event, str) and f"on_{event}" in COMMANDS else "unknown"
        with metrics.COMMAND_SECONDS.labels(name).time(), structlog.contextvars.bound_contextvars(command=name):
            try:
                return {"ok": True} | self.answer(name, sid, payload)
            except Exception as error:
                refusal = refusal_of(error)
        metrics.REFUSALS.labels(name, refusal.code).inc()
        return {"ok": False, "error": refusal.to_dict()}

    def answer(self, name: str, sid: str, payload: tuple) -> dict:
        asker = self.asker(connections.get(sid), wire.room_named(payload[0]) if payload else None)
        if name == "unknown":
            raise UnknownEvent("There is no such event.")
        if len(payload) != 1:
            raise Invalid("The event takes one payload.")
        return getattr(self, f"on_{name}")(asker, payload[0])

    def asker(self, connection: Connection | None, room_id: str | None) -> Asker:
        """Who asks, and what he is in the room, both as they are now and found by one question."""
        somebody, place = auth.still_in(connection, room_id) if connection else (None, None)
        if somebody is None:
            raise Unauthorized("You are signed out.")
        return Asker(somebody, connection, place)

    def on_connect(self, sid: str, environ: dict, proof=None) -> None:
        try:
            begun = notices.begun()
            self.let_in(sid, auth.of_handshake(Request(environ), proof), begun)
        except Exception as error:  # without an answer the client would wait for ever
            connections.discard(sid)
            refusal = refusal_of(error)
            raise ConnectionRefusedError(refusal.code, refusal.to_dict()) from None

    def let_in(self, sid: str, asker: auth.Asker | None, begun: int) -> None:
        """`begun`: as notices.begun said before the look-up."""
        if asker is None:
            raise Unauthorized("Please sign in or send a token.")
        connection = Connection(sid, asker.person.id, asker.credential)
        if self.app.config["RATE_LIMITS"] and len(connections.of_person(asker.person.id)) >= CONNECTIONS_MAX:
            raise RateLimited("You have too many connections open.", retry_after=60)
        connections.add(connection)
        if notices.begun() != begun and auth.still(connection) is None:  # it ended meanwhile, and its notice is obeyed
            raise Unauthorized("You are signed out.")
        metrics.CONNECTIONS.set(connections.count())

    def on_disconnect(self, sid: str, reason: str) -> None:
        connection = connections.discard(sid)
        if connection is None:
            return
        for room_id in list(connection.rooms):
            self.let_go(connection, room_id)
        if not connections.of_person(connection.person_id):
            typists.stop_everywhere(connection.person_id)
        metrics.CONNECTIONS.set(connections.count())

    def let_go(self, connection: Connection, room_id: str) -> None:
        connection.rooms.discard(room_id)
        presence.depart(room_id, connection.person_id, connection.sid)
        if not connections.of_person(connection.person_id, room_id):
            typists.stop(room_id, connection.person_id)
            reading.leave(room_id, connection.person_id)

    def on_joinSession(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.JoinSession, payload)
        membership = self.entered(asker, ask.session_id)
        changed = ask.after_rev is not None
        page = history.changes(membership, ask.after_rev) if changed else history.greeting(membership)
        online = presence.who(ask.session_id)
        return {
            "session": wire.session(membership.room, membership.standing),
            "messages": ready(page["messages"]),
            "hasMore": page["hasMore"],
            "online": online | {"users": ready(online["users"])},
            "streams": streams.snapshots(ask.session_id),
        }

    def entered(self, asker: Asker, room_id: str) -> Membership:
        """The membership, read after entering the room, so that nothing falls between the answer and the events."""
        membership = asker.membership(room_id)
        if room_id in asker.connection.rooms:
            delivered.begin(room_id, membership.room.rev, membership.room.last_seq)
            return membership
        self.listen(asker, room_id)
        if connections.get(asker.connection.sid) is not asker.connection:  # it ended, and left other rooms only
            self.leave_room(asker.connection.sid, room_id)
            self.let_go(asker.connection, room_id)
            raise Unauthorized("You are signed out.")
        try:
            membership = self.asker(asker.connection, room_id).membership(room_id)
        except Exception as error:
            self.leave_room(asker.connection.sid, room_id)
            self.let_go(asker.connection, room_id)
            if isinstance(error, NotFound):  # put out in this moment, with all his tabs
                presence.dismiss(room_id, asker.person.id)
            raise
        delivered.begin(room_id, membership.room.rev, membership.room.last_seq)
        return membership

    def listen(self, asker: Asker, room_id: str) -> None:
        """From here on the connection hears the room, and the room sees the person."""
        self.enter_room(asker.connection.sid, room_id)
        asker.connection.rooms.add(room_id)
        presence.arrive(room_id, wire.person(asker.person), asker.connection.sid)
        reading.come(room_id, asker.person.id)

    def on_leaveSession(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.OfSession, payload)
        asker.membership(ask.session_id)
        self.leave_room(asker.connection.sid, ask.session_id)
        self.let_go(asker.connection, ask.session_id)
        return {}

    def on_syncSession(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.SyncSession, payload)
        membership = self.entered(asker, ask.session_id)
        held = {(one.message_id, one.gen): one.length for one in ask.streams}
        return history.changes(membership, ask.after_rev) | {"streams": streams.snapshots(ask.session_id, held)}

    def on_sendMessage(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.SendMessage, payload)
        message, _ = messages.send(asker.membership(ask.session_id), ask.content, ask.client_id, ask.reply_to)
        return {"message": wire.message(message)}

    def on_editMessage(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.EditMessage, payload)
        return {"message": wire.message(messages.edit(asker.person, ask.message_id, ask.content))}

    def on_removeMessage(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.OfMessage, payload)
        return {"message": wire.message(messages.remove(asker.person, ask.message_id))}

    def on_typing(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.Typing, payload)
        typists.hear(asker.membership(ask.session_id), ask.is_typing)
        return {}

    def on_stopTyping(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.OfSession, payload)
        typists.hear(asker.membership(ask.session_id), False)
        return {}

    def on_startStream(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.StartStream, payload)
        message, _ = streams.begin(asker.membership(ask.session_id), ask.client_id, ask.reply_to)
        return {"message": wire.message(message)}

    def on_streamChunk(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.StreamChunk, payload)
        return {"length": streams.push(streams.mine(asker.person, ask.message_id, ask.gen), ask.offset, ask.text)}

    def on_streamComplete(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.StreamComplete, payload)
        stream = streams.mine(asker.person, ask.message_id, ask.gen)
        return {"message": wire.message(streams.finish(stream, ask.status, ask.error))}

    def on_stopStream(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.OfStream, payload)
        return {"status": streams.stop(asker.person, ask.message_id, ask.gen)}

    def on_repeatStream(self, asker: Asker, payload) -> dict:
        ask = wire.parse(wire.OfStream, payload)
        return {"message": wire.message(bots.repeat(asker.person, ask.message_id, ask.gen))}


COMMANDS = {name for name in vars(ChatNamespace) if name.startswith("on_")} - {"on_connect", "on_disconnect"}
