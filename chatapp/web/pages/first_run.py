"""The first visit: the first administrator and the first room; and the front door, which leads to where one belongs."""

from flask import Blueprint, redirect, render_template, session, url_for

from ... import people, wire
from ...errors import ChatError, Forbidden
from ...extensions import limiter
from .. import auth
from . import forms, sign_in
from .sidebar import lists

blueprint = Blueprint("first_run", __name__)


@blueprint.get("/")
def home():
    if not people.anybody():
        return redirect(url_for("first_run.show"))
    if auth.asker() is None:
        return redirect(url_for("sign_in.show"))
    shown = lists()
    here = [one.id for one in shown["rooms"] + shown["direct"]]
    last = session.get("room")
    if not here:
        return redirect(url_for("rooms.index"))
    return redirect(url_for("rooms.show", room_id=last if last in here else here[0]))


@blueprint.get("/setup")
def show():
    if people.anybody():
        return redirect(url_for("first_run.home"))
    return render_template("people/setup.html", errors={}, values={})


@blueprint.post("/setup")
@limiter.limit("60/minute")
def create():
    posted = forms.posted()
    try:
        ask = wire.parse(forms.SetUpForm, posted)
        somebody = people.set_up(ask.name, ask.email, ask.password or "", ask.room_name)
    except Forbidden:
        return redirect(url_for("first_run.home"))
    except ChatError as error:
        return render_template("people/setup.html", errors=forms.errors_of(error), values=posted), 422
    return sign_in.welcome(somebody, url_for("first_run.home"))
