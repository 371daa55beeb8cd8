"""The application factory: config → extensions → doors → commands. Wiring, nothing else."""

import os
from pathlib import Path

from flask import Flask

import config as settings

from . import cli, database, logs, shared_counts, web  # noqa: F401 - shared_counts is known by its scheme
from .extensions import cache, csrf, db, limiter, migrate, redis, replicas, socketio
from .realtime import websocket

ROOT = Path(__file__).resolve().parent.parent


def create_app(config: dict | None = None) -> Flask:
    """Build the application from the environment; `config` overrides single settings (tests, embedders)."""
    app = Flask(__name__, root_path=str(ROOT), instance_path=str(ROOT / "instance"), static_folder=None)
    app.config.from_mapping(settings.load(environment(config or {})))
    app.config.update({name: value for name, value in (config or {}).items() if not was_read(app, name, value)})
    logs.configure(app)
    bind_extensions(app)
    web.register(app)
    cli.register(app)
    return app


def environment(config: dict) -> dict[str, str]:
    """The environment as if it had said what `config` says: what other settings follow from must be known first."""
    said = {name: value for name, value in config.items() if isinstance(value, str)}
    if "SQLALCHEMY_DATABASE_URI" in said:
        said["DATABASE_URL"] = said["SQLALCHEMY_DATABASE_URI"]
    if config.get("TESTING"):
        said.setdefault("APP_ENV", "test")
    return {**os.environ, **said}


def was_read(app: Flask, name: str, value) -> bool:
    """Whether a text that `config` gives has been made something else of (a list, a number, another address)."""
    return isinstance(value, str) and (
        name == "SQLALCHEMY_DATABASE_URI" or not isinstance(app.config.get(name), str | None)
    )


def bind_extensions(app: Flask) -> None:
    """Give every extension this application, in the order in which they build on each other."""
    db.init_app(app)
    database.configure(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    redis.init_app(app)
    replicas.init_app(app)
    cache.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)
    socketio.init_app(app, **web.socketio_options(app))
    websocket.harden(socketio.server)
