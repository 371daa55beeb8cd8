"""Whom and what a command names: a person by e-mail address or id, a room by id or by its name when only one has it."""

import re

from .. import people, rooms, wire
from ..errors import Conflict, NotFound
from ..models import Person, Room

ID_SHAPE = re.compile(r"[0-9]{1,18}")


def person(text: str) -> Person:
    """NotFound or Invalid when nobody is called that."""
    if ID_SHAPE.fullmatch(text):
        return people.get(int(text))
    return people.by_email(people.email_address(text))


def room(text: str) -> Room:
    """NotFound when there is none, Conflict when several have this name."""
    text = wire.parse(RoomReference, {"room": text}).room
    every = rooms.everything()
    found = [one for one in every if one.id == text] or [one for one in every if one.name == text]
    if not found:
        raise NotFound(f"There is no room with the id or name {text!r}.")
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise Conflict(f"Several rooms are called {text!r}; take one by its id: {ids}")
    return found[0]


class RoomReference(wire.Payload):
    room: wire.Name | wire.SessionId
