"""Streams over plain HTTP: for bots without a socket. What is sent twice counts once."""

from flask import Blueprint, jsonify

from ... import bots, streams, wire
from .. import auth
from . import shapes
from .body import body_as
from .openapi import described

blueprint = Blueprint("api_streams", __name__, url_prefix="/api/v1")
GEN = {"gen": 1}


@blueprint.post("/sessions/<session_id>/streams")
@described(
    "Begin a message that is spoken piece by piece",
    shapes.OneMessage,
    statuses={201: "It is begun.", 200: "It was begun before, under the same `clientId`: here it is."},
    about="Its status is `streaming`, or `queued` until it is its turn: at most 3 at a time in a session, and one for "
    "each person asking (the author of the message replied to).",
    body=wire.StreamStart,
    example={"clientId": "0b0d7a5e-9d0c-4c8e-8a1e-1f2f3a4b5c6d"},
    errors=("conflict", "rate_limited"),
)
def create(session_id: str):
    membership = auth.membership(session_id)
    ask = body_as(wire.StreamStart)
    message, new = streams.begin(membership, ask.client_id, ask.reply_to)
    return jsonify(message=wire.message(message)), 201 if new else 200


@blueprint.post("/streams/<id:message_id>/chunks")
@described(
    "Speak on",
    shapes.StreamLength,
    about="`offset` is where `text` stands. What is known already counts once; a gap is a `conflict` that tells the "
    "`length`, as is a stream that waits or has ended. An empty one every 10 seconds tells that the speaker lives.",
    body=wire.StreamPiece,
    example=GEN | {"offset": 0, "text": "Hello"},
    errors=("conflict",),
)
def push(message_id: int):
    ask = body_as(wire.StreamPiece)
    return jsonify(length=streams.push(streams.mine(auth.person(), message_id, ask.gen), ask.offset, ask.text))


@blueprint.post("/streams/<id:message_id>/complete")
@described(
    "End it",
    shapes.OneMessage,
    about="As `complete`, unless `status` or `error` say otherwise. Asked again it changes nothing.",
    body=wire.StreamEnd,
    example=GEN,
)
def complete(message_id: int):
    ask = body_as(wire.StreamEnd)
    stream = streams.mine(auth.person(), message_id, ask.gen)
    return jsonify(message=wire.message(streams.finish(stream, ask.status, ask.error)))


@blueprint.post("/streams/<id:message_id>/stop")
@described(
    "Stop it",
    shapes.StreamStatus,
    about="For whoever asked, the speaker, and the session's owners and administrators.",
    body=wire.StreamGen,
    example=GEN,
    errors=("conflict",),
)
def stop(message_id: int):
    return jsonify(status=streams.stop(auth.person(), message_id, body_as(wire.StreamGen).gen))


@blueprint.post("/streams/<id:message_id>/repeat")
@described(
    "Have it said again",
    shapes.OneMessage,
    about="The same message, as `gen` + 1. For the same people; what a person said, for its author alone.",
    body=wire.StreamGen,
    example=GEN,
    errors=("conflict", "rate_limited"),
)
def repeat(message_id: int):
    return jsonify(message=wire.message(bots.repeat(auth.person(), message_id, body_as(wire.StreamGen).gen)))
