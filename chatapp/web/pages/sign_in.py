"""Sign in, sign out, and join by an invite link."""

import re

from flask import Blueprint, redirect, render_template, request, url_for
from flask_limiter.util import get_remote_address

from ... import devices, invites, people, wire
from ...errors import ChatError, NotFound, Unauthorized
from ...extensions import limiter
from ...models import Person
from .. import auth
from . import forms

OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
blueprint = Blueprint("sign_in", __name__)


def account_tried() -> str:
    """Attempts are also counted by the account tried, whether it exists or not."""
    return "account:" + request.form.get("email", "").strip().lower()[:254]


def account_tried_from_here() -> str:
    """So that a stranger's attempts do not keep somebody out at home."""
    return f"{account_tried()} from {get_remote_address()}"


def failed(response) -> bool:
    return response.status_code == 401


def welcome(somebody: Person, wanted: str):
    """Sign somebody in on this browser and lead on."""
    browser = request.headers.get("User-Agent", "")
    _, key = devices.open_for(somebody, user_agent=browser, address=get_remote_address())
    return auth.sign_in(redirect(wanted, 303), key)


def own_path(wanted: str | None) -> str:
    """`wanted` if it is an address of ours, else the front door: nobody is led away after signing in."""
    return wanted if wanted and OWN_PATH.fullmatch(wanted) else url_for("first_run.home")


@blueprint.get("/sign-in")
def show():
    if not people.anybody():
        return redirect(url_for("first_run.show"))
    wanted = own_path(request.args.get("next"))
    if auth.asker() is not None:
        return redirect(wanted)
    return render_template("people/sign_in.html", errors={}, values={"next": wanted})


@blueprint.post("/sign-in")
@limiter.limit("120/minute")
@limiter.limit("30/minute", deduct_when=failed)
@limiter.limit("60/minute", key_func=account_tried_from_here)  # tries side by side are counted before their outcome
@limiter.limit("10/minute;30/hour", key_func=account_tried_from_here, deduct_when=failed)
@limiter.limit("100/hour", key_func=account_tried, deduct_when=failed)
def create():
    posted, browser = forms.posted(), request.headers.get("User-Agent", "")
    email, password = posted.get("email", ""), posted.get("password", "")
    try:
        _, key = devices.sign_in(email, password, user_agent=browser, address=get_remote_address())
    except Unauthorized as error:
        values = {"email": email, "next": own_path(posted.get("next"))}
        return render_template("people/sign_in.html", errors={"form": error.message}, values=values), 401
    return auth.sign_in(redirect(own_path(posted.get("next")), 303), key)


@blueprint.post("/sign-out")
def end():
    asker = auth.asker()
    if asker and asker.device:
        devices.end(asker.person, asker.device.id)
    return auth.sign_out(redirect(url_for("sign_in.show"), 303))


@blueprint.get("/join/<code>")
@limiter.limit("300/minute")
def join(code: str):
    try:
        invites.require(code)
    except NotFound:
        return render_template("errors/invite.html"), 404
    if auth.asker() is not None:
        return redirect(url_for("first_run.home"))
    return render_template("people/join.html", errors={}, values={})


@blueprint.post("/join/<code>")
@limiter.limit("100/minute")
def accept(code: str):
    posted = forms.posted()
    try:
        invites.require(code)
        ask = wire.parse(forms.PersonForm, posted)
        somebody = invites.accept(code, ask.name, ask.email, ask.password or "")
    except NotFound:
        return render_template("errors/invite.html"), 404
    except ChatError as error:
        return render_template("people/join.html", errors=forms.errors_of(error), values=posted), 422
    return welcome(somebody, url_for("first_run.home"))
