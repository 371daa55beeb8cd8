"""What every answer carries: the content security policy, a request id, CORS for named origins; and the access log."""

import re
import secrets
import time
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, g, request
from flask.sessions import SecureCookieSessionInterface

from .. import metrics
from . import origins

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SETTLED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
log = structlog.get_logger("chatapp.access")


class SecureWhereItCan(SecureCookieSessionInterface):
    """The session cookie is `Secure` wherever the browser came by https."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def configure(app: Flask) -> None:
    app.session_interface = SecureWhereItCan()
    policy = content_security_policy(app.config["STATIC_URL"])
    app.before_request(begin)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy)
        for name, value in SETTLED.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-ID"] = g.get("request_id", "")
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        allow_named_origins(response, app.config["CORS_ORIGIN"])
        write_down(response)
        return response


def content_security_policy(static_url: str) -> str:
    """Only our own scripts and styles, none of them inline; `static_url`'s host beside us when a CDN is set."""
    parts = urlsplit(static_url)
    ours = "'self'" + (f" {parts.scheme}://{parts.netloc}" if parts.netloc else "")
    return (
        f"default-src 'self'; script-src {ours}; style-src {ours}; img-src {ours} data:; font-src {ours}; "
        "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def begin() -> Response | None:
    """Name the request (by the proxy's name for it, when that is one) and answer a CORS preflight."""
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    if request.path.startswith("/api/"):
        read_whole_body()
    if request.method == "OPTIONS" and request.path.startswith("/api/") and "Origin" in request.headers:
        return Response(status=204)
    return None


def read_whole_body() -> None:
    """Before any query: a body that trickles in must not hold a database connection. One that comes in chunks, without
    a length, is just cut off by the framework where the most allowed is reached; one more look refuses it."""
    if len(request.get_data()) >= request.max_content_length:
        request.stream.read(1)


def allow_named_origins(response: Response, allowed: list[str]) -> None:
    """Pages of CORS_ORIGIN may use the API with a token. No credentials: the cookie stays with our own pages."""
    origin = request.headers.get("Origin")
    if not request.path.startswith("/api/") or origin is None:
        return
    response.headers.add("Vary", "Origin")
    if origins.is_named(origin, allowed):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-ID"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE"
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Last-Event-ID"
            response.headers["Access-Control-Max-Age"] = "600"


def write_down(response: Response) -> None:
    """One line a request: the route's pattern, never the path itself (an invite code stands in one)."""
    route = request.url_rule.rule if request.url_rule else "(none)"
    took = time.perf_counter() - g.get("began", time.perf_counter())
    method = request.method if request.method in METHODS else "other"  # any word may be one: no label for each
    metrics.REQUEST_SECONDS.labels(route, method, response.status_code).observe(took)
    if request.endpoint != "static":
        log.info("request", method=method, route=route, status=response.status_code, ms=round(took * 1000, 1))
