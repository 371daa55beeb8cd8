"""The settings: reads the environment, checks every value, and answers a dict for `app.config`.
`create_app` calls `load`; nobody else reads the environment. The names are explained in docs/setup.md.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import click
from redis import ConnectionPool, RedisError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

INSTANCE = Path(__file__).resolve().parent / "instance"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - a host's router must reach us
MAX_REQUEST_BYTES = 128 * 1024
STATEMENT_TIMEOUT_MS = 5_000  # a query slower than this is a fault, and holds one of few connections
CONNECT_TIMEOUT_S = 5  # of a command; a serving process has less patience (chatapp/postgres_link.py)
SQLITE_BUSY_S = 1
HIGHEST_PORT = 65_535
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
# What may follow `?` in REDIS_URL. The client knows more, which would undo the short patience that it is used with.
REDIS_OPTIONS = ("db", "protocol", "client_name", "ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
REDIS_WAYS = ("REDIS_URL", "REDIS_SENTINELS", "REDIS_CLUSTER_NODES")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class SettingError(click.ClickException, ValueError):
    """A setting that is missing or wrong. Its text is one line that begins with the setting's name.
    Being click's, it ends any `flask` command with that line instead of a traceback.
    """

    exit_code = 2

    def __init__(self, name, problem):
        super().__init__(f"{name}: {problem}")

    def show(self, file=None):
        click.echo(self.message, file=file, err=file is None)


def load(environ):
    """All settings as a dict for `app.config`; raises SettingError at the first wrong one."""
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    app_env = _one_of(given, "APP_ENV", ENVIRONMENTS)
    redis = _redis(given)
    config = {
        **_web(given, app_env),
        **_database(given),
        **redis,
        **_cache(given, redis),
        **_limits(given),
        **_assistant(given),
        "APP_ENV": app_env,
        "TESTING": app_env == "test",
        "LOG_LEVEL": _one_of({k: v.upper() for k, v in given.items()}, "LOG_LEVEL", LOG_LEVELS, "INFO"),
        "SECRET_KEY": _secret_key(given, app_env),
    }
    _require_for_several_processes(config)
    return config


def _web(given, app_env):
    """Where to listen, who stands in front, and the cookie (web/headers.py makes it secure where it came by https)."""
    return {
        "HOST": given.get("HOST") or (EVERYWHERE if app_env == "production" else "127.0.0.1"),
        "PORT": _integer(given, "PORT", 5000, lowest=0, highest=HIGHEST_PORT),
        "ASYNC_MODE": _one_of(given, "ASYNC_MODE", ASYNC_MODES),
        "WEB_CONCURRENCY": _integer(given, "WEB_CONCURRENCY", 1, lowest=1, highest=256),
        "STICKY_PROXY": _switch(given, "STICKY_PROXY", False),
        "WORKER_LIFELINE": _integer(given, "WORKER_LIFELINE", 0) or None,  # realtime/supervisor.py sets it
        "TRUSTED_PROXIES": _integer(given, "TRUSTED_PROXIES", 0),
        "CORS_ORIGIN": _origins(given, "CORS_ORIGIN"),
        "STATIC_URL": _static_url(given),
        "MAX_CONTENT_LENGTH": MAX_REQUEST_BYTES,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": False,
    }


def _database(given):
    replicas = [_database_url("DATABASE_REPLICA_URLS", url) for url in _listed(given, "DATABASE_REPLICA_URLS")]
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


def _redis(given):
    """REDIS_URL, REDIS_SENTINELS (host, port pairs) or REDIS_CLUSTER_NODES (likewise); None or [] when not in use."""
    ways = [n for n in ("REDIS_URL", "REDIS_HOST", "REDIS_SENTINELS", "REDIS_CLUSTER_NODES") if n in given]
    if len(ways) > 1:
        raise SettingError(ways[1], f"cannot stand beside {ways[0]}; name Redis in one way")
    port = _integer(given, "REDIS_PORT", 6379, lowest=1, highest=HIGHEST_PORT)
    url = given.get("REDIS_URL")
    if "REDIS_HOST" in given:
        url = f"redis://{given['REDIS_HOST']}:{port}"
    if url:
        _redis_url(ways[0], url)
    if ("REDIS_SENTINELS" in given) != ("REDIS_SENTINEL_SERVICE" in given):
        raise SettingError("REDIS_SENTINEL_SERVICE", "required together with REDIS_SENTINELS")
    return {
        "REDIS_URL": url,
        "REDIS_PASSWORD": given.get("REDIS_PASSWORD"),
        "REDIS_SENTINELS": _nodes(given, "REDIS_SENTINELS", 26379),
        "REDIS_SENTINEL_SERVICE": given.get("REDIS_SENTINEL_SERVICE"),
        "REDIS_CLUSTER_NODES": _nodes(given, "REDIS_CLUSTER_NODES", 6379),
    }


def _redis_url(name, url):
    parts = _address(name, url, ("redis", "rediss"), "redis://host:6379")
    for option, _ in parse_qsl(parts.query, keep_blank_values=True):
        if option not in REDIS_OPTIONS:
            raise SettingError(name, f"after ? may stand only {', '.join(REDIS_OPTIONS)}")
    number = parts.path.strip("/")
    try:
        if number and not number.isdecimal():
            raise ValueError
        ConnectionPool.from_url(url).make_connection()
    except (ValueError, TypeError, RedisError):
        raise SettingError(name, "has a database number or an option that cannot be") from None


def _cache(given, redis):
    """In Redis where one is in use, as JSON; else in this process."""
    cache_ttl = _integer(given, "CACHE_TTL", 3600, lowest=1)
    return {
        "CACHE_TTL": cache_ttl,
        "CACHE_TYPE": "chatapp.json_cache.JsonCache" if any(redis[name] for name in REDIS_WAYS) else "SimpleCache",
        "CACHE_DEFAULT_TIMEOUT": cache_ttl,
        "CACHE_KEY_PREFIX": "",
    }


def _limits(given):
    """Whether limits are counted at all (RATE_LIMITS=off is for trials)."""
    counted = _switch(given, "RATE_LIMITS", True)
    return {
        "RATE_LIMITS": counted,
        "RATELIMIT_ENABLED": counted,
        "RATELIMIT_STORAGE_URI": "chatapp://",  # chatapp/shared_counts.py: in Redis, or here
    }


def _assistant(given):
    names = ("ASSISTANT_BASE_URL", "ASSISTANT_API_KEY", "ASSISTANT_MODEL", "ASSISTANT_SYSTEM_PROMPT")
    if "ASSISTANT_BASE_URL" in given:
        _address("ASSISTANT_BASE_URL", given["ASSISTANT_BASE_URL"], ("http", "https"), "http://localhost:11434/v1")
    if not given.get("ASSISTANT_API_KEY", "").isascii():
        raise SettingError("ASSISTANT_API_KEY", "must be plain ASCII")
    texts = {name: given.get(name, "") for name in names}
    return texts | {"ASSISTANT_HISTORY": _integer(given, "ASSISTANT_HISTORY", 10, lowest=0, highest=200)}


def _require_for_several_processes(config):
    """Processes share what they know through PostgreSQL and Redis; each alone would be a chat of its own."""
    if config["WEB_CONCURRENCY"] == 1:
        return
    if config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        raise SettingError("WEB_CONCURRENCY", "more than 1 needs PostgreSQL; DATABASE_URL names SQLite")
    if not any(config[name] for name in REDIS_WAYS):
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
    if url and not url.startswith("/"):
        _address("STATIC_URL", url, ("http", "https"), "https://cdn.example")
    return url


def _origins(given, name):
    origins = [_origin(name, text) for text in _listed(given, name)]
    if "*" in origins and len(origins) > 1:
        raise SettingError(name, "* stands alone")
    return origins


def _origin(name, text):
    """As a browser spells it: lower case, no default port, nothing after the port."""
    if text == "*":
        return text
    example = "https://chat.example"
    parts = _address(name, text.lower().rstrip("/"), ("http", "https"), example)
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise SettingError(name, f"must be an origin such as {example}, with nothing after it")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default_port = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, default_port) else "")


def _nodes(given, name, default_port):
    nodes = [_address(name, f"tcp://{text}", ("tcp",), "host:port") for text in _listed(given, name)]
    return [(node.hostname, node.port or default_port) for node in nodes]


def _address(name, url, schemes, example):
    """The parts of an address; never repeats a wrong one, as it may hold a password."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and parts.hostname and parts.port != 0 and not any(map(str.isspace, url))
    except ValueError:
        good = False
    if not good:
        raise SettingError(name, f"must be an address such as {example}")
    return parts


def _listed(given, name):
    return [item.strip() for item in given.get(name, "").split(",") if item.strip()]


def _one_of(given, name, allowed, default=None):
    value = given.get(name, default or allowed[0])
    if value not in allowed:
        raise SettingError(name, f"must be one of {', '.join(allowed)}")
    return value


def _integer(given, name, default, lowest=0, highest=None):
    text = given.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < lowest:
        raise SettingError(name, f"must be a whole number from {lowest}")
    if highest is not None and int(text) > highest:
        raise SettingError(name, f"must be at most {highest}")
    return int(text)


def _switch(given, name, default):
    value = given.get(name, "on" if default else "off").lower()
    if value not in YES + NO:
        raise SettingError(name, "must be on or off")
    return value in YES
