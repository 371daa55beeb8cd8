"""How Server-Sent Events are written, step by step, without holding anything of the database. For events.py.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import json
import re
from collections.abc import Iterator

from flask import Flask, Response, current_app, request

from ... import wire
from ...errors import ChatError
from ...realtime.listeners import Ended, Listener

PING_EVERY_S = 15.0
SSE = "text/event-stream"
NUMBER = re.compile("[0-9]{1,40}")  # of many more digits Python makes no number


def last_event_id() -> int | None:
    text = request.headers.get("Last-Event-ID", "").strip()
    return int(text) if NUMBER.fullmatch(text) and int(text) <= wire.ID_MAX else None


def event_stream(events: Iterator[str]) -> Response:
    answer = Response(in_steps(current_app._get_current_object(), events), content_type=SSE)
    answer.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    return answer


def in_steps(app: Flask, events: Iterator[str]) -> Iterator[str]:
    """Each step in a context of its own: between them, while the client reads, nothing of the database is held."""
    try:
        while True:
            with app.app_context():
                text = next(events, None)
            if text is None:
                return
            yield text
    except ChatError:  # he may hear no more: the answer ends
        return
    finally:
        with app.app_context():
            events.close()


def line(event: str, payload: dict, number: int | None = None) -> str:
    beginning = "" if number is None else f"id: {number}\n"
    return f"{beginning}event: {event}\ndata: {json.dumps(payload, ensure_ascii=False, separators=(',', ':'))}\n\n"


def pings(listener: Listener) -> Iterator[tuple[str, dict] | None]:
    """What is heard, and None where a sign of life is due. Ends when the listener may hear no more."""
    while True:
        try:
            yield listener.wait(PING_EVERY_S)
        except Ended:
            return
