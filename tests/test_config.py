"""The settings: what is assumed, what is understood, and that each wrong value is named in one line."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import config
from chatapp import web
from chatapp.settings import redis_settings
from config import SettingError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def instance(tmp_path, monkeypatch):
    """A place for what is kept, other than this machine's own."""
    monkeypatch.setattr(config, "INSTANCE", tmp_path / "instance")
    return tmp_path / "instance"


def load(**environ):
    return config.load({"SECRET_KEY": "hush", **environ})


def test_nothing_set_is_production_on_sqlite_for_everybody_to_reach(instance):
    got = load()
    assert (got["APP_ENV"], got["HOST"], got["PORT"], got["ASYNC_MODE"]) == ("production", "0.0.0.0", 5000, "eventlet")
    assert got["SQLALCHEMY_DATABASE_URI"] == f"sqlite:///{instance / 'chatapp.sqlite3'}"
    assert (got["WEB_CONCURRENCY"], got["TRUSTED_PROXIES"], got["STICKY_PROXY"]) == (1, 0, False)
    assert (got["CORS_ORIGIN"], got["STATIC_URL"], got["REDIS_URL"]) == ([], "", None)
    assert (got["RATE_LIMITS"], got["RATELIMIT_ENABLED"], got["LOG_LEVEL"]) == (True, True, "INFO")
    assert (got["CACHE_TTL"], got["CACHE_DEFAULT_TIMEOUT"], got["CACHE_KEY_PREFIX"]) == (3600, 3600, "")
    assert (got["SESSION_COOKIE_HTTPONLY"], got["SESSION_COOKIE_SAMESITE"]) == (True, "Lax")
    assert got["MAX_CONTENT_LENGTH"] == 131_072
    assert got["TESTING"] is False


def test_development_is_for_this_machine_only():
    assert load(APP_ENV="development")["HOST"] == "127.0.0.1"


def test_an_empty_value_is_no_value():
    assert load(PORT="", CORS_ORIGIN=" ", REDIS_URL="")["PORT"] == 5000


def test_a_secret_key_is_required_outside_development():
    for environ in ({"APP_ENV": "production"}, {}):
        with pytest.raises(SettingError, match=r"^SECRET_KEY: required outside development$"):
            config.load(environ)


def test_in_development_a_secret_key_is_made_once_and_kept_from_others(instance):
    first = config.load({"APP_ENV": "development"})["SECRET_KEY"]
    assert len(first) == 64
    assert config.load({"APP_ENV": "development"})["SECRET_KEY"] == first
    assert stat.S_IMODE((instance / "secret_key").stat().st_mode) == 0o600


def test_an_emptied_secret_key_is_not_taken(instance):
    config.load({"APP_ENV": "development"})
    (instance / "secret_key").write_text("\n")
    with pytest.raises(SettingError, match="SECRET_KEY: instance/secret_key is empty"):
        config.load({"APP_ENV": "development"})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_each_way_to_write_postgresql_means_the_same_driver(scheme):
    got = load(DATABASE_URL=f"{scheme}://ana:p%40ss@db.example:5433/chat?sslmode=require")
    assert got["SQLALCHEMY_DATABASE_URI"] == ("postgresql+psycopg2://ana:p%40ss@db.example:5433/chat?sslmode=require")
    options = got["SQLALCHEMY_ENGINE_OPTIONS"]
    assert options["pool_pre_ping"] is True
    assert options["hide_parameters"] is True
    assert options["connect_args"]["options"] == "-c statement_timeout=5000"


def test_sqlite_waits_a_second_at_most_and_hides_what_was_written():
    options = load(DATABASE_URL="sqlite:///chat.sqlite3")["SQLALCHEMY_ENGINE_OPTIONS"]
    assert options["connect_args"] == {"timeout": 1}
    assert options["hide_parameters"] is True
    assert "pool_size" in options


def test_sqlite_in_memory_has_no_pool():
    assert "pool_size" not in load(DATABASE_URL="sqlite://")["SQLALCHEMY_ENGINE_OPTIONS"]


def test_origins_are_spelled_as_browsers_spell_them():
    written = "HTTPS://Chat.Example:443/, http://localhost:3000 ,http://[::1]:80,http://10.0.0.1:8080"
    assert load(CORS_ORIGIN=written)["CORS_ORIGIN"] == [
        "https://chat.example",
        "http://localhost:3000",
        "http://[::1]",
        "http://10.0.0.1:8080",
    ]
    assert load(CORS_ORIGIN="*")["CORS_ORIGIN"] == ["*"]


@pytest.mark.parametrize(
    ("written", "understood"),
    [("1", True), ("on", True), ("YES", True), ("0", False), ("off", False), ("False", False)],
)
def test_switches(written, understood):
    assert load(RATE_LIMITS=written)["RATE_LIMITS"] is understood
    assert load(STICKY_PROXY=written)["STICKY_PROXY"] is understood


def test_the_static_files_may_be_anywhere():
    assert load(STATIC_URL="https://cdn.example/chat/")["STATIC_URL"] == "https://cdn.example/chat"
    assert load(STATIC_URL="/assets")["STATIC_URL"] == "/assets"


def test_the_assistant_is_told_as_it_is_written():
    assert load(ASSISTANT_MODEL="some-model")["ASSISTANT_MODEL"] == "some-model"
    assert load()["ASSISTANT_API_KEY"] == ""


WRONG = {
    "APP_ENV": ["staging", "Production"],
    "ASYNC_MODE": ["asyncio"],
    "LOG_LEVEL": ["loud"],
    "PORT": ["http", "-1", "65536", "05000", "5000.0", "٣", "9" * 30],
    "CACHE_TTL": ["0", "1h"],
    "TRUSTED_PROXIES": ["-1", "all"],
    "WEB_CONCURRENCY": ["0", "2", "many"],
    "RATE_LIMITS": ["maybe"],
    "STICKY_PROXY": ["2"],
    "DATABASE_URL": ["chat.sqlite3", "mysql://host/chat", "postgresql://host:port/chat", "sqlite+pysqlcipher:///x"],
    "DATABASE_REPLICA_URLS": ["mysql://host/chat", "sqlite:///chat.sqlite3"],
    "CORS_ORIGIN": [
        "chat.example",
        "ftp://chat.example",
        "https://chat.example/path",
        "https://chat.example?q",
        "https://ana@chat.example",
        "https://chat.example:99999",
        "https://[::1",
        "https://",
        "*,https://chat.example",
        "null",
    ],
    "STATIC_URL": ["cdn.example", "javascript:alert(1)", "//cdn.example/chat"],
    "REDIS_URL": [
        "localhost:6379",
        "http://localhost",
        "redis://",
        "redis://host/first",
        "redis://host/0?db=x",
        "redis://host?ssl_cert_reqs=none",
        "rediss://host?ssl_cert_reqs=perhaps",
        "redis://host?socket_timeout=60",
        "redis://host?decode_responses=true",
    ],
    "ASSISTANT_BASE_URL": ["localhost:11434/v1", "ftp://models.example", "http://"],
    "ASSISTANT_API_KEY": ["clé"],
    "REDIS_HOST": ["local host"],
    "REDIS_PORT": ["0", "redis"],
    "REDIS_CLUSTER_NODES": ["a:b"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_named_in_one_line(name, value):
    with pytest.raises(SettingError) as caught:
        load(**{name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_redis_is_named_in_one_way():
    with pytest.raises(SettingError, match="REDIS_HOST: cannot stand beside REDIS_URL"):
        load(REDIS_URL="redis://one", REDIS_HOST="two")


@pytest.mark.parametrize("url", ["redis://host/2", "redis://host?db=2", "rediss://:pass@host:6380/?ssl_cert_reqs=none"])
def test_what_else_the_address_of_redis_may_say(url):
    assert load(REDIS_URL=url)["REDIS_URL"] == url


def test_sentinels_need_the_name_of_their_service_and_the_reverse():
    for alone in ({"REDIS_SENTINELS": "one:26379"}, {"REDIS_SENTINEL_SERVICE": "main"}):
        with pytest.raises(SettingError, match="REDIS_SENTINEL_SERVICE: required together with REDIS_SENTINELS"):
            load(**alone)


def test_sentinels_are_host_and_port():
    given = {"REDIS_SENTINELS": "one, two:5000", "REDIS_SENTINEL_SERVICE": "main"}
    assert redis_settings.load(given)["REDIS_SENTINELS"] == [("one", 26379), ("two", 5000)]


def test_several_processes_need_postgresql_and_redis():
    shared = {"DATABASE_URL": "postgresql://host/chat", "WEB_CONCURRENCY": "2"}
    with pytest.raises(SettingError, match="WEB_CONCURRENCY: more than 1 needs PostgreSQL"):
        load(WEB_CONCURRENCY="2", REDIS_URL="redis://host")
    with pytest.raises(SettingError, match="WEB_CONCURRENCY: more than 1 needs Redis"):
        load(**shared)
    assert load(**shared, REDIS_CLUSTER_NODES="one,two")["WEB_CONCURRENCY"] == 2


@pytest.mark.parametrize(
    ("environ", "processes"),
    [
        ({}, "1"),
        ({"DATABASE_URL": "postgres://host/chat"}, "1"),
        ({"REDIS_URL": "redis://host"}, "1"),
        ({"DATABASE_URL": "sqlite:///chat.sqlite3", "REDIS_URL": "redis://host"}, "1"),
        ({"DATABASE_URL": "postgres://host/chat", "REDIS_URL": "rediss://host"}, ""),
        ({"DATABASE_URL": "postgresql://host/chat", "REDIS_URL": "redis://host"}, ""),
        ({"WEB_CONCURRENCY": "4"}, "4"),
    ],
)
def test_a_host_may_choose_several_processes_only_where_they_work(environ, processes):
    """What the host finds; the empty one it fills in by itself."""
    command = ["sh", "-euc", '. bin/processes.sh; echo "${WEB_CONCURRENCY:-}"']
    bare = {"PATH": os.environ["PATH"], **environ}
    assert subprocess.check_output(command, cwd=ROOT, env=bare, text=True).strip() == processes


def test_behind_a_sticky_proxy_each_process_has_a_port():
    several = {"DATABASE_URL": "postgresql://host/chat", "REDIS_URL": "redis://host", "STICKY_PROXY": "1"}
    assert load(**several, WEB_CONCURRENCY="3", PORT="65533")["PORT"] == 65_533
    with pytest.raises(SettingError, match="PORT: must be at most 65533 with STICKY_PROXY and 3 processes"):
        load(**several, WEB_CONCURRENCY="3", PORT="65534")
    with pytest.raises(SettingError, match="PORT: cannot be 0 with STICKY_PROXY"):
        load(**several, WEB_CONCURRENCY="3", PORT="0")
    assert load(**several, WEB_CONCURRENCY="3", PORT="65535", WORKER_LIFELINE="7")["PORT"] == 65_535  # the last of them
    assert load(STICKY_PROXY="1", PORT="0")["PORT"] == 0


def test_long_polling_needs_one_process_or_a_sticky_proxy():
    several = {"DATABASE_URL": "postgresql://host/chat", "REDIS_URL": "redis://host", "WEB_CONCURRENCY": "2"}

    def transports(**environ):
        return web.transports(SimpleNamespace(config=load(**environ)))

    assert transports(**several) == ["websocket"]
    assert transports(**several, STICKY_PROXY="1") == transports() == ["websocket", "polling"]


def test_a_wrong_address_is_not_repeated_as_it_may_hold_a_password():
    for name in ("DATABASE_URL", "REDIS_URL"):
        with pytest.raises(SettingError) as caught:
            load(**{name: "nonsense://ana:hush-hush@host"})
        assert "hush-hush" not in str(caught.value)


def in_a_bare_environment(code, tmp_path):
    command = [sys.executable, "-c", f"from chatapp import create_app\n{code}"]
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False, timeout=60)


def test_an_embedder_needs_no_environment(tmp_path):
    done = in_a_bare_environment(
        """
from chatapp.extensions import db
app = create_app({"SECRET_KEY": "x", "SQLALCHEMY_DATABASE_URI": "sqlite:///:memory:"})
with app.app_context():
    db.create_all()
    print(db.engine.url.database, app.config["SECRET_KEY"], app.config["APP_ENV"], app.test_client().get("/readyz").json["database"])
tested = create_app({"TESTING": True, "SQLALCHEMY_DATABASE_URI": "sqlite:///:memory:"})
print(len(tested.config["SECRET_KEY"]), tested.config["APP_ENV"], tested.test_client().get("/healthz").json["status"])
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if not line.startswith("{")]  # which is the access log
    assert told == [":memory: x production ok", "64 test ok"]


def test_an_embedder_without_a_secret_key_is_told_so(tmp_path):
    code = """
from config import SettingError
for given in (None, {}, {"TESTING": False}, {"SQLALCHEMY_DATABASE_URI": "sqlite:///:memory:"}):
    try:
        create_app(given)
    except SettingError as error:
        print(error)
"""
    done = in_a_bare_environment(code, tmp_path)
    assert done.stdout.splitlines() == ["SECRET_KEY: required outside development"] * 4, done.stderr
