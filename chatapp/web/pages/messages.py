"""Sending without JavaScript: a form, and back to the room."""

from flask import Blueprint, redirect, url_for

from ... import messages, wire
from ...errors import ChatError
from .. import auth
from . import forms
from .rooms import newest_page

blueprint = Blueprint("messages", __name__)


@blueprint.post("/rooms/<room_id>/messages")
@auth.signed_in
def create(room_id: str):
    membership = auth.membership(room_id)
    posted = forms.posted()
    content = posted.get("content", "").replace("\r\n", "\n")  # as browsers post the lines of a textarea
    try:
        ask = wire.parse(wire.NewMessage, {"content": content, "clientId": posted.get("client_id")})
        message, _ = messages.send(membership, ask.content, ask.client_id)
    except ChatError as error:
        kept = {"errors": forms.errors_of(error, "content"), "values": {"content": content}}
        return newest_page(membership, **kept), 422
    return redirect(url_for("rooms.show", room_id=room_id, _anchor=f"m-{message.client_id}"), 303)
