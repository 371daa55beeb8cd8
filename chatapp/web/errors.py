"""Refusals and accidents as answers: JSON under /api, a page elsewhere. Never a trace or an exception's own words."""

import math
import time

import structlog
from flask import Flask, g, jsonify, make_response, render_template, request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from .. import health
from ..errors import ChatError, Internal, Invalid, NotFound, RateLimited, TooLarge, Unavailable
from ..extensions import limiter

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout, PendingRollbackError)
TOLD_EVERY_S = 1.0  # in the log, while the database refuses: what it refuses comes by the thousand
STATUS = {
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "invalid": 422,
    "rate_limited": 429,
    "internal": 500,
    "unavailable": 503,
}
TITLES = {
    401: "Please sign in",
    403: "This is not for you to do",
    404: "There is nothing here",
    409: "That is taken",
    413: "That is too much",
    422: "That cannot be",
    429: "One moment",
    503: "We will be right back",
}
_told: dict[str, float] = {}  # what, and when (monotonic seconds)
log = structlog.get_logger(__name__)


def configure(app: Flask) -> None:
    app.register_error_handler(ChatError, refused)
    app.register_error_handler(HTTPException, refused_by_framework)
    app.register_error_handler(Exception, accident)


def refused(error: ChatError, status: int | None = None):
    status = status or STATUS[error.code]
    response = as_json(error) if request.path.startswith("/api/") else as_page(error, status)
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
    return response


def as_json(error: ChatError):
    return jsonify(error=error.to_dict())


def as_page(error: ChatError, status: int):
    title = TITLES.get(status, "Something went wrong")
    text = render_template("errors/error.html", status=status, title=title, text=error.message)
    return make_response(text)


def refused_by_framework(error: HTTPException):
    """404 for an unknown address, 405, 413, 429 and what else the framework turns down."""
    status = error.code or 500
    if status < 400:
        return error
    kinds = {404: NotFound, 413: TooLarge, 429: RateLimited}
    kind = kinds.get(status, Invalid if status < 500 else Internal)
    words = {404: "There is nothing at this address.", 405: "This address does not take that method."}
    words |= {413: "The request is too large.", 429: "Too many attempts; please wait a little."}
    refusal = kind(words.get(status, "The request could not be understood."))
    if status == 429:
        refusal.retry_after = seconds_until_free()
    response = refused(refusal, status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def seconds_until_free() -> float:
    """Until the limit that was hit counts anew."""
    hit = limiter.current_limit
    return max(1.0, hit.reset_at - time.time()) if hit else 60.0


def accident(error: Exception):
    g.asker = None  # the error page must not ask the database who is there
    return refused(refusal_of(error))


def refusal_of(error: Exception) -> ChatError:
    """What may be told of anything that goes wrong, at every door; what may not is written down."""
    if isinstance(error, ChatError):
        return error
    if isinstance(error, DATABASE_AWAY) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        tell_of_database(error)
        return Unavailable("The database cannot be reached; please try again.", retry_after=1)
    log.error("accident", exc_info=error)
    return Internal("Something went wrong here; it was written down.")


def tell_of_database(error: Exception) -> None:
    """In the log, now and then; of a PostgreSQL that is away it has been told (postgres_link.py)."""
    at = time.monotonic()
    if not health.database_known_away() and at - _told.get("database", -TOLD_EVERY_S) >= TOLD_EVERY_S:
        _told["database"] = at
        log.error("database_unavailable", error=type(error).__name__)
