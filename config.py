"""The settings: reads the environment, checks every value, and answers a dict for `app.config`.
`create_app` calls `load`; nobody else reads the environment. The names are explained in docs/setup.md. What belongs to
one thing only, and how a value is read, is in chatapp/settings/.
"""

import os
import secrets
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from chatapp.settings import assistant_settings, redis_settings
from chatapp.settings.reading import HIGHEST_PORT, SettingError, address, integer, listed, one_of, switch

INSTANCE = Path(__file__).resolve().parent / "instance"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - a host's router must reach us
MAX_REQUEST_BYTES = 128 * 1024
STATEMENT_TIMEOUT_MS = 5_000  # a query slower than this is a fault, and holds one of few connections
CONNECT_TIMEOUT_S = 5  # of a command; a serving process has less patience (chatapp/postgres_link.py)
SQLITE_BUSY_S = 1
QUIET = {"hide_parameters": True}  # an error from the database must not repeat what people wrote
POOL = {"pool_size": 10, "max_overflow": 10, "pool_timeout": 1.75}  # seconds: within 2 somebody is told "unavailable"
SQLITE_POOL = POOL | {"pool_timeout": 10}  # in a file it is there or not; who waits here waits for his turn to write
REPLICA_POOL = {"pool_size": 10, "max_overflow": 0, "pool_timeout": 0.2}  # seconds; the primary can answer too
REPLICA_STATEMENT_TIMEOUT_MS = 1_000
# A page and the room's rev must come from one snapshot.
REPLICA_SNAPSHOT = {"isolation_level": "REPEATABLE READ"}
# A machine that is gone without a word is given up in 6 to 10 seconds.
KEEPALIVE = {"keepalives_idle": 3, "keepalives_interval": 1, "keepalives_count": 3, "tcp_user_timeout": 6_000}

ENVIRONMENTS = ("production", "development", "test")
ASYNC_MODES = ("eventlet", "gevent", "threading")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def load(environ):
    """All settings as a dict for `app.config`; raises SettingError at the first wrong one."""
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    app_env = one_of(given, "APP_ENV", ENVIRONMENTS)
    redis = redis_settings.load(given)
    config = {
        **_web(given, app_env),
        **_database(given),
        **redis,
        **redis_settings.cache(given, redis),
        **_limits(given),
        **assistant_settings.load(given),
        "APP_ENV": app_env,
        "TESTING": app_env == "test",
        "LOG_LEVEL": one_of({k: v.upper() for k, v in given.items()}, "LOG_LEVEL", LOG_LEVELS, "INFO"),
        "SECRET_KEY": _secret_key(given, app_env),
    }
    _require_for_several_processes(config)
    return config


def _web(given, app_env):
    """Where to listen, who stands in front, and the cookie (web/headers.py makes it secure where it came by https)."""
    return {
        "HOST": given.get("HOST") or (EVERYWHERE if app_env == "production" else "127.0.0.1"),
        "PORT": integer(given, "PORT", 5000, lowest=0, highest=HIGHEST_PORT),
        "ASYNC_MODE": one_of(given, "ASYNC_MODE", ASYNC_MODES),
        "WEB_CONCURRENCY": integer(given, "WEB_CONCURRENCY", 1, lowest=1, highest=256),
        "STICKY_PROXY": switch(given, "STICKY_PROXY", False),
        "WORKER_LIFELINE": integer(given, "WORKER_LIFELINE", 0) or None,  # realtime/supervisor.py sets it
        "TRUSTED_PROXIES": integer(given, "TRUSTED_PROXIES", 0),
        "CORS_ORIGIN": _origins(given, "CORS_ORIGIN"),
        "STATIC_URL": _static_url(given),
        "MAX_CONTENT_LENGTH": MAX_REQUEST_BYTES,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": False,
    }


def _database(given):
    replicas = [_replica_url("DATABASE_REPLICA_URLS", url) for url in listed(given, "DATABASE_REPLICA_URLS")]
    url = given.get("DATABASE_URL")
    if url is None:
        INSTANCE.mkdir(exist_ok=True)
        url = f"sqlite:///{INSTANCE / 'chatapp.sqlite3'}"
    url = _database_url("DATABASE_URL", url)
    return {
        "SQLALCHEMY_DATABASE_URI": url.render_as_string(hide_password=False),
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(url),
        "DATABASE_REPLICA_URLS": [replica.render_as_string(hide_password=False) for replica in replicas],
        "DATABASE_REPLICA_OPTIONS": _replica_options(),
    }


def _database_url(name, text):
    # SQLAlchemy takes a bare postgresql:// for another driver than ours, and postgres:// for none at all.
    scheme, separator, rest = text.partition("://")
    if scheme in ("postgres", "postgresql"):
        text = f"postgresql+psycopg2{separator}{rest}"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingError(name, "not a database address such as postgresql://user:password@host/name") from None
    if url.drivername not in ("sqlite", "postgresql+psycopg2"):
        raise SettingError(name, "must begin with postgresql:// or sqlite:///")
    return url


def _replica_url(name, text):
    url = _database_url(name, text)
    if url.drivername == "sqlite":
        raise SettingError(name, "must begin with postgresql://; SQLite has no replicas")
    return url


def _engine_options(url):
    if url.drivername == "sqlite":
        in_memory = url.database in (None, "", ":memory:")
        return {**QUIET, "connect_args": {"timeout": SQLITE_BUSY_S}, **({} if in_memory else SQLITE_POOL)}
    connect = {"connect_timeout": CONNECT_TIMEOUT_S, "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"}
    return {**QUIET, "pool_pre_ping": True, "connect_args": {"application_name": "chatapp", **connect}, **POOL}


def _replica_options():
    limits = f"-c statement_timeout={REPLICA_STATEMENT_TIMEOUT_MS} -c default_transaction_read_only=on"
    connect = {"application_name": "chatapp", "connect_timeout": 2, "options": limits, **KEEPALIVE}
    return {**QUIET, **REPLICA_SNAPSHOT, **REPLICA_POOL, "connect_args": connect}


def _limits(given):
    """Whether limits are counted at all (RATE_LIMITS=off is for trials)."""
    counted = switch(given, "RATE_LIMITS", True)
    return {
        "RATE_LIMITS": counted,
        "RATELIMIT_ENABLED": counted,
        "RATELIMIT_STORAGE_URI": "chatapp://",  # chatapp/shared_counts.py: in Redis, or here
    }


def _require_for_several_processes(config):
    """Processes share what they know through PostgreSQL and Redis; each alone would be a chat of its own."""
    if config["WEB_CONCURRENCY"] == 1:
        return
    if config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        raise SettingError("WEB_CONCURRENCY", "more than 1 needs PostgreSQL; DATABASE_URL names SQLite")
    if not any(config[name] for name in redis_settings.WAYS):
        raise SettingError("WEB_CONCURRENCY", "more than 1 needs Redis; set REDIS_URL")
    if config["STICKY_PROXY"] and config["WORKER_LIFELINE"] is None:
        _require_a_port_each(config["PORT"], config["WEB_CONCURRENCY"])


def _require_a_port_each(first, count):
    """A proxy that keeps a browser at one process has to know each by a port of its own."""
    if first == 0:
        raise SettingError("PORT", "cannot be 0 with STICKY_PROXY; each process takes the next port")
    if first + count - 1 > HIGHEST_PORT:
        raise SettingError(
            "PORT", f"must be at most {HIGHEST_PORT - count + 1} with STICKY_PROXY and {count} processes"
        )


def _secret_key(given, app_env):
    if "SECRET_KEY" in given:
        return given["SECRET_KEY"]
    if app_env == "test":
        return secrets.token_hex(32)
    if app_env != "development":
        raise SettingError("SECRET_KEY", "required outside development")
    INSTANCE.mkdir(exist_ok=True)
    path = INSTANCE / "secret_key"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    key = path.read_text().strip()
    if not key:
        raise SettingError("SECRET_KEY", "instance/secret_key is empty; remove it and start again")
    return key


def _static_url(given):
    url = given.get("STATIC_URL", "").rstrip("/")
    if url and (not url.startswith("/") or url.startswith("//")):
        address("STATIC_URL", url, ("http", "https"), "https://cdn.example")
    return url


def _origins(given, name):
    origins = [_origin(name, text) for text in listed(given, name)]
    if "*" in origins and len(origins) > 1:
        raise SettingError(name, "* stands alone")
    return origins


def _origin(name, text):
    """As a browser spells it: lower case, no default port, nothing after the port."""
    if text == "*":
        return text
    example = "https://chat.example"
    parts = address(name, text.lower().rstrip("/"), ("http", "https"), example)
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise SettingError(name, f"must be an origin such as {example}, with nothing after it")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default_port = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, default_port) else "")
