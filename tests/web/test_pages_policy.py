"""Every page as a browser under the content security policy sees it: nothing inline, nothing from elsewhere, no markup that
somebody smuggled in by a name or a message."""

import re
from html.parser import HTMLParser


class Wall(HTMLParser):
    """Fails at anything that the policy would stop or that it could not stop."""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        assert not [name for name in given if name.startswith("on") or name == "style"], (tag, given)
        assert tag not in ("style", "base", "object", "embed", "iframe"), tag
        assert tag != "script" or given.get("src", "").startswith("/static/"), given
        for name in ("href", "src", "action", "formaction"):
            assert not (given.get(name) or "").strip().lower().startswith(("javascript:", "data:text", "vbscript:"))

    def handle_data(self, data):
        assert self.cdata_elem != "script" or not data.strip(), data


def pages(ana, olga, room, stranger, said):
    signed_in = ["/rooms", "/rooms/new", "/direct/new", "/account", f"/rooms/{room}", f"/rooms/{room}?before=1",
                 f"/rooms/{room}/settings", f"/rooms/{room}/messages/{said['id']}", "/nowhere", "/rooms/nowhere"]  # fmt: skip
    found = [ana.opens_a_browser().opens(path) for path in signed_in] + [olga.opens_a_browser().opens("/people")]
    found += [stranger.opens(path) for path in ("/sign-in", "/join/guess", "/api/v1/docs", "/nowhere")]
    browser = ana.opens_a_browser()
    found += [
        browser.posts(path)
        for path in ("/rooms/new", "/direct/new", f"/rooms/{room}/messages", "/account/tokens", "/account/password")
    ]
    return [*found, stranger.posts("/sign-in"), browser.opens("/rooms", method="POST")]


def test_every_page_has_a_strict_policy_and_needs_nothing_inline(ana, olga, room, stranger):
    said = ana.says("**hi** [x](javascript:alert(1)) <img src=x onerror=alert(1)> `code`", room)
    for page in pages(ana, olga, room, stranger, said):
        policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in str(policy) and policy["form-action"] == "'self'"
        assert page.headers["X-Content-Type-Options"] == "nosniff" and page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "same-origin" and page.headers["Cache-Control"] == "no-store"
        Wall().feed(page.text)


def test_every_form_on_every_page_carries_the_csrf_token(ana, olga, room, stranger):
    for page in pages(ana, olga, room, stranger, ana.says("hi", room)):
        for form in re.findall(r"<form[^>]*method=.post.*?</form>", page.text, re.DOTALL):
            assert 'name="csrf_token"' in form, form


def test_answers_of_the_api_are_covered_too(ana, room):
    for response in (ana.calls("GET", "/me"), ana.calls("GET", "/nowhere"), ana.calls("GET", f"/sessions/{room}")):
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        assert (
            response.headers["X-Content-Type-Options"] == "nosniff" and response.headers["Cache-Control"] == "no-store"
        )


def test_a_name_cannot_become_markup_on_any_page(cast, olga, stranger):
    mallory = cast('<script>alert("x")</script>')
    room = mallory.makes('"><script>alert(1)</script>', topic="<script>alert(2)</script>")
    said = mallory.says("<script>alert(3)</script>", room)
    for page in pages(mallory, olga, room, stranger, said):
        assert "<script>alert" not in page.text
    assert "<script" not in mallory.opens_a_browser().opens(f"/people/{mallory.id}/avatar.svg").text
