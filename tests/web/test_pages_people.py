"""The pages by which people come, sign in, look after themselves, and are looked after by administrators."""

import re

import pytest

from chatapp import passwords, people
from tests.cast import Browser, outside

GOOD = {"name": "Fay", "email": "fay@example.org", "password": "correct horse"}


def flashes(page):
    return re.findall(r'<p class="flash[^>]*>([^<]*)</p>', page.text)


def test_the_first_visit_makes_the_administrator_and_the_first_room(stranger):
    assert stranger.opens("/").location == "/setup"
    assert stranger.opens("/sign-in").location == "/setup"
    assert stranger.opens("/setup").status_code == 200
    response = stranger.posts("/setup", GOOD | {"room_name": "Lobby"})
    assert response.status_code == 303
    page = stranger.opens("/", follow_redirects=True)
    assert page.request.path.startswith("/rooms/") and "Lobby" in page.text
    assert stranger.opens("/people").status_code == 200


def test_the_first_visit_is_once(olga, stranger):
    assert stranger.opens("/setup").location == "/"
    assert stranger.posts("/setup", GOOD | {"room_name": "Lair"}).location == "/"
    assert stranger.opens("/people").status_code == 302


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"email": "fay"}, {"password": "short"}, {"room_name": ""}, {"room_name": "a\nb"}]
)
def test_a_first_visit_filled_in_wrongly_shows_where(stranger, wrong):
    response = stranger.posts("/setup", GOOD | {"room_name": "Lobby"} | wrong)
    assert response.status_code == 422 and 'aria-invalid="true"' in response.text
    field = next(iter(wrong))
    assert re.search(rf'id="field-{field}"[^>]*aria-invalid="true"', response.text)
    assert "correct horse" not in response.text
    assert stranger.opens("/").location == "/setup"


def test_joining_by_the_invite_link(olga, stranger):
    olga.makes("Lobby", kind="open")
    link = re.search(r'value="http://localhost(/join/[^"]+)"', olga.opens_a_browser().opens("/people").text)[1]
    assert stranger.opens(link).status_code == 200
    assert stranger.posts(link, GOOD).status_code == 303
    page = stranger.opens("/", follow_redirects=True)
    assert "Lobby" in page.text and 'data-person-name="Fay"' in page.text


@pytest.mark.parametrize("wrong", [{"name": ""}, {"email": "no"}, {"password": "short"}, {"email": "olga@example.org"}])
def test_joining_filled_in_wrongly_shows_where_and_keeps_the_rest(app, olga, stranger, wrong):
    link = re.search(r'value="http://localhost(/join/[^"]+)"', olga.opens_a_browser().opens("/people").text)[1]
    response = stranger.posts(link, GOOD | wrong)
    assert response.status_code in (409, 422)
    assert re.search(rf'id="field-{next(iter(wrong))}"[^>]*aria-invalid="true"', response.text)
    with app.app_context():
        assert len(people.everybody()) == 1


def test_an_address_of_a_hundred_characters_is_an_address(olga, stranger):
    link = re.search(r'value="http://localhost(/join/[^"]+)"', olga.opens_a_browser().opens("/people").text)[1]
    assert stranger.posts(link, GOOD | {"email": "f" * 100 + "@example.org"}).status_code == 303


def test_an_invite_that_was_renewed_is_no_longer_good(olga, stranger):
    browser = olga.opens_a_browser()
    link = re.search(r'value="http://localhost(/join/[^"]+)"', browser.opens("/people").text)[1]
    assert browser.posts("/people/invite").status_code == 303
    newer = re.search(r'value="http://localhost(/join/[^"]+)"', browser.opens("/people").text)[1]
    assert newer != link
    assert stranger.opens(link).status_code == 404 and stranger.posts(link, GOOD).status_code == 404
    assert stranger.opens(newer).status_code == 200


def test_signed_in_one_is_not_asked_again(ana):
    assert ana.opens_a_browser().opens("/sign-in").location == "/"
    assert ana.opens_a_browser().opens("/sign-in?next=/account").location == "/account"


def test_a_link_into_the_house_leads_there_after_signing_in(stranger, ana):
    assert stranger.opens("/rooms/x?before=5").location == "/sign-in?next=/rooms/x?before%3D5"
    assert "next" not in stranger.posts("/rooms/new").location


def test_who_is_in_already_does_not_join_again(olga):
    browser = olga.opens_a_browser()
    link = re.search(r'value="http://localhost(/join/[^"]+)"', browser.opens("/people").text)[1]
    assert browser.opens(link).location == "/"


def test_signing_out_twice_is_no_trouble(ana):
    browser = ana.opens_a_browser()
    assert browser.posts("/sign-out").status_code == browser.posts("/sign-out").status_code == 303


def test_administrators_make_accounts_with_a_password_shown_once(olga, stranger):
    browser = olga.opens_a_browser()
    browser.posts("/people", {"name": "Fay", "email": "fay@example.org"})
    (shown,) = flashes(browser.opens("/people"))
    password = shown.rsplit(" ", 1)[1]
    assert password not in browser.opens("/people").text
    assert stranger.posts("/sign-in", {"email": "fay@example.org", "password": password}).status_code == 303


def test_administrators_may_choose_the_password(olga, stranger):
    browser = olga.opens_a_browser()
    browser.posts("/people", GOOD)
    assert "correct horse" not in browser.opens("/people").text
    assert stranger.posts("/sign-in", GOOD).status_code == 303
    taken = browser.posts("/people", GOOD)
    assert taken.status_code in (409, 422) and "already here" in taken.text


def test_somebody_turned_away_is_out_at_once_and_may_come_back(app, olga, ana, room):
    browser, admin = ana.opens_a_browser(), olga.opens_a_browser()
    tab = browser.opens_a_tab()
    assert admin.posts(f"/people/{ana.id}/deactivate").status_code == 303
    assert not tab.is_open and browser.opens("/rooms").status_code == 302
    assert admin.posts(f"/people/{ana.id}/reactivate").status_code == 303
    assert browser.opens("/rooms").status_code == 302
    assert ana.opens_a_browser().opens("/rooms").status_code == 200


def test_administrators_make_administrators(olga, ana):
    assert ana.opens_a_browser().opens("/people").status_code == 403
    assert olga.opens_a_browser().posts(f"/people/{ana.id}/promote").status_code == 303
    assert ana.opens_a_browser().opens("/people").status_code == 200


def test_the_last_administrator_is_not_turned_away(olga):
    browser = olga.opens_a_browser()
    assert browser.posts(f"/people/{olga.id}/deactivate").status_code == 403
    assert browser.opens("/people").status_code == 200
    assert browser.posts("/people/99999999/promote").status_code == 404


def test_ones_devices_are_listed_and_ended(ana):
    here, there = ana.opens_a_browser(), ana.opens_a_browser()
    page = here.opens("/account").text
    assert page.count("Firefox on Linux") >= 2 and "This device" in page
    (end,) = re.findall(r'action="(/account/devices/\d+/end)"', page)
    assert here.posts(end).status_code == 303
    assert there.opens("/account").status_code == 302 and here.opens("/account").status_code == 200
    assert here.posts(end).status_code == 404


def test_nobody_ends_anothers_device_or_token(ana, eve):
    browser = ana.opens_a_browser()
    there = ana.opens_a_browser()
    (end,) = re.findall(r'action="(/account/devices/\d+/end)"', browser.opens("/account").text)
    (revoke,) = re.findall(r'action="(/account/tokens/\d+/revoke)"', browser.opens("/account").text)
    for path in (end, revoke):
        assert eve.opens_a_browser().posts(path).status_code == 404
    assert there.opens("/account").status_code == 200 and ana.calls("GET", "/me").status_code == 200


@pytest.mark.parametrize("place", ["tokens", "password"])
def test_where_a_form_was_answered_one_may_come_back_to(ana, place):
    answer = ana.opens_a_browser().opens(f"/account/{place}")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account")


def test_a_token_is_shown_once_and_works_until_it_is_revoked(ana):
    browser = ana.opens_a_browser()
    page = browser.posts("/account/tokens", {"name": "Robot"})
    key = re.search(r'id="new-token" value="([^"]+)"', page.text)[1]
    asks = {"headers": {"Authorization": f"Bearer {key}"}}
    assert outside(ana.app.test_client().get, "/api/v1/me", **asks).json["person"]["name"] == "Ana"
    again = browser.opens("/account").text
    assert key not in again and "Robot" in again
    for path in re.findall(r'action="(/account/tokens/\d+/revoke)"', again):
        assert browser.posts(path).status_code == 303
    assert outside(ana.app.test_client().get, "/api/v1/me", **asks).status_code == 401
    assert browser.posts("/account/tokens", {"name": " "}).status_code == 422


def test_a_changed_password_signs_the_other_devices_out(app):
    with app.app_context():
        people.create("Fay", "fay@example.org", "correct horse")
    here, there = Browser(app), Browser(app)
    for browser in (here, there):
        browser.posts("/sign-in", GOOD)
    tab = there.opens_a_tab()
    wrong = here.posts("/account/password", {"current": "wrong horse", "new": "battery staple"})
    assert wrong.status_code == 422 and tab.is_open
    assert here.posts("/account/password", {"current": "correct horse", "new": "short"}).status_code == 422
    assert here.posts("/account/password", {"current": "correct horse", "new": "battery staple"}).status_code == 303
    assert here.opens("/account").status_code == 200 and there.opens("/account").status_code == 302
    assert not tab.is_open
    assert Browser(app).posts("/sign-in", GOOD).status_code == 401
    assert Browser(app).posts("/sign-in", GOOD | {"password": "battery staple"}).status_code == 303


def test_signing_in_costs_the_same_work_whether_the_account_exists(app, ana, monkeypatch):
    asked = []
    verify = passwords.verify
    monkeypatch.setattr(passwords, "verify", lambda *given: asked.append(given) or verify(*given))
    for email in ("ana@example.org", "nobody@example.org"):
        assert Browser(app).posts("/sign-in", {"email": email, "password": "guess"}).status_code == 401
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("name", "initials"), [("Abe", "A"), ("Ana Maria Novak", "AN"), ("žofie", "Ž"), ("李 雷", "李雷"), ("<&>", "&lt;")]
)
def test_everybody_has_a_face(cast, ana, name, initials):
    somebody = cast(name)
    response = ana.opens_a_browser().opens(f"/people/{somebody.id}/avatar.svg")
    assert response.mimetype == "image/svg+xml" and f">{initials}<" in response.text
    assert "max-age" in response.headers["Cache-Control"] and "private" in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/140 Safari/537 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU) Version/18 Safari/604", "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140 Safari/537 OPR/120", "Opera on Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Chrome/140 Safari/537", "Chrome on macOS"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit Chrome/140 Mobile Safari/537", "Chrome on Android"),
        ("curl/8", "A browser"),
        ("", "A browser"),
        ("<script>alert(1)</script>", "A browser"),
    ],
)
def test_a_device_has_a_name_for_people(app, agent, label):
    with app.app_context():
        people.create("Fay", "fay@example.org", "correct horse")
    browser = Browser(app)
    browser.posts("/sign-in", GOOD, headers={"User-Agent": agent})
    page = browser.opens("/account").text
    assert f"<b>{label}</b>" in page and "<script>alert" not in page
