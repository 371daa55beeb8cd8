"""From the attacker's side: what a forged page, a thief of one secret, a guesser and a curious reader of answers get."""

import re
import uuid

import pytest
from sqlalchemy.exc import OperationalError

from chatapp import cached, database, people, rooms, tokens
from chatapp.web.auth import CHANGES
from tests.cast import Browser, outside
from tests.web.test_strangers import DOORS

PASSWORD = "correct horse"
UNSAFE = [door for door in DOORS if door[1] in CHANGES]
EVIL = {"Origin": "https://evil.example"}


@pytest.fixture
def fay(app):
    """Somebody with a password."""
    with app.app_context():
        people.create("Fay", "fay@example.org", PASSWORD)


def address(rule, room):
    rule = re.sub(r"<id:\w+>", "1", rule)
    return re.sub(r"<(room_id|session_id)>", room, rule).replace("<code>", "guess")


def signs_in(browser, email="fay@example.org", password=PASSWORD, **how):
    return browser.posts("/sign-in", {"email": email, "password": password}, **how)


@pytest.mark.parametrize(("rule", "method"), UNSAFE)
def test_no_change_by_cookie_without_the_csrf_token(ana, room, rule, method):
    browser = ana.opens_a_browser()
    for headers, fields in (({}, {}), ({"X-CSRF-Token": "x" * 90}, {}), ({}, {"csrf_token": "x" * 90})):
        response = browser.opens(address(rule, room), method=method, headers=headers, data=fields)
        assert response.status_code == 403, (headers, fields)
        if rule.startswith("/api/"):
            assert response.json["error"]["code"] == "forbidden"
    assert browser.opens("/rooms").status_code == 200


def test_the_csrf_token_of_one_browser_is_no_use_in_another(ana, eve, room):
    browser, foreign = ana.opens_a_browser(), eve.opens_a_browser()
    stolen = foreign.csrf
    assert browser.opens("/sign-out", method="POST", data={"csrf_token": stolen}).status_code == 403
    assert browser.calls("POST", f"/sessions/{room}/typing", {}).status_code == 200


def test_a_bad_authorization_header_is_not_made_good_by_the_cookie(ana, room):
    browser = ana.opens_a_browser()
    for header in ("Bearer x", "Bearer ", "Basic eDp5", "x", ""):
        response = browser.opens(f"/api/v1/sessions/{room}", method="DELETE", headers={"Authorization": header})
        assert response.status_code == 401, header
        assert browser.opens("/sign-out", method="POST", headers={"Authorization": header}).status_code in (
            302,
            303,
            403,
        )
    assert ana.gets(f"/sessions/{room}")["session"]["archived"] is False


def test_a_foreign_page_is_a_stranger_even_with_the_cookie(ana, room):
    browser = ana.opens_a_browser()
    csrf = browser.csrf
    for origin in ("https://evil.example", "null", "http://localhost:99", "http://[", "http://localhost.evil.example"):
        for method in ("GET", "DELETE"):
            headers = {"Origin": origin, "X-CSRF-Token": csrf}
            assert browser.opens(f"/api/v1/sessions/{room}", method=method, headers=headers).status_code == 401, origin


def test_named_origins_use_tokens_and_are_never_invited_to_send_cookies(app, ana, room, monkeypatch):
    monkeypatch.setitem(app.config, "CORS_ORIGIN", ["https://partner.example"])
    partner = {"Origin": "https://partner.example"}
    response = ana.calls("GET", "/me", headers=partner)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "https://partner.example"
    assert "Access-Control-Allow-Credentials" not in response.headers and "Origin" in response.headers["Vary"]
    assert ana.opens_a_browser().opens("/api/v1/me", headers=partner).status_code == 401
    assert "Access-Control-Allow-Origin" not in ana.calls("GET", "/me", headers=EVIL).headers
    preflight = Browser(app).opens(f"/api/v1/sessions/{room}", method="OPTIONS", headers=partner)
    assert preflight.status_code == 204 and "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    assert preflight.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, Last-Event-ID"
    refused = Browser(app).opens(f"/api/v1/sessions/{room}", method="OPTIONS", headers=EVIL)
    assert not [name for name, _ in refused.headers if name.startswith("Access-Control")]


def test_pages_are_never_shared_with_another_origin(app, ana, monkeypatch):
    monkeypatch.setitem(app.config, "CORS_ORIGIN", ["*"])
    response = ana.opens_a_browser().opens("/rooms", headers=EVIL)
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("base_url", ["http://localhost", "https://localhost"])
def test_cookies_are_hidden_from_scripts_stay_on_our_site_and_are_secure_where_they_can(fay, stranger, base_url):
    page = stranger.opens("/sign-in", base_url=base_url)
    csrf = re.search(r'name="csrf-token" content="([^"]+)"', page.text)[1]
    fields = {"email": "fay@example.org", "password": PASSWORD, "csrf_token": csrf}
    signed_in = stranger.opens("/sign-in", method="POST", data=fields, base_url=base_url, headers={"Referer": base_url})
    assert signed_in.status_code == 303
    cookies = page.headers.getlist("Set-Cookie") + signed_in.headers.getlist("Set-Cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {"session", "chatapp_device"}
    for cookie in cookies:
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Domain" not in cookie
        assert ("Secure" in cookie) == (base_url.startswith("https"))


def test_signing_in_makes_a_new_device_whatever_cookie_was_planted_before(app, fay, eve):
    planted, keys = Browser(app, eve.opens_a_browser().client.get_cookie("chatapp_device").value), set()
    for browser in (planted, planted, Browser(app)):
        before, csrf = browser.client.get_cookie("chatapp_device"), browser.csrf
        assert signs_in(browser).status_code == 303
        key = browser.client.get_cookie("chatapp_device").value
        assert (before is None or key != before.value) and len(key) >= 43 and browser.csrf != csrf
        keys.add(key)
    assert len(keys) == 3


def test_signing_out_ends_the_device_itself_not_only_the_cookie(ana):
    browser = ana.opens_a_browser()
    key = browser.client.get_cookie("chatapp_device").value
    assert browser.posts("/sign-out").status_code == 303
    assert browser.client.get_cookie("chatapp_device") is None
    assert Browser(ana.app, key).opens("/rooms").location.startswith("/sign-in")


def test_a_token_is_no_cookie_and_a_cookie_no_token(ana):
    assert Browser(ana.app, ana.token).opens("/rooms").status_code == 302
    key = ana.opens_a_browser().client.get_cookie("chatapp_device").value
    assert (
        outside(ana.app.test_client().get, "/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    )


def test_a_token_opens_no_page(ana, olga):
    for path in ("/rooms", "/account", "/people"):
        response = outside(olga.app.test_client().get, path, headers={"Authorization": f"Bearer {olga.token}"})
        assert response.status_code == 302 and response.location.startswith("/sign-in")


def test_a_revoked_token_is_worth_nothing_at_once(app, ana):
    with app.app_context():
        tokens.revoke(ana.token_row.id)
    assert ana.calls("GET", "/me").status_code == 401


@pytest.mark.parametrize(
    "error", [RuntimeError("SELECT secret"), OperationalError("SELECT secret", {"p": "secret"}, Exception("secret"))]
)
def test_an_accident_never_tells_its_own_words(ana, room, monkeypatch, error):
    def breaks(*_, **__):
        raise error

    browser = ana.opens_a_browser()
    browser.opens("/rooms")
    monkeypatch.setattr(cached, "kept", breaks)
    monkeypatch.setattr(rooms, "of", breaks)
    monkeypatch.setattr(rooms, "listed_for", breaks)
    status = 503 if isinstance(error, OperationalError) else 500
    for path in (f"/sessions/{room}", f"/sessions/{room}/messages", "/sessions"):
        response = ana.calls("GET", path)
        assert response.status_code == status
        assert response.json["error"]["code"] == {503: "unavailable", 500: "internal"}[status]
        assert "secret" not in response.text and "Traceback" not in response.text
    for path in (f"/rooms/{room}", "/rooms", "/"):
        response = browser.opens(path)
        assert response.status_code == status and "<!doctype html>" in response.text
        assert "secret" not in response.text and "Traceback" not in response.text and "SELECT" not in response.text
        assert "Content-Security-Policy" in response.headers


def test_the_error_page_shows_itself_also_when_nobody_can_be_looked_up(ana, monkeypatch):
    def away(*_, **__):
        raise OperationalError("SELECT secret", {}, Exception("secret"))

    browser = ana.opens_a_browser()
    monkeypatch.setattr(database, "ask", away)
    for path, statuses in (("/rooms", {503}), ("/sign-in", {503}), ("/nowhere", {404, 503})):
        response = browser.opens(path)
        assert response.status_code in statuses and "secret" not in response.text
        assert "<!doctype html>" in response.text and "Content-Security-Policy" in response.headers


def test_the_request_id_of_the_proxy_is_kept_only_when_it_is_one(stranger):
    assert stranger.opens("/healthz", headers={"X-Request-ID": "abcdef-1234"}).headers["X-Request-ID"] == "abcdef-1234"
    for bad in ("short", "x" * 65, "a b c d e f g", "<script>alert(1)</script>"):
        assert stranger.opens("/healthz", headers={"X-Request-ID": bad}).headers["X-Request-ID"] != bad


BASIC = {"Authorization": "Basic cHJveHk6c2VjcmV0"}  # what a proxy in front of us asked for


@pytest.mark.parametrize("scheme", ["Basic cHJveHk6c2VjcmV0", "Digest x", "Bearerx", "Negotiate"])
def test_another_scheme_does_not_stand_for_the_csrf_token(ana, room, scheme):
    browser, headers = ana.opens_a_browser(), {"Authorization": scheme}
    for path, how in (
        ("/rooms/new", {"data": {"name": "Forged", "kind": "closed"}}),
        ("/account/tokens", {"data": {"name": "Forged"}}),
        ("/sign-out", {}),
        ("/api/v1/sessions", {"json": {"name": "Forged", "kind": "closed"}}),
        (f"/api/v1/sessions/{room}/messages", {"json": {"content": "x", "clientId": str(uuid.uuid4())}}),
    ):
        assert browser.opens(path, method="POST", headers=headers, **how).status_code == 403, path
    assert [one["name"] for one in ana.gets("/sessions")["sessions"]] == ["Kitchen"]
    assert ana.gets(f"/sessions/{room}/messages")["messages"] == []


def test_behind_a_proxy_with_a_password_of_its_own_the_cookie_counts(ana, room, stranger):
    browser = ana.opens_a_browser()
    csrf = browser.csrf
    assert browser.opens("/rooms", headers=BASIC).status_code == 200
    assert browser.opens("/api/v1/me", headers=BASIC).json["person"]["id"] == ana.id
    said = {"content": "hi", "clientId": str(uuid.uuid4())}
    response = browser.opens(
        f"/api/v1/sessions/{room}/messages", method="POST", json=said, headers=BASIC | {"X-CSRF-Token": csrf}
    )
    assert response.status_code == 201
    assert browser.opens("/sign-out", method="POST", data={"csrf_token": csrf}, headers=BASIC).status_code == 303
    assert stranger.opens("/api/v1/me", headers=BASIC).status_code == 401
