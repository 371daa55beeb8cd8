"""The three doors: pages, the API and the socket. Called by the factory only."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

from .. import credentials, health, notices, presence, reading, redis_link, repairs, streams, typists, wire
from ..extensions import socketio
from ..jobs import letters
from ..plain_json import PlainJson
from ..realtime import listeners, loop, relay, server, strangers, ticker
from . import api, auth, errors, headers, ops, origins, pages, static_files
from .sockets import ChatNamespace


class IdConverter(BaseConverter):
    """An id in an address; one that no database could hold becomes 0, which is nobody's."""

    regex = "[0-9]{1,40}"

    def to_python(self, value: str) -> int:
        return int(value) if int(value) <= wire.ID_MAX else 0


class TextConverter(BaseConverter):
    """Any other part of an address: what no database would store is no address."""

    regex = r"[^/\x00-\x1f\x7f]{1,100}"


def register(app: Flask) -> None:
    """Hang the doors into the application."""
    app.url_map.converters.update(id=IdConverter, default=TextConverter)
    headers.configure(app)
    errors.configure(app)
    auth.configure(app)
    static_files.configure(app)
    for blueprint in (*pages.BLUEPRINTS, *api.BLUEPRINTS, ops.blueprint):
        app.register_blueprint(blueprint)
    app.jinja_env.globals |= {"transports": transports(app), "icon": pages.sidebar.icon}
    socketio.on_namespace(ChatNamespace(app))
    app.before_request(redis_link.begin_request)
    set_clock(app)
    server.before_stop(listeners.end_all)
    server.before_stop(streams.end_ours)
    server.before_stop(credentials.write_uses)
    if app.config["TRUSTED_PROXIES"]:
        hops = app.config["TRUSTED_PROXIES"]
        # Last, so that Socket.IO's middleware sees the true address too.
        # Of the host only the Host header counts: a proxy that sets no X-Forwarded-Host would pass on a stranger's.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)


def set_clock(app: Flask) -> None:
    """What a serving process does again and again; how many seconds lie between."""
    ticker.every(0.5, health.look_for_database)
    ticker.every(0.5, health.look_for_redis)
    if app.config["DATABASE_REPLICA_URLS"]:
        ticker.every(1.0, health.look_for_replicas)
    ticker.every(0.3, notices.obey, on_call=True)
    ticker.every(600, notices.tidy)
    ticker.every(1.0, credentials.write_uses)
    ticker.every(0.2, typists.sweep)
    ticker.every(2.0, reading.note)
    ticker.every(0.5, streams.tend)
    ticker.every(3_600, streams.remind, on_call=True)  # it only matters when called
    ticker.every(5.0, streams.recover)
    ticker.every(0.5, presence.sweep)
    ticker.every(0.5, presence.beat)
    ticker.every(1.0, presence.tell_crowds)
    if relay.may_miss_changes(app.config):
        ticker.every(0.6, repairs.make)
    ticker.every(10.0, letters.measure)
    if app.config["RATE_LIMITS"]:
        strangers.guard(socketio.server)
        ticker.every(5.0, strangers.sweep)


def transports(app: Flask) -> list[str]:
    """Long polling is many requests, which all have to reach the one process that knows the connection."""
    is_spread = app.config["WEB_CONCURRENCY"] > 1 and not app.config["STICKY_PROXY"]
    return ["websocket"] if is_spread else ["websocket", "polling"]


def socketio_options(app: Flask) -> dict:
    """How Socket.IO is to be set up: order kept, strangers out, plain JSON."""
    return {
        "async_mode": loop.mode(app.config["ASYNC_MODE"]),
        "client_manager": relay.manager_for(app.config),
        "transports": transports(app),
        "async_handlers": False,  # one connection's commands take effect in the order sent
        "namespaces": [ChatNamespace.NAME],
        "manage_session": False,
        "cors_allowed_origins": origins.checker(app),
        "cors_credentials": False,  # from another origin a token counts, never the cookie
        "json": PlainJson,
        "ping_interval": 25,
        "ping_timeout": 20,  # a peer that died without goodbye is noticed within 45 s
    }
