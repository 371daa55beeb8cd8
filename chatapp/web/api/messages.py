"""Messages over HTTP."""

from flask import Blueprint, jsonify

from ... import history, messages, rooms, wire
from .. import auth
from .body import body_as, query_as

LIMIT = 50  # messages in a page when none is named

blueprint = Blueprint("api_messages", __name__, url_prefix="/api/v1")


@blueprint.get("/sessions/<session_id>/messages")
def index(session_id: str):
    membership = rooms.membership_of(auth.person(), session_id)
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
def create(session_id: str):
    membership = rooms.membership_of(auth.person(), session_id)
    ask = body_as(wire.NewMessage)
    message, new = messages.send(membership, ask.content, ask.client_id, ask.reply_to)
    return jsonify(message=wire.message(message)), 201 if new else 200


@blueprint.patch("/messages/<id:message_id>")
def update(message_id: int):
    ask = body_as(wire.NewContent)
    return jsonify(message=wire.message(messages.edit(auth.person(), message_id, ask.content)))


@blueprint.delete("/messages/<id:message_id>")
def remove(message_id: int):
    return jsonify(message=wire.message(messages.remove(auth.person(), message_id)))
