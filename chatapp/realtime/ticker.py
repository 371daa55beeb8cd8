"""Things to do again and again in a serving process. The wiring names them; the server starts them."""

import time
from collections.abc import Callable

import structlog
from flask import Flask

from ..extensions import socketio

TICK = 0.1  # seconds: the finest step
log = structlog.get_logger(__name__)
_jobs: dict[Callable[[], object], float] = {}


def every(seconds: float, job: Callable[[], object]) -> None:
    """Have `job` called about every `seconds` (in an application context of its own)."""
    _jobs[job] = seconds


def start(app: Flask) -> None:
    """Begin. Called once, by the process that serves."""
    socketio.start_background_task(run, app)


def run(app: Flask) -> None:
    due = dict.fromkeys(_jobs, 0.0)
    while True:
        for job, seconds in _jobs.items():
            if time.monotonic() >= due[job]:
                due[job] = time.monotonic() + seconds
                attempt(app, job)
        socketio.sleep(TICK)


def attempt(app: Flask, job: Callable[[], object]) -> None:
    """One turn of one job: whatever goes wrong (the database away) is logged, and the next turn comes."""
    try:
        with app.app_context():
            job()
    except Exception as error:
        log.warning("ticker_job_failed", job=f"{job.__module__}.{job.__name__}", error=type(error).__name__)
