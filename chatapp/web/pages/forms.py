"""Forms: read what a browser posted, as the same shapes that the API takes."""

from typing import Annotated

from flask import request
from pydantic import model_validator

from ... import people, wire
from ...errors import ChatError


class PersonForm(wire.Payload):
    """Name, address and password of somebody who comes in. (The address is checked by people.email_address.)"""

    name: wire.Name
    email: Annotated[str, wire.one_line(people.EMAIL_MAX)]
    password: str | None = None


class SetUpForm(PersonForm):
    room_name: wire.Name

    @model_validator(mode="before")
    @classmethod
    def as_posted(cls, posted: dict) -> dict:
        return {("roomName" if name == "room_name" else name): value for name, value in posted.items()}


def posted() -> dict[str, str]:
    """The form's text fields."""
    return request.form.to_dict()


def errors_of(error: ChatError, otherwise: str = "form") -> dict[str, str]:
    """`{field: words}` for a template."""
    words = error.message.removeprefix(f"{error.field}: ")
    field = {"roomName": "room_name", "memberIds": "member_ids"}.get(error.field, error.field)
    return {field or otherwise: words[:1].upper() + words[1:]}


def chosen_ids(name: str = "member_ids") -> list[int]:
    """The ids that were ticked; what is no id is left aside."""
    return [int(text) for text in request.form.getlist(name) if text.isascii() and text.isdigit() and len(text) < 19]
