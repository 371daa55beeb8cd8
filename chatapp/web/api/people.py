"""People over HTTP: oneself, and whom one may choose."""

from flask import Blueprint, jsonify

from ... import people, wire
from .. import auth
from . import shapes
from .body import query_as
from .openapi import described

blueprint = Blueprint("api_people", __name__, url_prefix="/api/v1")


@blueprint.get("/me")
@described("Who the caller is", shapes.OnePerson)
def me():
    return jsonify(person=wire.person(auth.person()))


@blueprint.get("/people")
@described("People by name, to choose from", shapes.People, query=wire.PeopleQuery)
def index():
    auth.person()
    return jsonify(people=[wire.person(one) for one in people.matching(query_as(wire.PeopleQuery).q)])
