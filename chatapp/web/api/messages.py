"""Messages over HTTP."""

from flask import Blueprint, jsonify

from ... import history, messages, wire
from .. import auth
from . import shapes
from .body import body_as, query_as
from .openapi import described

LIMIT = 50  # messages in a page when none is named

blueprint = Blueprint("api_messages", __name__, url_prefix="/api/v1")


@blueprint.get("/sessions/<session_id>/messages")
@described(
    "Messages of a session",
    shapes.Messages,
    about="One of `before`, `after` and `afterRev` at the most. An `afterRev` beyond the session's own is answered "
    "with the last 10 messages, as if nothing had been asked for.",
    query=wire.MessagesQuery,
)
def index(session_id: str):
    membership = auth.membership(session_id)
    ask = query_as(wire.MessagesQuery)
    limit = ask.limit or LIMIT
    if ask.after_rev is not None:
        return jsonify(history.changes(membership, ask.after_rev, limit))
    if ask.after is not None:
        return jsonify(history.after(membership, ask.after, limit))
    if ask.before is not None or ask.limit is not None:
        return jsonify(history.before(membership, ask.before, limit))
    return jsonify(history.latest(membership))


@blueprint.post("/sessions/<session_id>/messages")
@described(
    "Say something",
    shapes.OneMessage,
    statuses={201: "It is said.", 200: "It was said before, under the same `clientId`: here it is."},
    about="The answer comes after the commit. Whoever got none sends the same again, with the same `clientId`.",
    body=wire.NewMessage,
    example={"content": "Hello, **everybody**", "clientId": "6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11"},
    errors=("conflict", "rate_limited"),
)
def create(session_id: str):
    membership = auth.membership(session_id)
    ask = body_as(wire.NewMessage)
    message, new = messages.send(membership, ask.content, ask.client_id, ask.reply_to)
    return jsonify(message=wire.message(message)), 201 if new else 200


@blueprint.patch("/messages/<id:message_id>")
@described(
    "Edit a message",
    shapes.OneMessage,
    about="For its author. A removed message is `not_found`.",
    body=wire.NewContent,
    example={"content": "Hello, *everybody*"},
    errors=("conflict", "rate_limited"),
)
def update(message_id: int):
    ask = body_as(wire.NewContent)
    return jsonify(message=wire.message(messages.edit(auth.person(), message_id, ask.content)))


@blueprint.delete("/messages/<id:message_id>")
@described(
    "Remove a message",
    shapes.OneMessage,
    about="For its author, and for the session's owners and administrators. Its place stays. Twice is as good as once.",
)
def remove(message_id: int):
    return jsonify(message=wire.message(messages.remove(auth.person(), message_id)))
