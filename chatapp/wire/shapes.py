"""What goes out: people, rooms and messages as the wire knows them."""

from datetime import UTC, datetime
from html import escape

from flask import current_app

from .. import emoji
from ..models import Membership, Message, Person, Room


def moment(time: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None


def person(somebody: Person) -> dict:
    return {
        "id": somebody.id,
        "name": somebody.name,
        "kind": somebody.kind,
        "avatarUrl": f"/people/{somebody.id}/avatar.svg",
    }


def member(membership: Membership) -> dict:
    return person(membership.person) | {"role": membership.standing}


def session(room: Room, role: str | None = None) -> dict:
    """A room as the wire knows it; `role` is the reader's own, left out where there is no one reader."""
    shape = {
        "id": room.id,
        "name": room.name,
        "kind": room.kind,
        "topic": room.topic,
        "lastSeq": room.last_seq,
        "lastRev": room.rev,
        "version": room.version,
        "archived": room.archived_at is not None,
        "createdAt": moment(room.created_at),
    }
    return shape if role is None else shape | {"role": role}


def message(said: Message) -> dict:
    """The contract's `message`. Made once for each revision of a row: the ack and the event share it."""
    ready = getattr(said, "_shape", None)
    if ready and ready["rev"] == said.rev:
        return ready
    gone = said.removed_at is not None
    shape = {
        "id": said.id,
        "sessionId": said.room_id,
        "seq": said.seq,
        "rev": said.rev,
        "author": person(said.author),
        "content": "" if gone else said.content,
        "status": said.status,
        "gen": said.gen,
        "askedBy": said.asker_id,
        "error": None if gone else said.error,
        "replyTo": None if gone else said.reply_to_id,
        "clientId": said.client_id,
        "createdAt": moment(said.created_at),
        "editedAt": None if gone else moment(said.edited_at),
        "removed": gone,
    }
    shape["html"] = message_html(shape, "" if gone else said.body_html)
    said._shape = shape
    return shape


def so_far(shape: dict, snapshot: dict) -> dict:
    """A message that is still being said, with what `streams.snapshots` knows of it in its `html`."""
    text = escape(snapshot["text"]).replace("\r", "&#13;")  # which browsers would drop, and count wrongly from there
    return shape | {"html": message_html(shape | {"status": snapshot["status"], "place": snapshot.get("place")}, text)}


def message_html(shape: dict, body_html: str) -> str:
    """THE rendering of a message: one element, the same for every reader."""
    template = current_app.jinja_env.get_template("messages/_message.html")
    return template.render(shape, body_html=body_html, emoji=emoji.is_emoji_only(shape["content"]))
