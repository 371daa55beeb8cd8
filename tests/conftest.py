"""The cast: people with verbs, in a workplace that is empty again at the start of every test.

On SQLite in a temporary file and in memory, or as TEST_STACK says (see grounds.py), or on the database that
TEST_DATABASE_URL names: it is emptied.
"""

import os
import time
from collections import deque
from contextlib import contextmanager

import pytest
from argon2 import PasswordHasher
from flask import current_app
from flask_socketio.test_client import SocketIOTestClient
from sqlalchemy import delete, event

from chatapp import bots, create_app, notices, passwords, presence, ratelimit, reading, redis_link, typists
from chatapp.extensions import db, limiter, redis, replicas, socketio
from chatapp.realtime import connections, delivered, strangers
from chatapp.streams import sharing, tending, voices

pytest.register_assert_rewrite("tests.cast")

from tests.cast import Browser, Clock, Somebody, asked_for, flush, outside  # noqa: E402 (once its assertions are ready to explain themselves)

pytest_plugins = ["tests.figures", "tests.grounds"]
# Modules that remember in memory.
FORGETFUL = (
    *(presence, typists, notices, ratelimit, connections, delivered, strangers),
    *(voices, sharing, tending, reading, bots),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if "long_form" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def no_request_under_way():
    """What a test asked in this thread before is over, and how long it waited for Redis."""
    redis_link._waiting.set(None)


@pytest.fixture
def long_form() -> bool:
    """Whether a test that has a long form shall take it: TEST_LONG=1 says so, `make test-full` sets it."""
    return bool(os.environ.get("TEST_LONG"))


@pytest.fixture(scope="session")
def built_on(request, tmp_path_factory):
    """The settings of the database."""
    if "TEST_DATABASE_URL" in os.environ:
        return {"DATABASE_URL": os.environ["TEST_DATABASE_URL"]}
    settings = request.getfixturevalue("ground")(tmp_path_factory.mktemp("chat"))
    # These tests move this process's clock, which Redis does not know; tests/live and tests/stack are there for it.
    return {name: value for name, value in settings.items() if name != "REDIS_URL"}


def at_once(act, *given):
    """What a look at the notices leaves to the background is done before it goes on, in a context of its own too."""
    outside(notices.in_context, current_app._get_current_object(), act, *given)


@pytest.fixture(scope="session")
def built(built_on):
    """The application, made once, and what making it did to the extensions that are one per process."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "CORS_ORIGIN",
            "STATIC_URL",
            "TRUSTED_PROXIES",
            "WEB_CONCURRENCY",
            "CACHE_TTL",
            "ASYNC_MODE",
            "REDIS_URL",
            "REDIS_HOST",
        ):
            patch.delenv(name, raising=False)
        for name, value in {
            "APP_ENV": "test",
            "LOG_LEVEL": "ERROR",
            "SECRET_KEY": "not a secret here",
            **built_on,
        }.items():
            patch.setenv(name, value)
        patch.setattr(bots, "start", lambda task, *ids: asked_for.append((task, ids)))  # clock.answers()
        patch.setattr(voices, "wake_pump", lambda: None)  # a test says when what waits is told: clock.pumps()
        patch.setattr(notices, "beside", at_once)
        patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        # The limiter only sets itself up when it is on; each test that wants it switches it on again.
        app = create_app({"RATE_LIMITS": False, "RATELIMIT_ENABLED": True})
        limiter.enabled = False
        with app.app_context():
            db.drop_all()
            db.create_all()
        yield app, [(extension, vars(extension).copy()) for extension in (socketio, limiter, redis, replicas)]
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def app(built):
    app, extensions = built
    for extension, made in extensions:  # a test may have made another application
        vars(extension).update(made)
    forget_connections()
    asked_for.clear()
    with app.app_context():
        for table in reversed(db.metadata.sorted_tables):
            db.session.execute(delete(table))
        db.session.commit()
        flush()
    limiter.reset()
    return app


def forget_connections():
    server = socketio.server
    for held in (SocketIOTestClient.clients, server.environ, server.manager.rooms):
        held.clear()
    for mocked in ("_send_packet", "_send_eio_packet"):  # by the test client, for all that come after it
        vars(server).pop(mocked, None)
    for store in (presence.alone, presence.shared):
        store.__init__()
    for module in FORGETFUL:
        for name, value in vars(module).items():
            if name.startswith("_") and not name.startswith("__") and isinstance(value, dict | set | deque):
                value.clear()


@pytest.fixture
def inside(app):
    """An application context around the test: for calling the row's functions."""
    with app.app_context():
        yield app
        db.session.rollback()


@pytest.fixture
def cast(app):
    """Makes anybody: `cast("Fay", is_admin=True)`."""
    return lambda name, **more: Somebody(app, name, **more)


@pytest.fixture
def olga(cast):
    """The administrator."""
    return cast("Olga", is_admin=True)


@pytest.fixture
def ana(cast):
    """Owner of `room`."""
    return cast("Ana")


@pytest.fixture
def ben(cast):
    """Member of `room`."""
    return cast("Ben")


@pytest.fixture
def cleo(cast):
    """Another member of `room`."""
    return cast("Cleo")


@pytest.fixture
def eve(cast):
    """Has an account, and no business in `room`."""
    return cast("Eve")


@pytest.fixture
def robby(cast):
    """A bot from outside, that speaks with its token."""
    return cast("Robby", kind="bot")


@pytest.fixture
def workshop(ana, ben, robby):
    """A room where somebody speaks piece by piece: Ana's, with Ben and Robby. All are in it, and heard so."""
    room = ana.makes("Workshop", members=(ben, robby))
    for one in (ana, ben, robby):
        one.enters(room)
    for one in (ana, ben, robby):
        one.hears_all()
    return room


@pytest.fixture
def room(ana, ben, cleo):
    return ana.makes("Kitchen", members=(ben, cleo))


@pytest.fixture
def stranger(app):
    """A browser that nobody is signed in with."""
    return Browser(app)


@pytest.fixture
def clock(app, monkeypatch):
    moving = Clock(app)
    monkeypatch.setattr(time, "monotonic", moving.now)
    return moving


@pytest.fixture
def queries(app):
    """`with queries() as statements:` collects the SQL sent meanwhile."""

    @contextmanager
    def watch():
        statements = []

        def note(_connection, _cursor, statement, *_):
            statements.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return watch


@pytest.fixture
def meanwhile(monkeypatch):
    """`meanwhile(thing, name, act)`: `act()` happens once, at the moment when the thing's function is called next."""

    def arrange(thing, name, act):
        then = getattr(thing, name)

        def interrupted(*arguments, **named):
            monkeypatch.setattr(thing, name, then)
            act()
            return then(*arguments, **named)

        monkeypatch.setattr(thing, name, interrupted)

    return arrange
