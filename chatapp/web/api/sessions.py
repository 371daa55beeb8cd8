"""Rooms over HTTP; on the wire a room is a session."""

from flask import Blueprint, jsonify

from ... import history, members, presence, rooms, typists, wire
from .. import auth
from .body import body_as

blueprint = Blueprint("api_sessions", __name__, url_prefix="/api/v1/sessions")


def shown(membership) -> dict:
    return {"session": wire.session(membership.room, membership.standing)}


@blueprint.get("")
def index():
    mine = rooms.of(auth.person())
    return jsonify(sessions=[wire.session(one.room, one.standing) for one in mine])


@blueprint.post("")
def create():
    person, ask = auth.person(), body_as(wire.NewSession)
    if ask.kind == rooms.DIRECT:
        membership, new = rooms.open_direct(person, ask.member_ids)
        return jsonify(shown(membership)), 201 if new else 200
    return jsonify(shown(rooms.open_room(person, ask.name, ask.kind, ask.topic, ask.member_ids))), 201


@blueprint.get("/<session_id>")
def show(session_id: str):
    return jsonify(history.full(rooms.membership_of(auth.person(), session_id)))


@blueprint.patch("/<session_id>")
def update(session_id: str):
    membership = rooms.membership_of(auth.person(), session_id)
    ask = body_as(wire.SessionPatch)
    return jsonify(shown(rooms.revise(membership, name=ask.name, topic=ask.topic, archived=ask.archived)))


@blueprint.delete("/<session_id>")
def archive(session_id: str):
    membership = rooms.membership_of(auth.person(), session_id)
    return jsonify(shown(rooms.revise(membership, archived=True)))


@blueprint.put("/<session_id>/members/<id:user_id>")
def add_member(session_id: str, user_id: int):
    person = auth.person()
    if user_id == person.id:
        return jsonify(member=wire.member(members.come_in(person, session_id)))
    membership = rooms.membership_of(person, session_id)
    return jsonify(member=wire.member(members.invite(membership, user_id)))


@blueprint.delete("/<session_id>/members/<id:user_id>")
def remove_member(session_id: str, user_id: int):
    members.put_out(rooms.membership_of(auth.person(), session_id), user_id)
    return jsonify(ok=True)


@blueprint.get("/<session_id>/online")
def online(session_id: str):
    return jsonify(presence.who(rooms.membership_of(auth.person(), session_id).room_id))


@blueprint.post("/<session_id>/typing")
def typing(session_id: str):
    membership = rooms.membership_of(auth.person(), session_id)
    typists.hear(membership, body_as(wire.TypingState, empty=True).is_typing)
    return jsonify(ok=True)
