"""One's own account: password, signed-in devices, tokens for programs."""

from flask import Blueprint, flash, redirect, render_template, url_for

from ... import devices, people, tokens, wire
from ...errors import ChatError
from ...extensions import limiter
from .. import auth
from . import forms

# What a browser calls itself, the tellable ones first: most also call themselves Chrome, Safari or Linux.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS X": "macOS"}
SYSTEMS |= {"Linux": "Linux"}
blueprint = Blueprint("account", __name__, url_prefix="/account")


class TokenForm(wire.Payload):
    name: wire.Name


def account_page(errors=None, new_token=None) -> str:
    asker = auth.asker()
    shown = [device_shown(one, current=one.id == asker.device.id) for one in devices.of(asker.person)]
    mine = {"devices": shown, "tokens": tokens.of(asker.person)}
    return render_template("people/account.html", **mine, errors=errors or {}, new_token=new_token)


def device_shown(device, *, current: bool) -> dict:
    seen = {"address": device.address, "last_seen_at": device.last_seen_at, "created_at": device.created_at}
    return {"id": device.id, "label": label_of(device.user_agent), "current": current, **seen}


def label_of(user_agent: str) -> str:
    """A browser's name for people: "Firefox on Linux"."""
    found = [next((name for sign, name in signs.items() if sign in user_agent), None) for signs in (BROWSERS, SYSTEMS)]
    return " on ".join(filter(None, found)) or "A browser"


@blueprint.get("")
@auth.signed_in
def show():
    return account_page()


@blueprint.get("/password")
@blueprint.get("/tokens")
@auth.signed_in
def back():
    """The address of a page that answered a form, asked for again: after signing in, or by hand."""
    return redirect(url_for("account.show"))


@blueprint.post("/password")
@auth.signed_in
@limiter.limit("10/minute", key_func=lambda: f"password:{auth.person().id}")
def change_password():
    posted, asker = forms.posted(), auth.asker()
    try:
        people.change_password(asker.person, posted.get("current", ""), posted.get("new", ""), keep=asker.device)
    except ChatError as error:
        return account_page(forms.errors_of(error)), 422
    flash("Your password is changed; your other devices are signed out.", "good")
    return redirect(url_for("account.show"), 303)


@blueprint.post("/devices/<id:device_id>/end")
@auth.signed_in
def end_device(device_id: int):
    devices.end(auth.person(), device_id)
    return redirect(url_for("account.show"), 303)


@blueprint.post("/tokens")
@auth.signed_in
def create_token():
    try:
        ask = wire.parse(TokenForm, forms.posted())
    except ChatError as error:
        return account_page({"token_name": forms.errors_of(error)["name"]}), 422
    _, key = tokens.create(auth.person(), ask.name)
    return account_page(new_token=key)


@blueprint.post("/tokens/<id:token_id>/revoke")
@auth.signed_in
def revoke_token(token_id: int):
    tokens.revoke(token_id, of=auth.person())
    return redirect(url_for("account.show"), 303)
