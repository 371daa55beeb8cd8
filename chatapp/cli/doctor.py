"""flask doctor: is everything there that the server needs? What is missing, and what to do about it."""

import resource
from collections.abc import Iterator
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.engine import make_url

from .. import health
from .command import Command

BROWSER_LIBRARY = "vendor/socket.io.esm.min.js"
FILES_WANTED = 4_096  # each connection holds one
DRIFT_MAX_S = 5.0


@click.command("doctor", cls=Command)
@click.pass_context
@with_appcontext
def doctor(ctx: click.Context) -> None:
    """Look whether everything is there; exit code 1 when something is not."""
    problems = 0
    for name, problem, found in findings():
        click.echo(f"{'problem' if problem else 'ok':<8} {name}: {problem or found}")
        problems += problem is not None
    if problems:
        ctx.exit(1)


def findings() -> Iterator[tuple[str, str | None, str]]:
    """(what, what is wrong and what to do or None, what was found) for each part."""
    yield "settings", None, settings()  # a wrong one has stopped this command before it came here
    yield from database()
    yield "redis", *redis()
    yield from replicas()
    yield "browser library", *browser_library()
    yield "open files", *open_files()


def settings() -> str:
    names = ("APP_ENV", "ASYNC_MODE", "HOST", "PORT", "WEB_CONCURRENCY")
    limits = "on" if current_app.config["RATE_LIMITS"] else "off (for trials only)"
    return " ".join(f"{name}={current_app.config[name]}" for name in names) + f" RATE_LIMITS={limits}"


def database() -> Iterator[tuple[str, str | None, str]]:
    address = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"]).render_as_string(hide_password=True)
    if health.database() != "ok":
        yield "database", f"{address} cannot be reached; is it running, and is DATABASE_URL right?", ""
        return
    yield "database", None, address
    has, newest = health.migrations()
    wrong = f"stands at {has or 'nothing'}, wants {newest}; run flask --app chatapp db upgrade"
    yield "migrations", wrong if has != newest else None, f"at {has}"
    drift = health.clock_drift() if has == newest else 0.0
    wrong = f"{drift:+.0f} s apart from the database and what it holds; set this machine's clock (NTP)"
    yield "clock", wrong if abs(drift) > DRIFT_MAX_S else None, "agrees with the database"


def redis() -> tuple[str | None, str]:
    state = health.redis_state()
    if state == "unused":
        return None, "not in use"
    if state != "ok":
        return "cannot be reached; is it running, and is REDIS_URL (or what names it) right?", ""
    wrong = "answers, and stores nothing; is it full (maxmemory), or a read-only copy?"
    return None if health.redis_stores() else wrong, "answers and stores"


def replicas() -> Iterator[tuple[str, str | None, str]]:
    for name, follows, behind in health.followers():
        wrong = None if follows else "is no replica of anything" if follows is False else "does not answer"
        wrong = wrong and f"{wrong}; reads go to the primary; is DATABASE_REPLICA_URLS right?"
        yield f"replica {name}", wrong, f"{behind:,} bytes behind"


def browser_library() -> tuple[str | None, str]:
    path = Path(current_app.static_folder) / BROWSER_LIBRARY
    wrong = f"static/{BROWSER_LIBRARY} is missing, pages cannot connect; make run builds it, elsewhere bin/post_compile"
    return (None if path.is_file() and path.stat().st_size else wrong), f"static/{BROWSER_LIBRARY}"


def open_files() -> tuple[str | None, str]:
    """The hard limit counts: the server raises its own up to it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return None, "no limit"
    wrong = f"at most {most:,}, a connection each; allow {FILES_WANTED:,} or more (ulimit -Hn, LimitNOFILE=)"
    return (wrong if most < FILES_WANTED else None), f"at most {most:,}"
