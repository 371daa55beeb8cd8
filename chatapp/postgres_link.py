"""Never hanging on PostgreSQL: how a serving process waits for it, and the breaker while it is away.

psycopg2 hands every wait to us, so the loop goes on meanwhile, and a server that accepts and never answers (libpq's own
timeouts do nothing then) is given up in less than 2 s. From there on everything that needs it fails at once, until the
ticker (`probe`) has found it again. Commands wait by libpq's own means: they never call `serve`.
"""

import re
import socket
import threading
import time
from collections.abc import Callable

import psycopg2
import structlog
from psycopg2 import extensions
from sqlalchemy import Engine, event

from . import metrics

CONNECT_S = 1.0  # of patience with a new connection
LAST_LOOK_S = 0.05  # after it: what came while this process itself stood still is not the server's silence
DOUBT_S = 0.4  # of silence in a statement until the server is asked for a sign of life: a new connection
SILENCE_S = 6.0  # the longest silence in a statement: the server itself ends one after STATEMENT_TIMEOUT_MS (config.py)
# How the connections of a serving process differ from those of a command. A process that stands still in the middle of
# a transaction does not keep a room's lock for ever; a connection that the network forgot ends by itself.
IDLE_IN_TRANSACTION_MS = 10_000
KEPT_ALIVE = {"tcp_user_timeout": 2_000, "keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3}
NAME = re.compile(r"[\w.-]*[a-z_][\w.-]*", re.ASCII | re.IGNORECASE)  # of one host; no address, no path, no list
AT_WORK = (extensions.STATUS_READY, extensions.STATUS_BEGIN, extensions.STATUS_PREPARED)
Wait = Callable[[int, bool, float], bool]  # (file, to write, seconds at most) → whether it is ready
log = structlog.get_logger(__name__)


class DatabaseAway(psycopg2.OperationalError):
    """It gave no answer, or gave none a moment ago."""


class PostgresLink:
    """One server, whoever connects to it. `away` is False for ever where `serve` was not called."""

    def __init__(self):
        self.away = False
        self.heard = 0.0  # when something last came from it (monotonic seconds)
        self._on_return: list[Callable[[], object]] = []
        self._asking = threading.Lock()
        self._places: list[str] = []  # addresses
        self._address: tuple[tuple, dict] = ((), {})
        self._connection = type("Connection", (extensions.connection,), {"link": self})

    def serve(self, engine: Engine, wait: Wait) -> None:
        """From here on the connections of `engine` wait by `wait`, and none of them for ever."""
        extensions.set_wait_callback(lambda connection: until_done(connection, wait))
        event.listen(engine, "do_connect", self.connect)

    def on_return(self, act: Callable[[], object]) -> None:
        """Have `act` called each time the server is back."""
        self._on_return.append(act)

    def connect(self, _dialect, _record, arguments: tuple, named: dict):
        """A new connection for the pool; at once refused while the server is away."""
        if self.away:
            raise DatabaseAway("the database is away")
        options = f"{named.get('options', '')} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"
        self._address = arguments, named | KEPT_ALIVE | {"options": options, "connection_factory": self._connection}
        try:
            return self.opened()
        except psycopg2.OperationalError as error:
            if not is_answer(error):
                self.note_away(error)
            raise

    def opened(self):
        arguments, named = self._address
        return psycopg2.connect(*arguments, **named | self.found(named.get("host") or ""))

    def found(self, host: str) -> dict:
        """Where a host of that name is: looked up by us, as libpq's own look-up stops everybody in this process. While
        no name can be looked up it is where it was last.
        """
        if not NAME.fullmatch(host):
            return {}
        try:
            infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            self._places = list(dict.fromkeys(info[4][0] for info in infos))
        except OSError:
            if not self._places:
                raise DatabaseAway("its name is not known") from None
        return {"host": ",".join([host] * len(self._places)), "hostaddr": ",".join(self._places)}

    def gives_a_sign(self) -> bool:
        """Whether the server lives, though a statement has waited long. One asks for all who doubt."""
        with self._asking:
            if not self.away and time.monotonic() - self.heard > DOUBT_S:
                try:
                    self.opened().close()
                except psycopg2.OperationalError as error:
                    if not is_answer(error):
                        self.note_away(error)
            return not self.away

    def note_away(self, error: Exception) -> None:
        if not self.away:
            self.away = True
            metrics.DATABASE_UP.set(0)
            log.error("database_away", error=type(error).__name__)

    def probe(self) -> None:
        """Look whether the server is back. Called by the ticker."""
        if not self.away:
            return
        try:
            self.opened().close()
        except psycopg2.OperationalError:
            return
        self.away = False
        metrics.DATABASE_UP.set(1)
        log.info("database_back")
        for act in self._on_return:
            act()


def is_answer(error: psycopg2.OperationalError) -> bool:
    """Whether the server itself turned us down (too many connections, starting up): then it is there."""
    return "FATAL:" in str(error)


def until_done(connection, wait: Wait) -> None:
    """Wait until psycopg2 has what it asked for. What is raised here makes it close the connection for good."""
    link = getattr(connection, "link", None)
    if connection.status in AT_WORK and link is not None:
        until_answered(connection, link, wait)
        link.heard = time.monotonic()
    else:
        until_connected(connection, wait)


def until_connected(connection, wait: Wait) -> None:
    deadline = time.monotonic() + CONNECT_S
    while (state := connection.poll()) != extensions.POLL_OK:
        left = deadline - time.monotonic()
        came = wait(connection.fileno(), state == extensions.POLL_WRITE, max(left, LAST_LOOK_S))
        if left <= 0 and not came:
            raise DatabaseAway("no connection in time")


def until_answered(connection, link: PostgresLink, wait: Wait) -> None:
    """However long the statement takes, as long as the server gives signs of life."""
    if link.away:
        raise DatabaseAway("the database is away")
    heard = time.monotonic()
    while (state := connection.poll()) != extensions.POLL_OK:
        if wait(connection.fileno(), state == extensions.POLL_WRITE, DOUBT_S):
            heard = time.monotonic()
        elif time.monotonic() - heard > SILENCE_S or not link.gives_a_sign():
            raise DatabaseAway("no answer in time")
