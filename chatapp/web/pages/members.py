"""Coming into a room, leaving it, inviting and putting out: what the room's pages post."""

from flask import Blueprint, flash, redirect, url_for

from ... import bots, members
from .. import auth
from . import forms

blueprint = Blueprint("members", __name__, url_prefix="/rooms/<room_id>")


@blueprint.post("/join")
@auth.signed_in
def join(room_id: str):
    members.come_in(auth.person(), room_id)
    return redirect(url_for("rooms.show", room_id=room_id), 303)


@blueprint.post("/leave")
@auth.signed_in
def leave(room_id: str):
    membership = auth.membership(room_id)
    members.leave(membership)
    flash(f"You left {membership.room.name}.")
    return redirect(url_for("first_run.home"), 303)


@blueprint.post("/members")
@auth.signed_in
def invite(room_id: str):
    membership = auth.membership(room_id)
    for person_id in forms.chosen_ids():
        members.invite(membership, person_id)
    return redirect(url_for("rooms.settings", room_id=room_id), 303)


@blueprint.post("/members/<id:person_id>/answers")
@auth.signed_in
def answers(room_id: str, person_id: int):
    membership = auth.membership(room_id)
    bots.set_answers(membership, person_id, forms.posted().get("answers", ""))
    flash("Saved.", "good")
    return redirect(url_for("rooms.settings", room_id=room_id), 303)


@blueprint.post("/members/<id:person_id>/remove")
@auth.signed_in
def put_out(room_id: str, person_id: int):
    members.put_out(auth.membership(room_id), person_id)
    return redirect(url_for("rooms.settings", room_id=room_id), 303)
