"""Which other pages may talk to us: the Origin check of both transports and of the API's CORS."""

from urllib.parse import urlsplit

from flask import Flask, Request

DEFAULT_PORTS = {"http": 80, "https": 443}
NO_HOST = ("", None)


def host_of(url: str) -> tuple[str, int | None]:
    """Host and port of an origin; its scheme's own port where none is named. NO_HOST for what is no origin."""
    try:
        parts = urlsplit(url)
        return (parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]) if parts.hostname else NO_HOST
    except ValueError:
        return NO_HOST


def is_own(origin: str, request: Request) -> bool:
    """Whether a page of ours speaks. The scheme is not compared: TLS may end at a proxy that we are not told of."""
    scheme = origin.partition("://")[0]
    return scheme in DEFAULT_PORTS and host_of(origin) == host_of(f"{scheme}://{request.host}") != NO_HOST


def is_named(origin: str, allowed: list[str]) -> bool:
    """Whether CORS_ORIGIN lets this origin's pages use tokens."""
    return "*" in allowed or origin in allowed


def checker(app: Flask):
    """For Engine.IO: whether a request with this Origin may come in at all."""

    def may_enter(origin: str | None, environ: dict) -> bool:
        return origin is None or is_own(origin, Request(environ)) or is_named(origin, app.config["CORS_ORIGIN"])

    return may_enter


def cookie_counts(request: Request) -> bool:
    """Whether the cookie may stand for the person: the request must come from a page of ours.

    Browsers name the Origin with every WebSocket and every change. A same-origin GET of long polling has none; there
    the Referer (or Sec-Fetch-Site) tells.
    """
    origin = request.headers.get("Origin")
    if origin is not None:
        return is_own(origin, request)
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return True
    return is_own(request.headers.get("Referer", ""), request)
