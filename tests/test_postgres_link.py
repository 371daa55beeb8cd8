"""Waiting for PostgreSQL: never for ever, and not at all while it is known to be away. (tests/stack has a real one.)"""

import psycopg2
import pytest
from psycopg2 import extensions

from chatapp import postgres_link
from chatapp.postgres_link import DatabaseAway, PostgresLink, until_done

READ, WRITE, DONE = extensions.POLL_READ, extensions.POLL_WRITE, extensions.POLL_OK
REFUSED = psycopg2.OperationalError("connection to server failed: Connection refused")
FULL = psycopg2.OperationalError("connection to server failed: FATAL:  sorry, too many clients already")


class Connection:
    """One that has these states, one after the other; the last one stays."""

    def __init__(self, link, *states, status=extensions.STATUS_READY):
        self.link, self.states, self.status, self.closed = link, list(states), status, False

    def poll(self):
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def fileno(self):
        return 7

    def close(self):
        self.closed = True


class Server:
    """What new connections find: a Connection, or an error to raise."""

    def __init__(self, monkeypatch):
        self.answer, self.asked = REFUSED, 0
        monkeypatch.setattr(postgres_link.psycopg2, "connect", self.connect)
        monkeypatch.setattr(postgres_link.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("127.0.0.1", 0))])

    def connect(self, *_, **options):
        self.asked, self.options = self.asked + 1, options
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def server(monkeypatch):
    return Server(monkeypatch)


@pytest.fixture
def link(server):
    return PostgresLink()


@pytest.fixture
def waits(monkeypatch):
    """The waits asked for; each takes as long as it may. `waits.ready` is what they answer."""

    class Waits(list):
        ready, now = False, 1000.0

        def __call__(self, file, to_write, seconds):
            self.append((file, to_write, seconds))
            self.now += seconds
            return self.ready

    made = Waits()
    monkeypatch.setattr(postgres_link.time, "monotonic", lambda: made.now)
    return made


def opens(link):
    return link.connect(None, None, (), {"host": "here", "options": "-c statement_timeout=5000"})


def test_what_is_there_needs_no_wait(link, waits):
    until_done(Connection(link, DONE), waits)
    assert waits == []
    assert link.heard == 1000.0


def test_it_is_waited_for_in_the_direction_asked(link, waits):
    waits.ready = True
    until_done(Connection(link, WRITE, READ, DONE), waits)
    assert [(file, to_write) for file, to_write, _ in waits] == [(7, True), (7, False)]


def test_a_new_connection_is_given_up_after_its_time(link, waits):
    with pytest.raises(DatabaseAway):
        until_done(Connection(link, READ, status=extensions.STATUS_SETUP), waits)
    assert waits.now == 1000.0 + postgres_link.CONNECT_S + postgres_link.LAST_LOOK_S


def test_a_silent_statement_ends_when_the_server_gives_no_sign(link, server, waits):
    with pytest.raises(DatabaseAway):
        until_done(Connection(link, READ), waits)
    assert link.away
    assert (server.asked, waits.now) == (1, 1000.0 + postgres_link.DOUBT_S)


@pytest.mark.parametrize("sign", [Connection(None, DONE), FULL])
def test_a_slow_statement_goes_on_while_the_server_gives_signs(link, server, waits, sign):
    server.answer = sign
    until_done(Connection(link, *[READ] * 10, DONE), waits)
    assert not link.away
    assert waits.now == pytest.approx(1000.0 + 10 * postgres_link.DOUBT_S)


def test_what_another_statement_heard_is_a_sign_too(link, server, waits):
    link.heard = 1000.0 + 2 * postgres_link.DOUBT_S
    until_done(Connection(link, READ, READ, DONE), waits)
    assert server.asked == 0


def test_not_even_a_living_server_is_waited_for_for_ever(link, server, waits):
    server.answer = Connection(None, DONE)
    with pytest.raises(DatabaseAway):
        until_done(Connection(link, READ), waits)
    assert not link.away  # it lives: only this connection is given up
    assert waits.now <= 1000.0 + postgres_link.SILENCE_S + 2 * postgres_link.DOUBT_S


def test_while_it_is_away_nobody_waits_and_nobody_connects(link, server, waits):
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        opens(link)
    with pytest.raises(DatabaseAway):
        opens(link)
    with pytest.raises(DatabaseAway):
        until_done(Connection(link, READ), waits)
    assert (server.asked, waits) == (1, [])


def test_a_server_that_has_no_room_is_not_away(link, server):
    server.answer = FULL
    for _ in range(2):
        with pytest.raises(psycopg2.OperationalError, match="too many"):
            opens(link)
    assert not link.away


def test_the_probe_finds_it_again_and_tells(link, server):
    told = []
    link.on_return(lambda: told.append("back"))
    with pytest.raises(psycopg2.OperationalError):
        opens(link)
    link.probe()
    assert (link.away, told) == (True, [])
    server.answer = FULL
    link.probe()
    assert link.away
    server.answer = Connection(link, DONE)
    link.probe()
    assert (link.away, told, server.answer.closed) == (False, ["back"], True)
    asked = server.asked
    link.probe()
    assert server.asked == asked


def test_a_serving_connection_holds_no_lock_for_ever(link, server):
    server.answer = Connection(link, DONE)
    assert opens(link) is server.answer
    assert server.options["options"] == "-c statement_timeout=5000 -c idle_in_transaction_session_timeout=10000"
    assert server.options["tcp_user_timeout"] == 2_000


def test_others_connections_are_waited_for_too(waits):
    waits.ready = True
    until_done(Connection(None, READ, DONE), waits)
    assert len(waits) == 1


def test_what_came_while_this_process_stood_still_is_not_taken_for_silence(link, waits):
    opening = Connection(link, WRITE, READ, DONE, status=extensions.STATUS_SETUP)
    waits.ready = True

    def wait(file, to_write, seconds):
        waits.now += 10 * postgres_link.CONNECT_S  # others had the processor
        return waits(file, to_write, seconds)

    until_done(opening, wait)
    assert len(waits) == 2


def test_names_are_looked_up_by_us_and_remembered(link, server, monkeypatch):
    places = [("a", 0, 0, "", ("::1", 0)), ("a", 0, 0, "", ("127.0.0.1", 0))]
    monkeypatch.setattr(postgres_link.socket, "getaddrinfo", lambda *_, **__: places)
    server.answer = "a connection"
    for _ in range(2):
        assert link.connect(None, None, (), {"host": "db.example", "dbname": "chat"}) == "a connection"
        assert (server.options["host"], server.options["hostaddr"]) == ("db.example,db.example", "::1,127.0.0.1")
        monkeypatch.setattr(postgres_link.socket, "getaddrinfo", nobody_knows)  # it is where it was


def nobody_knows(*_, **__):
    raise OSError("Temporary failure in name resolution")


def test_a_name_that_nobody_knows_is_a_database_away(link, monkeypatch):
    monkeypatch.setattr(postgres_link.socket, "getaddrinfo", nobody_knows)
    with pytest.raises(DatabaseAway):
        link.connect(None, None, (), {"host": "db.example"})
    assert link.away


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "/run/postgresql", "one.example,two.example", ""])
def test_what_is_no_name_is_left_to_the_library(link, server, monkeypatch, host):
    monkeypatch.setattr(postgres_link.socket, "getaddrinfo", nobody_knows)
    server.answer = "a connection"
    assert link.connect(None, None, (), {"host": host}) == "a connection"
    assert "hostaddr" not in server.options
