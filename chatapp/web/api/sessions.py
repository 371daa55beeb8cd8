"""Rooms over HTTP; on the wire a room is a session."""

from flask import Blueprint, jsonify

from ... import database, direct, history, members, presence, rooms, typists, wire
from .. import auth
from . import shapes
from .body import body_as
from .openapi import described

blueprint = Blueprint("api_sessions", __name__, url_prefix="/api/v1/sessions")


def shown(membership) -> dict:
    return {"session": wire.session(membership.room, membership.standing)}


@blueprint.get("")
@described("The caller's sessions", shapes.Sessions)
def index():
    mine = rooms.of(auth.person())
    return jsonify(sessions=[wire.session(one.room, one.standing) for one in mine])


@blueprint.post("")
@described(
    "Make a session",
    shapes.OneSession,
    statuses={201: "It is made; its maker is its owner.", 200: "The direct session of these people, which was there."},
    about="Open and closed ones need a `name`. A direct one needs `memberIds`; its `name` and `topic` are left aside.",
    body=wire.NewSession,
    example={"name": "Garden", "kind": "closed", "topic": "What grows where", "memberIds": []},
    errors=("rate_limited",),
)
def create():
    person, ask = auth.person(), body_as(wire.NewSession)
    if ask.kind == rooms.DIRECT:
        membership, new = direct.open_for(person, ask.member_ids)
        return jsonify(shown(membership)), 201 if new else 200
    return jsonify(shown(rooms.open_room(person, ask.name, ask.kind, ask.topic, ask.member_ids))), 201


@blueprint.get("/<session_id>")
@described("A session whole: with its members and its last 10 messages", shapes.FullSession)
def show(session_id: str):
    return jsonify(history.full(auth.membership(session_id)))


@blueprint.patch("/<session_id>")
@described(
    "Rename, set the topic, archive or bring back",
    shapes.OneSession,
    about="For owners and administrators; a direct session stays as it is. What is missing or null is left alone.",
    body=wire.SessionPatch,
    example={"name": "Kitchen garden", "topic": ""},
    errors=("rate_limited",),
)
def update(session_id: str):
    membership = auth.membership(session_id)
    ask = body_as(wire.SessionPatch)
    return jsonify(shown(rooms.revise(membership, name=ask.name, topic=ask.topic, archived=ask.archived)))


@blueprint.delete("/<session_id>")
@described(
    "Archive a session",
    shapes.OneSession,
    about="The same as to PATCH it with `archived: true`.",
    errors=("rate_limited",),
)
def archive(session_id: str):
    membership = auth.membership(session_id)
    return jsonify(shown(rooms.revise(membership, archived=True)))


@blueprint.put("/<session_id>/members/<id:user_id>")
@described(
    "Add a member, or come in",
    shapes.OneMember,
    about="Owners and administrators add anybody, and everybody himself to an open session. Nobody to a direct one.",
    errors=("rate_limited",),
)
def add_member(session_id: str, user_id: int):
    person = auth.person()
    if user_id == person.id:
        return jsonify(member=wire.member(members.come_in(person, session_id)))
    return jsonify(member=wire.member(members.invite(auth.membership(session_id), user_id)))


@blueprint.delete("/<session_id>/members/<id:user_id>")
@described(
    "Remove a member, or leave",
    shapes.Done,
    about="Owners and administrators remove anybody, and everybody himself. Nobody is removed from a direct session.",
)
def remove_member(session_id: str, user_id: int):
    members.put_out(auth.membership(session_id), user_id)
    return jsonify(ok=True)


@blueprint.get("/<session_id>/online")
@described("Who is here", shapes.Online, about="Those who have the session open in a browser or by a socket.")
def online(session_id: str):
    membership = auth.membership(session_id)
    database.release()
    return jsonify(presence.who(membership.room_id))


@blueprint.post("/<session_id>/typing")
@described(
    "Tell that one is typing",
    shapes.Done,
    about="It ends by itself after 3 seconds, and when the person sends a message. No body at all means true.",
    body=wire.TypingState,
    body_needed=False,
    example={"isTyping": True},
)
def typing(session_id: str):
    membership = auth.membership(session_id)
    ask = body_as(wire.TypingState, empty=True)
    database.release()
    typists.hear(membership, ask.is_typing)
    return jsonify(ok=True)
