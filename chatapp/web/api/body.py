"""What a request to the API carries, as validated shapes."""

import json

from flask import request

from ... import wire
from ...errors import Invalid


def body_as(shape: type[wire.Shape], *, empty: bool = False) -> wire.Shape:
    """The JSON body as `shape`; with `empty`, no body at all counts as `{}`."""
    raw = request.get_data()
    if empty and not raw:
        return wire.parse(shape, {})
    try:
        return wire.parse(shape, json.loads(raw))
    except (ValueError, RecursionError):
        raise Invalid("The body must be JSON.") from None


def query_as(shape: type[wire.Shape]) -> wire.Shape:
    """The query string as `shape`."""
    return wire.parse(shape, request.args.to_dict())
