"""Things to do again and again in a serving process. The wiring names them; the server starts them."""

from collections.abc import Callable

import structlog
from flask import Flask

from ..extensions import socketio

log = structlog.get_logger(__name__)
_jobs: dict[Callable[[], object], float] = {}
_on_call: set[Callable[[], object]] = set()
_hurried: dict[Callable[[], object], bool] = {}  # those at work because of a call → whether another call came meanwhile
_serving: list[Flask] = []
_failing: dict[Callable[[], object], type] = {}  # what went wrong in a job's last turn


def every(seconds: float, job: Callable[[], object], *, on_call: bool = False) -> None:
    """Have `job` called again and again (in an application context of its own), with `seconds` of pause between.
    `on_call`: and at once when another process says that there is something to do."""
    _jobs[job] = seconds
    if on_call:
        _on_call.add(job)


def start(app: Flask) -> None:
    """Begin, each job on its own: one that waits for the database or for Redis holds up no other. Called once, by the
    process that serves.
    """
    _serving[:] = [app]
    for job, seconds in _jobs.items():
        socketio.start_background_task(run, app, job, seconds)


def runs() -> bool:
    """Whether this is a process that serves."""
    return bool(_serving)


def run(app: Flask, job: Callable[[], object], seconds: float) -> None:
    while True:
        attempt(app, job)
        socketio.sleep(seconds)


def call() -> None:
    """Have those done now that are on call. Never waits; many calls at once are worked off together."""
    for job in _on_call if runs() else ():
        if job in _hurried:
            _hurried[job] = True
        else:
            _hurried[job] = False
            socketio.start_background_task(hurry, _serving[0], job)


def hurry(app: Flask, job: Callable[[], object]) -> None:
    try:
        again = True
        while again:
            _hurried[job] = False
            attempt(app, job)
            again = _hurried[job]
    finally:
        del _hurried[job]


def attempt(app: Flask, job: Callable[[], object]) -> None:
    """One turn of one job. What goes wrong (the database is away) is logged when it begins; the next turn comes."""
    try:
        with app.app_context():
            job()
        _failing.pop(job, None)
    except Exception as error:
        if _failing.get(job) is not type(error):
            _failing[job] = type(error)
            log.warning("ticker_job_failed", job=f"{job.__module__}.{job.__name__}", error=type(error).__name__)
