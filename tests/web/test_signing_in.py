"""Signing in from the guesser's side: told nothing, slowed down, and never led away."""

import re

import pytest

from chatapp import people
from chatapp.extensions import limiter
from tests.cast import Browser

PASSWORD = "correct horse"


@pytest.fixture
def fay(app):
    """Somebody with a password."""
    with app.app_context():
        people.create("Fay", "fay@example.org", PASSWORD)


@pytest.fixture
def throttled(app, monkeypatch):
    monkeypatch.setattr(limiter, "enabled", True)


def signs_in(browser, email="fay@example.org", password=PASSWORD, **how):
    return browser.posts("/sign-in", {"email": email, "password": password}, **how)


@pytest.mark.parametrize("exists", [True, False])
def test_a_guesser_is_told_the_same_and_slowed_down_the_same(fay, throttled, app, exists):
    email, answers = "fay@example.org" if exists else "nobody@example.org", []
    for n in range(12):
        response = signs_in(Browser(app), email, f"wrong {n}")
        answers.append((response.status_code, "do not go together" in response.text))
    assert answers[:10] == [(401, True)] * 10 and answers[10:] == [(429, False)] * 2
    assert int(response.headers["Retry-After"]) > 0
    assert email not in response.text


def test_a_stranger_elsewhere_does_not_keep_somebody_out(fay, throttled, app):
    for _ in range(15):
        signs_in(Browser(app), password="wrong", environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert signs_in(Browser(app)).status_code == 303


def test_guessing_from_everywhere_ends_too(fay, throttled, app):
    def from_address(n):
        return signs_in(Browser(app), password="wrong", environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}).status_code

    assert [from_address(n) for n in range(102)][98:] == [401, 401, 429, 429]


def test_signing_in_rightly_is_not_slowed_down(fay, throttled, app):
    assert {signs_in(Browser(app)).status_code for _ in range(20)} == {303}


def test_the_answers_for_an_account_that_is_there_and_one_that_is_not_are_alike(fay, app):
    def answer(email):
        page = signs_in(Browser(app), email, "wrong horse").text
        return re.sub(r'(content|value)="[^"]{40,}"', "", page).replace(email, "")

    assert answer("fay@example.org") == answer("may@example.org")


def test_one_address_cannot_try_all_accounts(fay, throttled, app):
    statuses = [signs_in(Browser(app), f"{n}@example.org", "wrong").status_code for n in range(40)]
    assert 429 in statuses and statuses.index(429) <= 30


def test_the_right_password_in_time_is_let_in(fay, throttled, app):
    browser = Browser(app)
    signs_in(browser, password="wrong")
    assert signs_in(browser).status_code == 303
    assert browser.opens("/account").status_code == 200


def test_guessing_ones_current_password_is_slowed_down(ana, throttled):
    browser = ana.opens_a_browser()
    statuses = [browser.posts("/account/password", {"current": f"{n}", "new": PASSWORD}).status_code for n in range(12)]
    assert statuses == [422] * 10 + [429] * 2


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil",
        " //evil",
    ],
)
def test_nobody_is_led_away_after_signing_in(fay, app, wanted):
    browser = Browser(app)
    response = browser.posts("/sign-in", {"email": "fay@example.org", "password": PASSWORD, "next": wanted})
    assert response.status_code == 303 and "evil" not in response.location and "javascript" not in response.location
    assert "evil" not in (browser.opens("/sign-in", query_string={"next": wanted}).location or "")


def test_after_signing_in_one_is_led_where_one_wanted_to_go(fay, app):
    response = Browser(app).posts("/sign-in", {"email": "fay@example.org", "password": PASSWORD, "next": "/rooms?x=1"})
    assert response.location == "/rooms?x=1"


@pytest.mark.parametrize(
    "wanted",
    [
        "http://[",
        "//[",
        "//evil",
        "/\\evil",
        "/\nevil",
        "///evil",
        "/ /evil",
        "https:evil",
        "/x\r\nSet-Cookie: a=b",
        "\x00",
    ],
)
def test_an_address_that_is_none_of_ours_leads_home(fay, app, wanted):
    browser = Browser(app)
    page = browser.opens("/sign-in", query_string={"next": wanted})
    assert page.status_code == 200 and 'name="next" value="/"' in page.text
    fields = {"email": "fay@example.org", "password": PASSWORD, "next": wanted}
    wrong = browser.posts("/sign-in", fields | {"password": "wrong"})
    assert wrong.status_code == 401 and 'name="next" value="/"' in wrong.text
    response = browser.posts("/sign-in", fields)
    assert (response.status_code, response.location) == (303, "/")
    again = browser.opens("/sign-in", query_string={"next": wanted})  # who is signed in is led on at once
    assert (again.status_code, again.location) == (302, "/")
