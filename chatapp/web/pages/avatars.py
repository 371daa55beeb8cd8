"""Faces: a person's initials on a colour of his own, drawn by the server."""

from flask import Blueprint, Response, render_template

from ... import people
from .. import auth

HUES = 12
blueprint = Blueprint("avatars", __name__)


@blueprint.get("/people/<id:person_id>/avatar.svg")
def show(person_id: int):
    auth.person()
    somebody = people.get(person_id)
    hue = somebody.id * 137 % 360  # the golden angle: neighbours differ
    svg = render_template("people/avatar.svg", initials=initials(somebody.name), hue=hue, bot=somebody.kind == "bot")
    cached = {"Cache-Control": "private, max-age=86400"}
    return Response(svg, content_type="image/svg+xml", headers=cached)


def initials(name: str) -> str:
    """At most two letters: of the first and the last word."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
