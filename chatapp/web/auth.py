"""Who is asking: a device by its cookie or a program by its token; and the guards of the doors."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import structlog
from flask import Flask, Request, Response, current_app, g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFError

from .. import credentials, rooms
from ..errors import Forbidden, Unauthorized
from ..extensions import csrf
from ..models import Device, Membership, Person, Token
from ..realtime.connections import Connection
from . import origins

COOKIE = "chatapp_device"
COOKIE_LASTS = 400 * 24 * 3600  # seconds: the longest that browsers keep
KINDS = {"device": Device, "token": Token}
ROOM_ID = re.compile("[0-9a-f-]{36}")
CHANGES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(slots=True)
class Asker:
    """The person behind a request, what proved it, and his place in the room that its address names, if he has one."""

    person: Person
    device: Device | None = None
    token: Token | None = None
    place: Membership | None = None

    @property
    def credential(self) -> tuple[str, int]:
        return ("device", self.device.id) if self.device else ("token", self.token.id)


def configure(app: Flask) -> None:
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    app.before_request(refuse_strangers)
    app.before_request(refuse_forgery)
    app.register_error_handler(CSRFError, refuse_without_csrf_token)


def refuse_strangers() -> None:
    """The API answers nobody unknown; only its description is for all. (Pages have guards: they lead to sign-in.)"""
    if request.path.startswith("/api/") and request.blueprint != "api_docs":
        person()


def refuse_forgery() -> None:
    """A change asked for by a browser needs the CSRF token, signed in or not; a program's token needs none."""
    if request.method in CHANGES and not shows_bearer(request):
        csrf.protect()


def shows_bearer(asking: Request) -> bool:
    """Whether a program asks, by a token. (Another scheme may be a proxy's in front of us, and says nothing here.)"""
    return asking.headers.get("Authorization", "").lower().startswith("bearer ")


def refuse_without_csrf_token(_: CSRFError):
    """In the contract's words, through the handler of every refusal."""
    return current_app.handle_user_exception(
        Forbidden("The CSRF token is missing or wrong; please load the page again.")
    )


def asker() -> Asker | None:
    """Who sent this request; looked up once a request."""
    if "asker" not in g:
        g.asker = by_bearer(request) if shows_bearer(request) else by_cookie(request)
        if g.asker:
            structlog.contextvars.bind_contextvars(person=g.asker.person.id)
    return g.asker


def by_bearer(asking: Request) -> Asker | None:
    return by_token(asking.headers["Authorization"].partition(" ")[2].strip(), room_of(asking))


def by_token(key: str, room_id: str | None = None) -> Asker | None:
    token, place = credentials.by_secret_in(Token, key, room_id)
    if token is None:
        return None
    credentials.note_use(token)
    return Asker(token.person, token=token, place=place)


def by_cookie(asking: Request) -> Asker | None:
    """A foreign page's request counts as a stranger's. (A same-site link or a typed address has no Origin.)"""
    key, origin = asking.cookies.get(COOKIE), asking.headers.get("Origin")
    if not key or not (origin is None or origins.is_own(origin, asking)):
        return None
    device, place = credentials.by_secret_in(Device, key, room_of(asking))
    if device is None:
        return None
    credentials.note_use(device)
    return Asker(device.person, device=device, place=place)


def room_of(asking: Request) -> str | None:
    """The room that the address of a request names; None where that is no room's id: any text may stand there."""
    named = asking.view_args or {}
    room_id = named.get("room_id") or named.get("session_id") or ""
    return room_id if ROOM_ID.fullmatch(room_id) else None


def of_handshake(asking: Request, proof) -> Asker | None:
    """Who opens a socket: `proof` is what the client sent as `auth` (`{token}`), else the cookie of our own page. That
    says whose it is (`person`): somebody else may have signed in by this browser since; it must not speak as him."""
    if isinstance(proof, dict) and isinstance(proof.get("token"), str):
        return by_token(proof["token"])
    found = by_cookie(asking) if proof in (None, {}) and origins.cookie_counts(asking) else None
    if found is None or asking.args.get("person", str(found.person.id)) != str(found.person.id):
        return None
    return found


def still(connection: Connection) -> Person | None:
    """The person of an open connection, if what it showed when it opened counts to this moment."""
    kind, credential_id = connection.credential
    return credentials.still(KINDS[kind], credential_id, connection.person_id)


def still_in(connection: Connection, room_id: str | None) -> tuple[Person | None, Membership | None]:
    """The same, and his place in a room."""
    kind, credential_id = connection.credential
    return credentials.still_in(KINDS[kind], credential_id, connection.person_id, room_id)


def person() -> Person:
    """The person asking; Unauthorized for strangers."""
    found = asker()
    if found is None:
        raise Unauthorized("Please sign in or send a token.")
    return found.person


def membership(room_id: str) -> Membership:
    """As rooms.membership_of for the person asking; for a room that the address names it was looked up with him."""
    somebody, place = person(), asker().place
    return place if place and place.room_id == room_id else rooms.membership_of(somebody, room_id)


def signed_in(view: Callable) -> Callable:
    """Guard of a page: strangers are led to the sign-in page and back."""

    @wraps(view)
    def guarded(**arguments):
        found = asker()
        if found is None or found.device is None:
            wanted = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("sign_in.show", next=wanted))
        return view(**arguments)

    return guarded


def administrator(view: Callable) -> Callable:
    """Guard of an administrator's page; implies signed_in."""

    @wraps(view)
    def guarded(**arguments):
        if not person().is_admin:
            raise Forbidden("Only administrators may do this.")
        return view(**arguments)

    return signed_in(guarded)


def sign_in(response: Response, key: str) -> Response:
    """Hand a new device its cookie; whatever session there was before ends."""
    session.clear()
    response.set_cookie(
        COOKIE, key, max_age=COOKIE_LASTS, httponly=True, samesite="Lax", secure=request.is_secure, path="/"
    )
    return response


def sign_out(response: Response) -> Response:
    session.clear()
    response.delete_cookie(COOKIE, path="/")
    return response
