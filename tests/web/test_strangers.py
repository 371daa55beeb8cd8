"""Every door tried by those who have no business there. The tests are made from the route table and from the `on_*`
methods: a new route or event is tried without anybody having to remember it."""

import re
import uuid

import pytest
from flask import Flask

from chatapp.extensions import db
from chatapp.models import Device, Message, Person, Token
from chatapp.web import api, ops, pages, sockets
from chatapp.web.auth import CHANGES
from tests.cast import Browser, outside

FOR_ALL = {
    "/", "/setup", "/sign-in", "/sign-out", "/join/<code>", "/static/<path:filename>",
    "/healthz", "/readyz", "/metrics", "/api/v1/docs", "/api/v1/openapi.json",
}  # fmt: skip


def url_map():
    """The routes as the application has them, for naming the tests; no application is started for that."""
    from chatapp.web import IdConverter

    bare = Flask("routes")
    bare.url_map.converters["id"] = IdConverter
    for blueprint in (*pages.BLUEPRINTS, *api.BLUEPRINTS, ops.blueprint):
        bare.register_blueprint(blueprint)
    return bare.url_map


DOORS = sorted((rule.rule, method) for rule in url_map().iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"})
GUARDED = [door for door in DOORS if door[0] not in FOR_ALL]
OF_A_ROOM = [door for door in GUARDED if "<room_id>" in door[0] or "<session_id>" in door[0] or "message_id" in door[0]]
OF_ADMINISTRATORS = [door for door in GUARDED if door[0].startswith("/people") and "avatar" not in door[0]]
EVENTS = sorted(name.removeprefix("on_") for name in sockets.COMMANDS)


def test_the_doors_tried_here_are_all_there_are(app):
    real = {(rule.rule, method) for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert real == set(DOORS)
    assert {rule for rule, _ in DOORS} >= FOR_ALL


@pytest.fixture
def path(ana, ben, room):
    """A rule's address, with ids of things that are really there and belong to others."""
    said = ana.says("secret words", room)
    ana.opens_a_browser()
    with ana.app.app_context():
        ids = {"device_id": db.session.scalar(db.select(Device.id)), "token_id": db.session.scalar(db.select(Token.id))}
    ids |= {"room_id": room, "session_id": room, "message_id": said["id"], "user_id": ben.id, "person_id": ben.id}

    def fill(rule):
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda part: str(ids[part[1]]), rule)

    return fill


def everything(app):
    """All that could have been changed, row by row."""
    with app.app_context():
        tables = [table for table in db.metadata.sorted_tables if table.name not in ("notices", "devices", "tokens")]
        rows = {
            table.name: [tuple(row) for row in db.session.execute(db.select(table).order_by(*table.primary_key))]
            for table in tables
        }
        rows["secrets"] = [sorted(db.session.scalars(db.select(kind.id))) for kind in (Device, Token)]
        return rows


def is_refused(response, path):
    if path.startswith("/api/"):
        return response.status_code == 401 and response.json["error"]["code"] == "unauthorized"
    if response.status_code in (302, 303):
        return response.location.startswith("/sign-in")
    return response.status_code in (401, 403)


@pytest.mark.parametrize(("rule", "method"), GUARDED)
@pytest.mark.parametrize("how", ["nothing", "wrong token", "wrong cookie", "csrf token"])
def test_a_stranger_finds_every_door_shut(app, path, stranger, rule, method, how):
    before, here = everything(app), path(rule)
    headers = {"wrong token": {"Authorization": "Bearer " + "x" * 43}}.get(how, {})
    if how == "csrf token":
        headers = {"X-CSRF-Token": stranger.csrf}
    browser = Browser(app, "x" * 43) if how == "wrong cookie" else stranger
    response = browser.opens(here, method=method, headers=headers)
    if how in ("nothing", "wrong cookie") and method in CHANGES and not here.startswith("/api/"):
        assert response.status_code == 403  # not even a CSRF token
    else:
        assert is_refused(response, here), (response.status_code, response.text[:200])
    assert "secret words" not in response.text
    assert everything(app) == before


@pytest.mark.parametrize(
    ("rule", "method", "by"),
    [(*door, by) for door in OF_A_ROOM for by in ("cookie", "token") if by == "cookie" or door[0].startswith("/api/")],
)
def test_who_is_not_in_a_room_finds_its_doors_leading_nowhere(app, path, eve, rule, method, by):
    here, fields = (
        path(rule),
        {"content": "let me in", "clientId": str(uuid.uuid4()), "name": "mine", "member_ids": eve.id},
    )
    fields |= {"client_id": fields["clientId"], "archived": "1"}
    browser = eve.opens_a_browser()
    before = everything(app)
    if rule.startswith("/api/"):
        json = (
            {"content": "let me in", "clientId": fields["clientId"], "name": "mine", "gen": 1, "offset": 0, "text": "x"}
            if method in ("POST", "PATCH")
            else None
        )
        call = eve.calls if by == "token" else browser.calls
        response = call(method, here.removeprefix("/api/v1"), json)
    else:
        response = browser.posts(here, fields) if method == "POST" else browser.opens(here)
    assert response.status_code == 404, response.text[:300]
    assert "secret words" not in response.text and "Kitchen" not in response.text
    assert everything(app) == before


@pytest.mark.parametrize(("rule", "method"), OF_ADMINISTRATORS)
def test_who_is_no_administrator_is_sent_away(app, path, eve, rule, method):
    browser = eve.opens_a_browser()
    before = everything(app)
    response = (
        browser.posts(path(rule), {"name": "X", "email": "x@example.org"})
        if method == "POST"
        else browser.opens(path(rule))
    )
    assert response.status_code == 403
    assert "/join/" not in response.text and "ana@example.org" not in response.text
    assert everything(app) == before


def test_there_are_doors_of_each_kind():
    assert len(OF_A_ROOM) > 15 and len(OF_ADMINISTRATORS) > 4 and len(EVENTS) == 13


@pytest.mark.parametrize("event", EVENTS)
def test_a_stranger_never_gets_so_far_as_to_ask(app, room, event, ana):
    from tests.cast import Tab

    said = ana.says("secret words", room)
    for how in ({}, {"auth": {"token": "x"}}, {"headers": {"Origin": "http://localhost"}}):
        tab = Tab(app, **how)
        assert not tab.is_open
        payload = {
            "sessionId": room,
            "messageId": said["id"],
            "content": "x",
            "clientId": str(uuid.uuid4()),
            "isTyping": True,
        }
        assert tab.sends_packet(f'2/chat,1["{event}",{payload!r}]'.replace("'", '"').replace("True", "true")) is None
        assert tab.waiting() == []


@pytest.mark.parametrize("event", EVENTS)
def test_who_is_not_in_the_room_asks_for_nothing_there(app, eve, ana, room, event):
    said = ana.says("secret words", room)
    before = everything(app)
    payload = {
        "sessionId": room,
        "messageId": said["id"],
        "content": "x",
        "clientId": str(uuid.uuid4()),
        "isTyping": True,
        "afterRev": 0,
        "gen": 1,
        "offset": 0,
        "text": "x",
    }
    ack = eve.asks(event, payload)
    assert ack["error"]["code"] == "not_found" and "secret words" not in str(ack)
    assert everything(app) == before


@pytest.mark.parametrize("rule", sorted({rule for rule, _ in DOORS if "<room_id>" in rule or "<session_id>" in rule}))
def test_no_address_tells_a_room_that_is_there_from_one_that_is_not(app, path, eve, rule):
    browser = eve.opens_a_browser()
    for method in [method for other, method in DOORS if other == rule]:
        there, nowhere = path(rule), path(rule).replace(path("<room_id>"), str(uuid.uuid4()))
        answers = []
        for here in (there, nowhere):
            if here.startswith("/api/"):
                body = {"content": "x", "clientId": str(uuid.uuid4())} if method in ("POST", "PATCH") else None
                response = eve.calls(method, here.removeprefix("/api/v1"), body)
            else:
                response = browser.posts(here) if method == "POST" else browser.opens(here)
            answers.append((response.status_code, re.sub(r'"[^"]{60,}"', "a CSRF token", response.text)))
        assert answers[0] == answers[1]


def test_what_is_for_all_tells_nothing_about_anybody(app, stranger, ana, room):
    ana.says("secret words", room)
    for rule in FOR_ALL - {"/static/<path:filename>"}:
        response = outside(stranger.client.get, rule.replace("<code>", "guess"))
        assert response.status_code in (200, 302, 404, 405)
        for secret in ("secret words", "Ana", "ana@example.org", room):
            assert secret not in response.text


def test_people_and_messages_are_there_to_be_found(app, path):
    """Or the tests above would prove nothing."""
    with app.app_context():
        assert db.session.query(Person).count() and db.session.query(Message).count()
