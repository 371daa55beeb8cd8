"""Forms filled in by nobody's browser: for every page that takes a post, and every page that takes a query."""

import itertools
from urllib.parse import urlsplit

import pytest

from tests.web.test_strangers import DOORS

FORMS = sorted(rule for rule, method in DOORS if method == "POST" and not rule.startswith("/api/"))
PAGES = sorted(
    rule
    for rule, method in DOORS
    if method == "GET" and not rule.startswith(("/api/", "/static")) and rule != "/metrics"
)
FIELDS = "name email password room_name kind topic member_ids content client_id current new archived next".split()
VALUES = {
    "missing": None,
    "empty": "",
    "nul": "a\x00b@x",
    "broken utf-8": b"\xff\xfe\xed\xa0\x80",
    "long": "x" * 20_000,
    "lines": "a@x\r\nSet-Cookie: b=1",
    "markup": "<script>alert(1)</script>@x",
    "number": "9" * 400,
    "arabic digits": "٣",
    "twice": ["a@x.org", "b@x.org"],
}


@pytest.fixture
def path(ana, ben, room, olga):
    said = ana.says("hi", room)
    ids = {
        "room_id": room,
        "message_id": said["id"],
        "person_id": ben.id,
        "device_id": 1,
        "token_id": 1,
        "code": "guess",
    }

    def fill(rule):
        for name, value in ids.items():
            rule = rule.replace(f"<id:{name}>", str(value)).replace(f"<{name}>", str(value))
        return rule

    return fill


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("rule", FORMS)
def test_a_form_filled_with_nonsense_is_answered_with_a_page(ana, olga, stranger, path, rule, signed_in):
    here = path(rule)
    for name, value in VALUES.items():
        who = (olga if rule.startswith("/people") else ana).opens_a_browser() if signed_in else stranger
        response = who.posts(here, {} if value is None else dict.fromkeys(FIELDS, value))
        assert response.status_code < 500, (name, response.text[:500])
        assert "<script>alert" not in response.text
        assert "b=1" not in str(response.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("rule", PAGES)
def test_a_page_asked_with_nonsense_is_answered_with_a_page(ana, olga, stranger, path, rule):
    here, browsers = path(rule), (ana.opens_a_browser(), olga.opens_a_browser(), stranger)
    nonsense = [
        "before=x",
        "before=-1",
        "after=%00",
        "limit=0",
        "before=" + "9" * 400,
        "next=%00",
        "next=//evil",
        "a=%ff&before[]=1",
    ]
    for who, query in itertools.product(browsers, nonsense):
        response = who.opens(f"{here}?{query}")
        assert response.status_code < 500, query
        assert urlsplit(response.location or "").netloc in ("", "localhost")


@pytest.mark.parametrize("place", ["%00", "%ff", "x" * 3_000, "%F0%9F%98%80", "..%2f..", "%0d%0aX-Evil:1"])
@pytest.mark.parametrize(
    "path", ["/rooms/{}", "/rooms/{}/settings", "/rooms/{}/messages/1", "/join/{}", "/people/{}/avatar.svg", "/{}"]
)
def test_an_address_that_cannot_be_is_a_page_that_says_so(ana, place, path):
    response = ana.opens_a_browser().opens(path.format(place))
    assert response.status_code == 404
    assert "X-Evil" not in response.headers and "<!doctype html>" in response.text


@pytest.mark.parametrize("place", ["%00", "x" * 3_000])
def test_a_post_to_an_address_that_cannot_be_is_not_found(ana, place):
    browser = ana.opens_a_browser()
    for rest in ("messages", "join", "leave", "members", "settings", "archive"):
        fields = {"content": "x", "client_id": "6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11"}
        assert browser.posts(f"/rooms/{place}/{rest}", fields).status_code == 404


@pytest.mark.parametrize("rule", FORMS)
def test_a_form_over_128_kilobytes_is_too_large(ana, path, rule):
    assert ana.opens_a_browser().posts(path(rule), {"content": "x" * 130 * 1024}).status_code == 413
