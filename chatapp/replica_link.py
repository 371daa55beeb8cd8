"""Read replicas: copies of the database that follow it. A read that bears it asks one of them instead of the primary.

Bound like an extension; `history` asks. Nothing is wrong without them, so `ask` never raises: it answers None where
none is in use, or none answers in time, and the caller asks the primary. One that fails is left alone until the ticker
has found it back (`probe`).
"""

import itertools
import threading
from collections.abc import Callable
from typing import TypeVar

import structlog
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from . import metrics

ANSWER_S = 0.25  # of patience with one answer, from connecting to the last row
PLACES = 10  # questions under way at once; as many connections
log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")


class Errand:
    """A question under way, on a thread of its own: a database that is frozen holds that one, never the asker."""

    def __init__(self):
        self.over = threading.Event()
        self.answer, self.error = None, None


class Replica:
    """One of them. `away`: it did not answer, and is not asked until it does again."""

    def __init__(self, url: str, options: dict):
        self.engine = create_engine(url, **options)
        self.name = f"{self.engine.url.host}:{self.engine.url.port or 5432}"
        self.places = threading.BoundedSemaphore(PLACES)
        self.away = False

    def ask(self, question: Callable[[Session], Answer]) -> tuple[str, Answer | None]:
        """How it went ("answered", "busy", "away") and the answer, within ANSWER_S."""
        if not self.places.acquire(blocking=False):
            return "busy", None
        errand = Errand()
        threading.Thread(target=self.run, args=(question, errand), daemon=True).start()
        if not errand.over.wait(ANSWER_S):
            return self.note_away("silent")
        if errand.error is not None:
            return self.note_away(type(errand.error).__name__)
        return "answered", errand.answer

    def run(self, question: Callable[[Session], Answer], errand: Errand) -> None:
        try:
            with Session(self.engine, autoflush=False) as session:
                errand.answer = question(session)
        except Exception as error:
            errand.error = error
        finally:
            self.places.release()
            errand.over.set()

    def note_away(self, reason: str) -> tuple[str, None]:
        if not self.away:
            self.away = True
            log.warning("replica_away", replica=self.name, reason=reason)
        return "away", None

    def probe(self) -> bool:
        """Whether it answers now, whatever was known."""
        how, _ = self.ask(lambda session: session.execute(text("SELECT 1")).all())
        if how == "answered" and self.away:
            self.away = False
            log.info("replica_back", replica=self.name)
        return how != "away"


class Replicas:
    """Unbound until `init_app`."""

    def __init__(self):
        self.all: list[Replica] = []
        self._turn = itertools.count()

    def init_app(self, app: Flask) -> None:
        options = app.config["DATABASE_REPLICA_OPTIONS"]
        self.all = [Replica(url, options) for url in app.config["DATABASE_REPLICA_URLS"]]

    def ask(self, question: Callable[[Session], Answer | None]) -> Answer | None:
        """What `question` answers on a replica, each in its turn: in one snapshot, and in rows that were loaded whole.
        It answers None itself where the replica is behind.
        """
        ready = [one for one in self.all if not one.away]
        if not ready:
            return None
        how, answer = ready[next(self._turn) % len(ready)].ask(question)
        if how == "answered" and answer is None:
            how = "behind"
        metrics.REPLICA_READS.labels(how).inc()
        return answer

    def probe(self) -> None:
        """Look which are there. Called by the ticker."""
        for one in self.all:
            one.probe()

    def state(self) -> str:
        """As last seen: "unused", or how many answer, such as "1 of 2"."""
        here = sum(not one.away for one in self.all)
        return f"{here} of {len(self.all)}" if self.all else "unused"
