"""JSON as it goes out by Socket.IO: compact, and letters stay letters (half the bytes for most of the world).

A list that many answers hold as it is (`Shared`) may be put into JSON once: the socket's door hands it over as text, by
`ready`.
"""

import json
import secrets
from itertools import chain

PLACE = secrets.token_hex(16)  # stands in an answer for what is Ready; nobody outside knows it, and so can say it
SHAPE = {"separators": (",", ":"), "ensure_ascii": False}


class Ready:
    """Part of an answer, in JSON already."""

    __slots__ = ("text",)

    def __init__(self, value):
        self.text = PlainJson.dumps(value)


class Shared(list):
    """A list that goes out again and again; nobody changes it."""

    ready: Ready | None = None


def ready(some: list) -> list | Ready:
    """The same list for PlainJson, which need not walk through it where it is Shared."""
    if not isinstance(some, Shared):
        return some
    some.ready = some.ready or Ready(some)
    return some.ready


class PlainJson:
    """What Socket.IO takes for the json module."""

    loads = staticmethod(json.loads)

    @staticmethod
    def dumps(value, **_) -> str:
        found: list[str] = []

        def place(part) -> str:
            if not isinstance(part, Ready):
                raise TypeError(f"{type(part).__name__} is no JSON")
            found.append(part.text)
            return PLACE

        text = json.JSONEncoder(**SHAPE, default=place).encode(value)
        if not found:
            return text
        return "".join(chain.from_iterable(zip(text.split(f'"{PLACE}"'), [*found, ""], strict=True)))
