"""Messages: send, edit, remove. Every way to speak (socket, API, form, bot, command) ends here.

Each verb takes the caller's membership, commits once and tells the room afterwards.
"""

from . import bots, broadcasts, cached, markdown, metrics, ratelimit, rooms, saying, streams, typists
from .errors import Conflict, Forbidden, Invalid, NotFound, RateLimited
from .models import Membership, Message, Person, now


def send(membership: Membership, content: str, client_id: str, reply_to: int | None = None) -> tuple[Message, bool]:
    """Say `content` (checked: wire.Content); the message, and whether it is new.

    The same (author, client_id) gives the same message for ever. Conflict when it was said with another content or
    in another room; Forbidden in an archived room; Invalid for a reply to what is not in this room; RateLimited.
    """
    try:
        rooms.require_unarchived(membership.room)
        saying.require_in_room(reply_to, membership.room_id)
        ratelimit.take(membership.person_id)
    except (Forbidden, Invalid, RateLimited):
        said = saying.said_before(membership, content, client_id)
        if said is None:
            raise
        return said, False
    message = saying.place(membership, client_id, content, markdown.to_html(content), reply_to)
    if message is None:
        ratelimit.give_back(membership.person_id)
        return saying.said_before(membership, content, client_id), False
    typists.stop(message.room_id, message.author_id)
    broadcasts.new_message(message)
    cached.forget(message.room_id)
    bots.hear(message, membership.room)
    metrics.MESSAGES.inc()
    return message, True


def edit(somebody: Person, message_id: int, content: str) -> Message:
    """Say it in other words (checked: wire.Content). For its author; Forbidden for everybody else."""
    message, membership = saying.find(somebody, message_id)
    if message.author_id != somebody.id:
        raise Forbidden("Only its author may edit a message.")
    rooms.require_unarchived(membership.room)
    if message.removed_at is not None:
        raise NotFound("This message was removed.")
    if message.status in streams.AT_WORK:
        raise Conflict("It is still being said.")
    if message.content == content:
        return message
    ratelimit.take(somebody.id, "edit")
    return saying.change(message, content=content, body_html=markdown.to_html(content), edited_at=now())


def remove(somebody: Person, message_id: int) -> Message:
    """Take back what was said; its place stays. For its author and for those who moderate the room."""
    message, membership = saying.find(somebody, message_id)
    if message.author_id != somebody.id and not membership.moderates:
        raise Forbidden("Only its author and the room's owners may remove a message.")
    rooms.require_unarchived(membership.room)
    if message.removed_at is not None:
        return message
    streams.silence(message)
    try:
        return saying.change(message, content="", body_html="", edited_at=None, removed_at=now())
    except NotFound:  # somebody else did it in the same moment
        return message
