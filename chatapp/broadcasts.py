"""Every server → client event, one function each: the only emitter. Called by the row after its commit."""

from . import wire
from .extensions import socketio
from .models import AT_WORK, Message, Room
from .realtime import connections
from .realtime.connections import NAMESPACE


def to_room(room_id: str, event: str, payload: dict, *, but: int | None = None) -> None:
    """Tell a room, save the connections of the person `but`."""
    skip = [connections.all_of(but)] if but is not None else None
    socketio.emit(event, payload, namespace=NAMESPACE, to=room_id, skip_sid=skip)


def to_person_here(person_id: int, event: str, payload: dict) -> None:
    """Tell the connections that somebody has to this process (each process tells its own)."""
    for connection in connections.hearing(person_id):
        socketio.emit(event, payload, namespace=NAMESPACE, to=connection.sid, ignore_queue=True)


def new_message(message: Message) -> None:
    to_room(message.room_id, "newMessage", changed(message))


def message_updated(message: Message) -> None:
    """Edited or removed."""
    to_room(message.room_id, "messageUpdated", changed(message))


def as_it_is(message: Message, is_new: bool) -> tuple[str, dict]:
    """The event, with its payload, that tells a reader what a message is now. `is_new`: he knows nothing of it yet."""
    if is_new:
        return "newMessage", changed(message)
    told = changed(message)
    return ("streamComplete", ended(told)) if is_end(told["message"]) else ("messageUpdated", told)


def is_end(shape: dict) -> bool:
    """Whether a message, as it is on the wire, is best told as the end of its stream."""
    is_touched = shape["editedAt"] or shape["removed"]
    return bool(shape["gen"]) and shape["status"] not in AT_WORK and not is_touched


def to_room_here(room_id: str, event: str, payload: dict) -> None:
    """To the connections of this process only."""
    socketio.emit(event, payload, namespace=NAMESPACE, to=room_id, ignore_queue=True)


def changed(message: Message) -> dict:
    return {"sessionId": message.room_id, "rev": message.rev, "message": wire.message(message)}


def stream_chunk(room_id: str, message_id: int, gen: int, offset: int, text: str) -> None:
    """New text of a stream, and the place of it in UTF-16 units."""
    payload = {"sessionId": room_id, "messageId": message_id, "gen": gen, "offset": offset, "text": text}
    to_room(room_id, "streamChunk", payload)


def stream_status(room_id: str, status: dict) -> None:
    """`status`: `{messageId, gen, phase, length}`."""
    to_room(room_id, "streamStatus", {"sessionId": room_id} | status)


def stream_complete(message: Message) -> None:
    """It has ended, one way or another: what the message is now holds, whatever was heard before."""
    to_room(message.room_id, "streamComplete", completed(message))


def completed(message: Message) -> dict:
    return ended(changed(message))


def ended(told: dict) -> dict:
    """What `streamComplete` tells beside the message."""
    shape = told["message"]
    error = {"error": shape["error"]} if shape["error"] else {}
    return told | {"gen": shape["gen"], "length": wire.utf16_length(shape["content"])} | error


def typing(room_id: str, user: dict, is_typing: bool) -> None:
    payload = {"sessionId": room_id, "user": {"id": user["id"], "name": user["name"]}, "isTyping": is_typing}
    to_room(room_id, "typing", payload, but=user["id"])


def user_online(room_id: str, user: dict, count: int) -> None:
    to_room(room_id, "userOnline", {"sessionId": room_id, "user": user, "count": count})


def user_offline(room_id: str, user: dict, count: int) -> None:
    to_room(room_id, "userOffline", {"sessionId": room_id, "user": user, "count": count})


def presence(room_id: str, count: int) -> None:
    """Instead of the two above where more than 100 people are online."""
    to_room(room_id, "presence", {"sessionId": room_id, "count": count})


def session_updated(room: Room, person_ids: set[int]) -> None:
    """To the members it concerns, as far as they are connected to this process."""
    payload = {"session": wire.session(room)}
    for person_id in person_ids:
        to_person_here(person_id, "sessionUpdated", payload)


def session_removed(room_id: str, person_id: int) -> None:
    to_person_here(person_id, "sessionRemoved", {"sessionId": room_id})
