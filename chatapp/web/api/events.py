"""Server-Sent Events: what a socket hears, for those who have none. A room's, and one stream's."""

import uuid
from collections.abc import Iterator

from flask import Blueprint, current_app

from ... import broadcasts, database, history, metrics, presence, rooms, saying, streams, wire
from ...errors import NotFound, RateLimited, Unauthorized
from ...models import Membership, Person
from ...realtime import connections, delivered, listeners
from ...realtime.connections import Connection
from ...realtime.listeners import Listener
from .. import auth
from .body import query_as
from .event_stream import SSE, event_stream, last_event_id, line, pings
from .openapi import described

COME_BACK_MS = 2_000
CONNECTIONS_MAX = 20  # of one person to one process, by this door
STILL_HERE = ": still here\n\n"
CHUNK = ("messageId", "gen", "offset", "text")

blueprint = Blueprint("api_events", __name__, url_prefix="/api/v1")


@blueprint.get("/sessions/<session_id>/events")
@described(
    "Hear a session, as Server-Sent Events",
    SSE,
    about="The same events and payloads as by the socket. `id:` is a revision: sent back as `Last-Event-ID` (or as "
    "`afterRev`, for the first time), all that changed after it comes first. Streams under way come from their start.",
    query=wire.EventsQuery,
    errors=("rate_limited",),
)
def of_session(session_id: str):
    asker = auth.asker()
    membership = rooms.membership_of(asker.person, session_id)
    asked = query_as(wire.EventsQuery).after_rev
    held = last_event_id()
    listener = listener_for(asker, session_id)
    return event_stream(told(listener, membership, asked if held is None else held))


@blueprint.get("/messages/<id:message_id>/stream")
@described(
    "Hear one streamed message to its end, as Server-Sent Events",
    SSE,
    about="`streamChunk` from `offset` on, `streamStatus`, and at last `streamComplete`: at once when it has ended. "
    " `id:` is the length so far: sent back as `Last-Event-ID`, it goes on from there.",
    query=wire.StreamQuery,
    errors=("rate_limited",),
)
def of_message(message_id: int):
    asker = auth.asker()
    message, membership = saying.find(asker.person, message_id)
    ask = query_as(wire.StreamQuery)
    gen = message.gen if ask.gen is None else ask.gen
    if message.gen == 0 or gen != message.gen:  # what was said before is not kept
        raise NotFound("There is no such stream.")
    held = last_event_id()
    listener = listener_for(asker, message.room_id)
    return event_stream(spoken(listener, membership, (message_id, gen), ask.offset if held is None else held))


def listener_for(asker: auth.Asker, room_id: str) -> Listener:
    """Not listening yet: it does from the moment when the answer begins."""
    mine = [one for one in connections.of_person(asker.person.id) if one.end]
    if current_app.config["RATE_LIMITS"] and len(mine) >= CONNECTIONS_MAX:
        raise RateLimited("You have too many connections open.", retry_after=60)
    connection = Connection(f"http-{uuid.uuid4().hex}", asker.person.id, asker.credential)
    return Listener(connection, room_id)


def told(listener: Listener, membership: Membership, after_rev: int | None) -> Iterator[str]:
    """A room's events, each change once. Holds nothing of the database while it waits."""
    room_id, somebody = membership.room_id, membership.person
    with listener:
        try:
            room = still_in(listener, membership).room
            presence.arrive(room_id, wire.person(somebody), listener.connection.sid)
            metrics.CONNECTIONS.set(connections.count())
            yield f"retry: {COME_BACK_MS}\n\n"
            known = delivered.Count(room.rev if after_rev is None else min(after_rev, room.rev))
            yield from missed(somebody, room_id, known)
            yield from under_way(room_id)
            database.release()
            for found in pings(listener):
                yield from told_one(found, known)
            if put_out(listener):
                yield line("sessionRemoved", {"sessionId": room_id})
        finally:
            presence.depart(room_id, somebody.id, listener.connection.sid)
            database.release()


def still_in(listener: Listener, membership: Membership) -> Membership:
    """His membership, looked up once more now that he listens: what ended before that, no notice would find again."""
    if auth.still(listener.connection) is None:
        raise Unauthorized("You are signed out.")
    found = rooms.membership_of(membership.person, membership.room_id)
    delivered.begin(found.room_id, found.room.rev, found.room.last_seq)
    return found


def put_out(listener: Listener) -> bool:
    """Whether he may hear no more because he is no member any more."""
    somebody, place = auth.still_in(listener.connection, listener.room_id)
    return somebody is not None and place is None


def missed(somebody: Person, room_id: str, known: delivered.Count) -> Iterator[str]:
    """All that changed since, page by page. (Each page is asked for anew: its reader may have taken his time.)"""
    more = True
    while more:
        membership = rooms.membership_of(somebody, room_id)
        page = history.changes(membership, known.upto)
        more = page["hasMore"] and known.upto < membership.room.rev
        for message in page["messages"]:
            known.reach(message["rev"])
            yield line(*as_it_is(message), known.upto)
        if not more:
            known.reach(membership.room.rev)


def as_it_is(message: dict) -> tuple[str, dict]:
    """The event that tells what a message is now, and its payload."""
    told = {"sessionId": message["sessionId"], "rev": message["rev"], "message": message}
    if broadcasts.is_end(message):
        return "streamComplete", broadcasts.ended(told)
    return ("messageUpdated" if message["editedAt"] or message["removed"] else "newMessage"), told


def under_way(room_id: str) -> Iterator[str]:
    for stream in streams.snapshots(room_id):
        if stream["text"]:
            chunk = {name: stream[name] for name in CHUNK}
            yield line("streamChunk", {"sessionId": room_id} | chunk)


def told_one(found: tuple[str, dict] | None, known: delivered.Count) -> Iterator[str]:
    """One event, unless it was told. Its id is the revision up to which nothing is missing: there one may resume."""
    event, payload = found or (None, {})
    if event is None:
        yield STILL_HERE
    elif event == listeners.REACHED:
        known.reach(payload["upto"])
    elif "rev" not in payload:
        yield line(event, payload)
    elif not known.holds(payload["rev"]):
        known.add(payload["rev"])
        yield line(event, payload, known.upto)


def spoken(listener: Listener, membership: Membership, key: tuple[int, int], offset: int) -> Iterator[str]:
    """One stream's events, to its end."""
    with listener:
        still_in(listener, membership)
        database.release()
        yield f"retry: {COME_BACK_MS}\n\n"
        reader = Reader(membership.room_id, key, offset)
        yield from reader.caught_up()
        for found in () if reader.has_ended else pings(listener):
            yield from reader.hear(*found) if found else (STILL_HERE, *reader.caught_up())
            if reader.has_ended:
                return


class Reader:
    """One who follows one stream, and holds `length` units of its text."""

    def __init__(self, room_id: str, key: tuple[int, int], length: int):
        self.room_id, self.key, self.length, self.has_ended = room_id, key, length, False

    def hear(self, event: str, payload: dict) -> list[str]:
        """What an event of the room is to this reader."""
        message_id = payload.get("messageId") or payload.get("message", {}).get("id")
        if (message_id, payload.get("gen")) != self.key:
            return []
        if event == "streamChunk":
            return self.take(payload) if payload["offset"] <= self.length else self.caught_up()
        self.has_ended = event == "streamComplete"
        return [line(event, payload, self.length)]

    def take(self, chunk: dict) -> list[str]:
        text = streams.rest_of(chunk["text"], self.length - chunk["offset"])
        told = chunk | {"offset": self.length, "text": text}
        self.length += wire.utf16_length(text)
        return [line("streamChunk", told, self.length)] if text else []

    def caught_up(self) -> list[str]:
        """What is missing: the text so far, or the end."""
        now = {(one["messageId"], one["gen"]): one for one in streams.snapshots(self.room_id, {self.key: self.length})}
        if self.key in now:
            chunk = {"sessionId": self.room_id, **{name: now[self.key][name] for name in CHUNK}}
            self.length = min(self.length, chunk["offset"])
            return self.take(chunk)
        ended = broadcasts.completed(streams.message_of(self.key[0]))
        database.release()
        self.has_ended = True
        if ended["gen"] != self.key[1] or ended["message"]["status"] in streams.AT_WORK:
            return []  # it is said again already; who comes back is told that this one is not there any more
        return [line("streamComplete", ended, ended["length"])]
