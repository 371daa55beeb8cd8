"""People, for administrators: who is here, who comes, who is turned away."""

from flask import Blueprint, flash, redirect, render_template, url_for

from ... import invites, passwords, people, wire
from ...errors import ChatError
from .. import auth
from . import forms

blueprint = Blueprint("people", __name__, url_prefix="/people")


def index_page(errors=None, values=None) -> str:
    invite_url = url_for("sign_in.join", code=invites.current_code(), _external=True)
    shown = {"people": people.everybody(), "invite_url": invite_url}
    return render_template("people/index.html", **shown, errors=errors or {}, values=values or {})


@blueprint.get("")
@auth.administrator
def index():
    return index_page()


@blueprint.post("")
@auth.administrator
def create():
    posted = forms.posted()
    password = posted.get("password") or passwords.make_up()
    try:
        ask = wire.parse(forms.PersonForm, posted)
        somebody = people.create(ask.name, ask.email, password)
    except ChatError as error:
        return index_page(forms.errors_of(error), posted), 422
    shown_once = "" if posted.get("password") else f" The password, shown this once: {password}"
    flash(f"{somebody.name} can sign in now.{shown_once}", "good")
    return redirect(url_for("people.index"), 303)


@blueprint.post("/invite")
@auth.administrator
def renew_invite():
    invites.renew()
    flash("There is a new invite link; the one before does not work any more.", "good")
    return redirect(url_for("people.index"), 303)


@blueprint.post("/<id:person_id>/deactivate")
@auth.administrator
def deactivate(person_id: int):
    people.deactivate(people.get(person_id))
    return redirect(url_for("people.index"), 303)


@blueprint.post("/<id:person_id>/reactivate")
@auth.administrator
def reactivate(person_id: int):
    people.reactivate(people.get(person_id))
    return redirect(url_for("people.index"), 303)


@blueprint.post("/<id:person_id>/promote")
@auth.administrator
def promote(person_id: int):
    people.promote(people.get(person_id))
    return redirect(url_for("people.index"), 303)
