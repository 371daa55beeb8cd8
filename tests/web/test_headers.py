"""What stands around every answer: proxies, a CDN for static files, the operators' addresses, redirects by the framework."""

import re
import uuid

import pytest
from sqlalchemy.exc import OperationalError

from chatapp import create_app
from chatapp.extensions import db
from tests.cast import Browser


@pytest.fixture
def another(app, monkeypatch):
    """`another(TRUSTED_PROXIES=1)`: the application with other settings, on the same database."""

    def make(**settings):
        url = app.config["SQLALCHEMY_DATABASE_URI"]
        return create_app(
            {"SQLALCHEMY_DATABASE_URI": url, "RATE_LIMITS": False, "APP_ENV": "test", "SECRET_KEY": "x"} | settings
        )

    return make


def test_static_files_may_come_from_elsewhere_and_nothing_else_may(another, ana):
    other = another(STATIC_URL="https://cdn.example/chat")
    page = Browser(other).opens("/sign-in")
    assert re.search(r'href="https://cdn\.example/chat/[0-9a-f]{16}/css/base\.css"', page.text)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == policy["style-src"] == "'self' https://cdn.example"
    assert policy["default-src"] == policy["connect-src"] == "'self'"


def test_behind_a_trusted_proxy_the_cookie_is_secure_and_the_address_true(another, ana):
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "6.6.6.6, 203.0.113.9"}
    trusting, plain = Browser(another(TRUSTED_PROXIES=1)), Browser(another())
    assert "Secure" in trusting.opens("/sign-in", headers=forwarded).headers["Set-Cookie"]
    assert "Secure" not in plain.opens("/sign-in", headers=forwarded).headers["Set-Cookie"]


def test_answers_are_not_kept_unless_they_say_so(stranger):
    assert stranger.opens("/healthz").headers["Cache-Control"] == "no-store"


def test_an_address_with_too_many_slashes_is_led_to_the_right_one(ana):
    response = ana.opens_a_browser().opens("/rooms//new")
    assert response.status_code == 308 and response.location.endswith("/rooms/new")


def test_healthz_answers_whatever_happens_and_readyz_names_each_part(stranger, monkeypatch):
    assert stranger.opens("/readyz").json == {"status": "ok", "database": "ok", "redis": "unused", "replicas": "unused"}

    def away(*_, **__):
        raise OperationalError("SELECT secret", {}, Exception("secret"))

    monkeypatch.setattr(type(db.session), "execute", away)
    assert stranger.opens("/healthz").status_code == 200
    response = stranger.opens("/readyz")
    assert (response.status_code, response.json["database"]) == (503, "unavailable")
    assert "secret" not in response.text


def test_metrics_count_and_never_quote(ana, ben, room, stranger):
    ana.enters(room)
    ana.says("secret words", room)
    ben.asks("joinSession", {"sessionId": "guess"})
    ben.asks("evil<event>", {})
    text = stranger.opens("/metrics").text
    assert "chatapp_connections 2.0" in text
    assert 'chatapp_refusals_total{code="not_found",event="joinSession"}' in text
    for word in ("secret words", "evil", room, "Ana", "guess"):
        assert word not in text


def test_an_unanswered_preflight_is_a_strangers_request(stranger, room):
    assert stranger.opens("/api/v1/sessions", method="OPTIONS").status_code == 401


def test_a_method_that_nobody_knows_makes_no_label_of_its_own(stranger, ana):
    for method in ("BREW", "secret", "X" * 500):
        for path in ("/healthz", "/nowhere", "/api/v1/me"):
            assert stranger.opens(path, method=method).status_code in (401, 403, 404, 405)
    text = stranger.opens("/metrics").text
    assert 'method="other"' in text
    assert not [word for word in ("BREW", "secret", "XXX") if word in text]


def messages_counted(stranger):
    return float(re.search(r"^chatapp_messages_total (\S+)$", stranger.opens("/metrics").text, re.MULTILINE)[1])


def test_messages_are_counted_by_whichever_door_they_come_and_once(stranger, ana, ben, room):
    before = messages_counted(stranger)
    said = ana.says("hi", room)
    ben.calls("POST", f"/sessions/{room}/messages", {"content": "hello", "clientId": str(uuid.uuid4())})
    ana.opens_a_browser().posts(f"/rooms/{room}/messages", {"content": "hey", "client_id": str(uuid.uuid4())})
    assert messages_counted(stranger) == before + 3
    ana.says("hi", room, clientId=said["clientId"])  # again
    ana.edits(said, "other"), ana.removes(said)
    ana.asks("sendMessage", {"sessionId": room, "content": "", "clientId": str(uuid.uuid4())})
    assert messages_counted(stranger) == before + 3
