"""The worker process: does jobs until it is asked to stop. For the command `flask jobs work`."""

import signal
import threading

import structlog
from dramatiq import Worker
from flask import Flask

from ..extensions import redis
from ..redis_client import client_for
from . import broker
from .declared import stopping

THREADS = 4
GRACE_MS = 20_000  # hosts kill a process 30 s after they asked it to stop
PATIENCE_S = 60  # with one answer of Redis: what it had given us meanwhile would be nobody's until this worker ends
LOOK_EVERY_S = 0.5
log = structlog.get_logger(__name__)


def work(app: Flask) -> None:
    """Do jobs until SIGTERM or SIGINT. What is under way then goes back to the queue at its next step, for the next
    worker; what takes no step is left, and given out anew when this process has been silent for a while."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    made = broker.redis_broker(app, client_for(app.config, patience=PATIENCE_S))
    worker = Worker(made, worker_threads=THREADS)
    worker.start()
    log.info("worker_ready", threads=THREADS)
    while not asked.wait(LOOK_EVERY_S):
        redis.probe()
    log.info("worker_stopping")
    stopping.set()
    worker.stop(timeout=GRACE_MS)
    log.info("worker_stopped")
