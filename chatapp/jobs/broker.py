"""dramatiq, set up: the queue, what is tried again and when, and the bookkeeping around each job. For this package."""

import time

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import Retry
from dramatiq.middleware import CurrentMessage, Middleware, Retries
from flask import Flask

from .. import metrics
from ..errors import Conflict, Forbidden, Invalid, NotFound
from ..extensions import redis
from . import board
from .declared import DECLARED, Declared, Gone, Progress

QUEUE = "work"
RETRIES_MAX = 8  # about 4 to 8 minutes with these pauses
PAUSE_MIN_MS, PAUSE_MAX_MS = 1_000, 300_000
BEGUN_MAX = 20  # a job that takes its worker down each time is not given out for ever
HOPELESS = (Gone, Invalid, NotFound, Forbidden, Conflict)
HEARTBEAT_MS = 15_000  # a worker that is silent so long is dead, and what it had is given to another
LOOK_ALWAYS = 1_000_000  # for dead workers at every poll; dramatiq's own habit is one poll in a thousand
log = structlog.get_logger(__name__)


def redis_broker(app: Flask, client):
    made = RedisBroker(
        client=client,
        middleware=middleware(),
        namespace=board.PREFIX,
        heartbeat_timeout=HEARTBEAT_MS,
        maintenance_chance=LOOK_ALWAYS,
    )
    return with_actors(app, made)


def stub_broker(app: Flask):
    return with_actors(app, StubBroker(middleware=middleware()))


def middleware() -> list[Middleware]:
    """What comes first here hears last how a job ended. (No TimeLimit and no ShutdownNotifications: they raise in the
    middle of anything. `Progress` ends a job where it can bear it.)"""
    retries = KeptRetries(retry_when=worth_another, min_backoff=PAUSE_MIN_MS, max_backoff=PAUSE_MAX_MS)
    return [Bookkeeping(), CurrentMessage(), retries]


def worth_another(retries: int, error: BaseException) -> bool:
    return isinstance(error, Retry) or (retries < RETRIES_MAX and not isinstance(error, HOPELESS))


def with_actors(app: Flask, made):
    for one in DECLARED.values():
        options = {"actor_name": one.name, "queue_name": QUEUE, "priority": 0, "options": {}}
        dramatiq.Actor(in_context(app, one), broker=made, **options)
    return made


def in_context(app: Flask, declared: Declared):
    """The job's function with the application around it: its database session ends with it."""

    def perform(**arguments) -> None:
        message = CurrentMessage.get_current_message()
        job_id = message.message_id
        with app.app_context():
            if board.begin(job_id, declared.name, message.options.get("about", "")) > BEGUN_MAX:
                raise Gone
            tell = lambda done, total: board.change(job_id, done=done, total=total)  # noqa: E731
            declared.function(Progress(declared.minutes, tell), **arguments)

    return perform


class KeptRetries(Retries):
    """Upstream forgets a job whose next try cannot be queued (Redis away): here it becomes a dead letter."""

    def after_process_message(self, broker, message, *, result=None, exception=None):
        try:
            super().after_process_message(broker, message, result=result, exception=exception)
        except Exception:
            message.fail()


class Bookkeeping(Middleware):
    """Notes and counts how each job ended."""

    def after_process_message(self, broker, message, *, result=None, exception=None):
        now = time.time()
        if exception is None:
            state = board.change(message.message_id, status="done", endedAt=now)
            board.change(message.message_id, done=state["total"] or state["done"])
            ended("done")
        elif not message.failed:
            board.change(message.message_id, status="waiting", error=type(exception).__name__)
        else:
            board.change(message.message_id, status="dead", endedAt=now, error=type(exception).__name__)
            log.error("job_failed", job=message.message_id, kind=message.actor_name, error=type(exception).__name__)
            ended("failed")


def ended(outcome: str) -> None:
    board.count(outcome)
    if not redis.in_use:  # with Redis the figures of all processes are read from there
        metrics.JOBS.labels(outcome).inc()
