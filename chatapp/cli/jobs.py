"""flask jobs: do work that was posted, see how far it is, and what became of it."""

from datetime import UTC, datetime

import click
from flask import current_app

from .. import jobs, wire
from ..errors import Invalid, NotFound, Unavailable
from ..extensions import redis
from ..jobs import board, letters, working
from .command import Group, tell
from .listing import as_json, show

group = Group("jobs", help="Work outside requests, such as rooms export --later.")
HERE = "Without a Redis (and with a cluster of them) work is done where it is asked for; nothing is queued."


@group.command("work")
def work() -> None:
    """Do jobs until SIGTERM: the process of the Procfile's `worker` line. As many of them as wanted may run."""
    if not jobs.elsewhere():
        raise Invalid(HERE)
    working.work(current_app._get_current_object())


@group.command("list")
@as_json
def list_(as_json: bool) -> None:
    """Jobs of the last time, oldest first, and how far each is."""
    require_redis()
    show([shown(one, as_json) for one in board.everything()], as_json)


@group.command("dead")
@as_json
def dead(as_json: bool) -> None:
    """Jobs that were given up: after eight tries, or at once where there was no hope. They are kept for a week."""
    require_redis()
    ids = {message.message_id for message in letters.dead().values()}
    show([shown(one, as_json) for one in board.everything() if one["id"] in ids], as_json)


@group.command("retry")
@click.argument("ids", nargs=-1, metavar="[ID]...")
def retry(ids: tuple[str, ...]) -> None:
    """Queue dead jobs again: those named, or all."""
    tell(f"{sum(letters.retry(*one) for one in chosen(ids))} queued again.")


@group.command("clear")
@click.argument("ids", nargs=-1, metavar="[ID]...")
def clear(ids: tuple[str, ...]) -> None:
    """Forget dead jobs: those named, or all."""
    tell(f"{sum(letters.clear(*one) for one in chosen(ids))} forgotten.")


def chosen(ids: tuple[str, ...]) -> list:
    require_redis()
    found = [(name, message) for name, message in letters.dead().items() if not ids or message.message_id in ids]
    missing = set(ids) - {message.message_id for _, message in found}
    if missing:
        raise NotFound(f"Not among the dead jobs: {', '.join(sorted(missing))}")
    return found


def require_redis() -> None:
    if not jobs.elsewhere():
        raise Invalid(HERE)
    if not redis.answers():
        raise Unavailable("Redis cannot be reached.")


def shown(state: dict, whole: bool) -> dict:
    """A row of the list; for programs with all that is known."""
    times = {name: moment(state[name]) for name in ("postedAt", "startedAt", "endedAt")}
    far = {"done": state["done"], "total": state["total"], "attempts": state["attempts"], "error": state.get("error")}
    head = {name: state[name] for name in ("id", "kind", "about", "status")}
    return head | far | (times if whole else {"postedAt": times["postedAt"]})


def moment(seconds: float | None) -> str | None:
    return None if seconds is None else wire.moment(datetime.fromtimestamp(seconds, UTC))
