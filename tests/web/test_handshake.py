"""Who may open a socket: the real Engine.IO handshake over long polling, from our own pages, from others', from none."""

import json

import pytest
from sqlalchemy.exc import OperationalError

from chatapp import create_app, database, devices
from chatapp.extensions import socketio
from chatapp.realtime import connections, strangers, ticker
from chatapp.web import sockets
from tests.cast import outside

OWN = {"Origin": "http://localhost"}
FOREIGN = {"Origin": "https://evil.example"}
NAMED = {"Origin": "https://partner.example"}
OPEN = "/socket.io/?EIO=4&transport=polling"


class Polling:
    """One long-polling connection as a browser makes it, headers and all."""

    def __init__(self, app, client=None, headers=None, address=""):
        self.client, self.headers = client or app.test_client(), headers or {}
        self.opened = outside(self.client.get, OPEN + address, headers=self.headers)
        if self.opened.status_code == 200:
            self.sid = json.loads(self.opened.text[1:])["sid"]
            self.path = f"{OPEN}&sid={self.sid}"

    def enters(self, proof=None, namespace="/chat"):
        """Enters the namespace and goes; True, or the refusal."""
        kind, _, body = self.asks_in(proof, namespace).partition(f"{namespace},")
        self.goes()
        return kind == "40" or json.loads(body)["data"]

    def asks_in(self, proof=None, namespace="/chat"):
        """Asks to enter the namespace and stays; the answer."""
        packet = f"40{namespace}," + (json.dumps(proof) if proof is not None else "")
        assert outside(self.client.post, self.path, data=packet, headers=self.headers).text == "OK"
        return outside(self.client.get, self.path, headers=self.headers).text

    def goes(self):
        outside(self.client.post, self.path, data="1", headers=self.headers)

    @property
    def is_open(self):
        connection = socketio.server.eio.sockets.get(self.sid)
        return connection is not None and not connection.closed


@pytest.fixture
def opens(app):
    return lambda client=None, headers=None, address="": Polling(app, client, headers, address)


@pytest.fixture
def named_origin(app, monkeypatch):
    monkeypatch.setitem(app.config, "CORS_ORIGIN", [NAMED["Origin"]])


def test_a_signed_in_page_of_ours_comes_in(opens, ana):
    assert opens(ana.opens_a_browser().client, OWN).enters() is True


def test_a_page_that_was_made_for_somebody_else_comes_in_no_more(opens, ana, ben):
    client = ana.opens_a_browser().client
    assert opens(client, OWN, f"&person={ana.id}").enters() is True
    for other in (ben.id, "", "x", f"{ana.id} "):
        assert opens(client, OWN, f"&person={other}").enters()["code"] == "unauthorized"
    assert opens(address=f"&person={ben.id}").enters({"token": ana.token}) is True, "a token says who"


def test_a_program_comes_in_by_its_token_without_an_origin(opens, ana):
    assert opens().enters({"token": ana.token}) is True


def test_a_foreign_page_is_refused_before_anything_is_looked_at(opens, ana):
    refused = opens(ana.opens_a_browser().client, FOREIGN).opened
    assert refused.status_code == 400 and "sid" not in refused.text
    assert opens(None, FOREIGN).opened.status_code == 400


@pytest.mark.parametrize(
    "origin",
    ["null", "http://localhost.evil.example", "http://localhost:8080", "http://evil.example/localhost", "localhost",
     "http://localhost@evil.example", "https://localhost:1", "http://", "http://[", "http://localhost:99999", "//localhost"],
)  # fmt: skip
def test_what_only_looks_like_our_origin_is_refused(opens, ana, origin):
    assert opens(ana.opens_a_browser().client, {"Origin": origin}).opened.status_code == 400


def test_the_cookie_without_any_sign_of_our_page_counts_nothing(opens, ana):
    refusal = opens(ana.opens_a_browser().client).enters()
    assert refusal["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("headers", "comes_in"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Referer": "http://localhost/rooms/1"}, True),
        ({"Referer": "https://evil.example/"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)
def test_a_same_origin_get_of_long_polling_is_known_by_its_other_headers(opens, ana, headers, comes_in):
    assert (opens(ana.opens_a_browser().client, headers).enters() is True) == comes_in


def test_a_page_named_in_cors_origin_comes_in_by_token_never_by_cookie(named_origin, opens, ana):
    assert opens(None, NAMED).enters({"token": ana.token}) is True
    assert opens(ana.opens_a_browser().client, NAMED).enters()["code"] == "unauthorized"
    assert opens(None, FOREIGN).opened.status_code == 400


def test_no_answer_to_another_origin_invites_the_cookie(named_origin, opens):
    headers = opens(None, NAMED).opened.headers
    assert headers["Access-Control-Allow-Origin"] == NAMED["Origin"]
    assert "Access-Control-Allow-Credentials" not in headers


def test_a_star_lets_every_page_use_tokens_and_none_the_cookie(opens, ana, app, monkeypatch):
    monkeypatch.setitem(app.config, "CORS_ORIGIN", ["*"])
    assert opens(None, FOREIGN).enters({"token": ana.token}) is True
    assert opens(ana.opens_a_browser().client, FOREIGN).enters()["code"] == "unauthorized"


@pytest.mark.parametrize(
    "proof",
    [
        None,
        {},
        {"token": ""},
        {"token": "x" * 43},
        {"token": 1},
        {"token": None},
        {"token": ["a"]},
        [],
        "token",
        7,
        True,
    ],
)
def test_a_stranger_is_refused_in_the_contracts_words(opens, ana, proof):
    refusal = opens(None, OWN).enters(proof)
    assert refusal["code"] == "unauthorized" and set(refusal) == {"code", "message"}


def test_a_wrong_token_is_not_made_good_by_the_cookie(opens, ana):
    assert opens(ana.opens_a_browser().client, OWN).enters({"token": "x" * 43})["code"] == "unauthorized"


def test_a_deactivated_account_is_refused(opens, ana, olga):
    browser = ana.opens_a_browser()
    olga.opens_a_browser().posts(f"/people/{ana.id}/deactivate")
    assert opens(browser.client, OWN).enters()["code"] == "unauthorized"
    assert opens().enters({"token": ana.token})["code"] == "unauthorized"


@pytest.mark.parametrize("namespace", ["/", "/admin", "/chat2"])
def test_there_is_one_namespace_and_no_other(opens, ana, namespace):
    polling = opens()
    packet = f"40{namespace}," + json.dumps({"token": ana.token})
    outside(
        polling.client.post, polling.path, data=packet if namespace != "/" else "40" + json.dumps({"token": ana.token})
    )
    assert outside(polling.client.get, polling.path).text.startswith("44")
    outside(polling.client.post, polling.path, data="1")


def test_behind_a_proxy_that_ends_tls_our_own_page_is_still_ours(opens, ana):
    assert opens(ana.opens_a_browser().client, {"Origin": "https://localhost", "Host": "localhost"}).enters() is True


def test_who_is_signed_out_while_coming_in_is_not_in(opens, ana, meanwhile):
    browser = ana.opens_a_browser()
    meanwhile(connections, "add", lambda: ends(ana))
    assert opens(browser.client, OWN).enters()["code"] == "unauthorized"
    assert connections.of_person(ana.id) == []


def ends(somebody):
    with somebody.app.app_context():
        for device in devices.of(somebody.row()):
            devices.end(somebody.row(), device.id)


def test_a_database_that_is_away_is_told_to_who_comes_in(opens, ana, monkeypatch):
    def away(*_, **__):
        raise OperationalError("SELECT secret", {}, Exception("secret"))

    monkeypatch.setattr(database, "ask", away)
    refusal = opens().enters({"token": ana.token})
    assert refusal["code"] == "unavailable" and refusal["retryAfter"] > 0 and "secret" not in str(refusal)
    monkeypatch.undo()
    assert opens().enters({"token": ana.token}) is True


@pytest.fixture
def few(app, monkeypatch):
    monkeypatch.setattr(sockets, "CONNECTIONS_MAX", 3)
    monkeypatch.setitem(app.config, "RATE_LIMITS", True)


def test_one_person_has_so_many_connections_and_no_more(opens, ana, ben, few):
    held = [opens() for _ in range(3)]
    assert all(one.asks_in({"token": ana.token}).startswith("40/chat") for one in held)
    for polling, proof in ((opens(), {"token": ana.token}), (opens(ana.opens_a_browser().client, OWN), None)):
        refusal = polling.enters(proof)
        assert refusal["code"] == "rate_limited" and refusal["retryAfter"] > 0
    assert len(connections.of_person(ana.id)) == 3 and all(one.is_open for one in held)
    assert opens().enters({"token": ben.token}) is True
    held[0].goes()
    assert opens().enters({"token": ana.token}) is True


def test_without_limits_one_person_has_as_many_connections_as_he_likes(app, opens, ana, few, monkeypatch):
    monkeypatch.setitem(app.config, "RATE_LIMITS", False)
    assert all(opens().asks_in({"token": ana.token}).startswith("40/chat") for _ in range(5))
    assert len(connections.of_person(ana.id)) == 5


@pytest.fixture
def sweeps(app, clock, monkeypatch):
    """`sweeps(5.0)`: so many seconds later somebody looks who is still outside."""
    monkeypatch.setattr(strangers, "_waiting", {})

    def after(seconds):
        clock.offset += seconds
        outside(strangers.sweep)

    return after


def test_who_connects_and_never_says_who_he_is_is_cut_after_a_while(opens, ana, sweeps):
    silent, refused = opens(), opens()
    refused.asks_in({"token": "nonsense"})
    sweeps(0)
    sweeps(strangers.PATIENCE - 1)
    late = opens()
    assert silent.is_open and refused.is_open
    sweeps(2)
    assert not silent.is_open and not refused.is_open and late.is_open
    sweeps(strangers.PATIENCE + 1)
    assert not late.is_open


def test_who_came_in_is_not_cut_however_long_he_stays(opens, ana, ben, room, sweeps):
    by_token, by_cookie = opens(), opens(ben.opens_a_browser().client, OWN)
    assert by_token.asks_in({"token": ana.token}).startswith("40/chat")
    assert by_cookie.asks_in().startswith("40/chat")
    for _ in range(3):
        sweeps(strangers.PATIENCE + 1)
    assert by_token.is_open and by_cookie.is_open
    assert len(connections.of_person(ana.id)) == len(connections.of_person(ben.id)) == 1


def test_strangers_are_swept_where_there_are_limits_only(app, monkeypatch):
    for limits in (True, False):
        monkeypatch.setattr(ticker, "_jobs", {})
        create_app({"SQLALCHEMY_DATABASE_URI": "sqlite:///:memory:", "SECRET_KEY": "x", "RATE_LIMITS": limits})
        assert (ticker._jobs.get(strangers.sweep, 60) <= strangers.PATIENCE / 2) is limits


def test_of_one_address_only_so_many_may_stand_outside(opens, ana, monkeypatch):
    monkeypatch.setattr(strangers, "FROM_ONE_ADDRESS", 3)
    monkeypatch.setattr(strangers, "_by_address", {})
    monkeypatch.setattr(socketio.server.eio, "handlers", dict(socketio.server.eio.handlers))
    strangers.guard(socketio.server)
    outside_now = [opens() for _ in range(3)]
    assert all(one.is_open for one in outside_now)
    assert opens().opened.status_code == 401
    assert outside_now[0].asks_in({"token": ana.token}).startswith("40/chat")
    assert opens().is_open, "who came in is outside no more"
    assert opens().opened.status_code == 401
    outside_now[1].goes()
    assert opens().is_open
