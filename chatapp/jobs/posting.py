"""Giving work away: to worker processes through Redis, or to threads of this process. Imported through the package."""

from dramatiq import Worker
from flask import current_app

from ..errors import Unavailable
from ..extensions import redis
from . import board, broker

THREADS_HERE = 2


def elsewhere() -> bool:
    """Whether other processes do the work."""
    return redis.in_use and not redis.is_cluster


def post(function, about: str, **arguments) -> str:
    """Have a declared function called with `arguments`; the job's id. `about` is for operators: no secrets.

    Unavailable, within the breaker's patience, when Redis is away: then it was not posted (or, if Redis fell silent in
    this very moment, perhaps it was: a job can bear being done twice).
    """
    made = posting_broker()
    message = made.get_actor(function.__name__).message_with_options(kwargs=arguments, about=about)
    if not elsewhere():
        made.enqueue(message)
        return message.message_id
    if redis.ask(lambda _: made.enqueue(message)) is None:
        raise Unavailable("Redis cannot be reached, so the work cannot be given to a worker.", retry_after=5)
    board.post(message.message_id, function.__name__, about)
    return message.message_id


def posting_broker():
    """Made at the first post of this application; where no other process does the work its threads start with it."""
    app = current_app._get_current_object()
    if "jobs" not in app.extensions:
        if elsewhere():
            app.extensions["jobs"] = broker.redis_broker(app, redis.client)
        else:
            app.extensions["jobs"] = broker.stub_broker(app)
            Worker(app.extensions["jobs"], worker_threads=THREADS_HERE).start()
    return app.extensions["jobs"]
