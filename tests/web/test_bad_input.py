"""What no well-behaved client sends: for every event and every route with a body. The answer is the contract's error with
the field at fault, nothing is lost, nobody else notices, and never is it 500 or `internal`."""

import json
import math

import pytest

from tests.cast import outside

ID = "6f1c2c0e-53a5-4d07-9d0b-0d4f3f0a7c11"
HUGE = 2**63
NO_TEXT = [None, 1, 0, 1.5, True, [], ["a"], {}, {"a": 1}, math.nan]
NO_NUMBER = ["1", "", 1.5, 1.0, True, False, [], [1], {}, -1, HUGE, -HUGE, 10**30, math.nan, math.inf, -math.inf]
NO_SWITCH = [0, 1, "true", "", 1.0, [], {}]
NO_LIST = ["", "1,2", 1, True, {}, {"0": 1}]
BROKEN_TEXT = ["\x00", "a\x00b", "\ud800", "x\udfff"]
NEEDED, FREE = "needed", "free"  # whether a field may be missing or null

EVENTS = {
    "joinSession": {"sessionId": (NO_TEXT + BROKEN_TEXT, NEEDED), "afterRev": (NO_NUMBER, FREE)},
    "leaveSession": {"sessionId": (NO_TEXT + BROKEN_TEXT, NEEDED)},
    "syncSession": {
        "sessionId": (NO_TEXT + BROKEN_TEXT, NEEDED),
        "afterRev": ([None, *NO_NUMBER], NEEDED),
        "streams": ([*NO_LIST, [1], [{}], [None], [{"messageId": "1", "gen": 0, "length": 0}], [{}] * 101], None),
    },
    "sendMessage": {
        "sessionId": (NO_TEXT + BROKEN_TEXT, NEEDED),
        "content": (["", " \n", *NO_TEXT, *BROKEN_TEXT], NEEDED),
        "clientId": (["", "x", ID + "0", *NO_TEXT, *BROKEN_TEXT], NEEDED),
        "replyTo": ([0, *NO_NUMBER], FREE),
    },
    "editMessage": {"messageId": ([None, 0, *NO_NUMBER], NEEDED), "content": (["", *NO_TEXT, *BROKEN_TEXT], NEEDED)},
    "removeMessage": {"messageId": ([None, 0, *NO_NUMBER], NEEDED)},
    "typing": {"sessionId": (NO_TEXT + BROKEN_TEXT, NEEDED), "isTyping": ([None, *NO_SWITCH], NEEDED)},
    "stopTyping": {"sessionId": (NO_TEXT + BROKEN_TEXT, NEEDED)},
}
ROUTES = {
    ("POST", "/sessions"): {
        "name": (["", "a\nb", "x" * 81, *NO_TEXT, *BROKEN_TEXT], NEEDED),
        "kind": (["", "Open", "secret", *NO_TEXT, *BROKEN_TEXT], NEEDED),
        "topic": (["a\nb", "x" * 301, *NO_TEXT, *BROKEN_TEXT], None),
        "memberIds": (
            [None, *NO_LIST, [None], ["1"], [1.0], [True], [0], [-1], [HUGE], [[1]], [10**15], [1] * 1001],
            None,
        ),
    },
    ("PATCH", "/sessions/{room}"): {
        "name": (["", "a\nb", "x" * 81, *NO_TEXT[1:], *BROKEN_TEXT], FREE),
        "topic": (["a\nb", "x" * 301, *NO_TEXT[1:], *BROKEN_TEXT], FREE),
        "archived": (NO_SWITCH, FREE),
    },
    ("POST", "/sessions/{room}/messages"): {
        name: EVENTS["sendMessage"][name] for name in ("content", "clientId", "replyTo")
    },
    ("PATCH", "/messages/{message}"): {"content": EVENTS["editMessage"]["content"]},
    ("POST", "/sessions/{room}/typing"): {"isTyping": ([None, *NO_SWITCH], None)},
}
WRONG_BODIES = [
    b"", b"{", b"}", b"nul", b"[]", b"[{}]", b"null", b"true", b"1", b'"text"', b"NaN", b"\xff\xfe", b"\x80", b"{'a': 1}",
    b"[" * 60_000, b'{"a":' * 20_000, b"1" * 5_000, b'{"content": ' + b"9" * 5_000 + b"}", b"content=hi", b"\x00",
]  # fmt: skip


def wrong_fields(table):
    return [(what, field, values) for what, fields in table.items() for field, (values, _) in fields.items()]


def named(value):
    """Names a test after its event or route and its field."""
    return " ".join(value) if isinstance(value, tuple) else value if isinstance(value, str) else ""


def needed_fields(table):
    return [
        (what, field) for what, fields in table.items() for field, (_, needed) in fields.items() if needed == NEEDED
    ]


@pytest.fixture
def said(ana, ben, room):
    ben.enters(room)
    message = ana.says("hi", room)
    ben.hears_all()
    return message


@pytest.fixture
def good(said, room):
    """A payload for everything."""
    given = {
        "sessionId": room,
        "messageId": said["id"],
        "content": "new",
        "clientId": ID,
        "isTyping": True,
        "afterRev": 0,
    }
    return given | {"name": "Attic", "kind": "closed", "topic": "", "memberIds": []}


@pytest.fixture
def unharmed(ana, ben, said, room):
    """Afterwards nothing is changed, and nobody has noticed."""
    yield
    assert ana.gets(f"/sessions/{room}/messages") == {"messages": [said], "hasMore": False, "lastRev": 1}
    session = ana.gets(f"/sessions/{room}")["session"]
    assert (session["name"], session["topic"], session["archived"]) == ("Kitchen", "", False)
    assert [one["name"] for one in ana.gets("/sessions")["sessions"]] == ["Kitchen"]
    assert {name for name, _ in ben.hears_all()} <= {"userOnline"}
    assert ana.tab.is_open and ben.tab.is_open


@pytest.mark.parametrize(("event", "field", "values"), wrong_fields(EVENTS), ids=named)
def test_an_event_with_a_wrong_field_is_refused_by_its_name(ana, good, unharmed, event, field, values):
    for value in values:
        ack = ana.asks(event, good | {field: value})
        assert ack["ok"] is False and ack["error"].pop("message"), (value, ack)
        assert ack["error"] == {"code": "invalid", "field": field}, (value, ack)


@pytest.mark.parametrize(("event", "field"), needed_fields(EVENTS))
def test_an_event_with_a_missing_field_is_refused_by_its_name(ana, good, unharmed, event, field):
    ana.is_refused(event, {name: value for name, value in good.items() if name != field}, "invalid", field)


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_with_no_object_is_refused(ana, said, unharmed, event):
    for payload in (None, [], [[]], "", "text", 0, 1.5, True, math.nan, b"bytes"):
        ana.is_refused(event, payload, "invalid")


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_with_deep_nesting_is_refused(ana, good, unharmed, event):
    field = next(iter(EVENTS[event]))
    nested = []
    for _ in range(400):
        nested = [nested]
    ana.is_refused(event, good | {field: nested}, "invalid", field)


@pytest.mark.parametrize("event", EVENTS)
def test_fields_that_may_be_free_may_be_null_or_missing(ana, good, said, event):
    for field, (_, needed) in EVENTS[event].items():
        if needed == FREE:
            assert ana.asks(event, good | {field: None})["ok"]
    assert ana.asks(event, {name: good[name] for name, (_, needed) in EVENTS[event].items() if needed == NEEDED})["ok"]


def send(somebody, route, body, room, said, **how):
    path = "/api/v1" + route[1].format(room=room, message=said["id"])
    headers = {"Authorization": f"Bearer {somebody.token}", "Content-Type": "application/json"}
    client = somebody.app.test_client()
    return outside(client.open, path, method=route[0], data=body, headers=headers, **how)


def refusal(response, status=422, code="invalid"):
    assert (response.status_code, response.json["error"]["code"]) == (status, code), response.text[:300]
    return response.json["error"]


@pytest.mark.parametrize(("route", "field", "values"), wrong_fields(ROUTES), ids=named)
def test_a_body_with_a_wrong_field_is_refused_by_its_name(ana, good, said, room, unharmed, route, field, values):
    for value in values:
        body = {name: good[name] for name in ROUTES[route] if name in good} | {field: value}
        error = refusal(send(ana, route, json.dumps(body), room, said))
        assert error.pop("message") and error == {"code": "invalid", "field": field}, value


@pytest.mark.parametrize(("route", "field"), needed_fields(ROUTES))
def test_a_body_with_a_missing_field_is_refused_by_its_name(ana, good, said, room, unharmed, route, field):
    body = {name: good[name] for name in ROUTES[route] if name in good and name != field}
    assert refusal(send(ana, route, json.dumps(body), room, said))["field"] == field


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_body_that_is_no_json_object_is_refused(ana, said, room, unharmed, route):
    for body in WRONG_BODIES:
        if body or not route[1].endswith("/typing"):  # no body at all means that one types
            refusal(send(ana, route, body, room, said))


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_body_over_128_kilobytes_is_too_large(ana, good, said, room, unharmed, route):
    body = json.dumps({name: good[name] for name in ROUTES[route] if name in good} | {"more": "x" * 130 * 1024})
    refusal(send(ana, route, body, room, said), 413, "too_large")


@pytest.mark.parametrize(
    ("content", "status", "code"), [("x" * 10_001, 413, "too_large"), ("😀" * 10_000, 413, "too_large")]
)
def test_too_much_text_is_too_large_at_every_door(ana, said, room, unharmed, content, status, code):
    for route in (("POST", "/sessions/{room}/messages"), ("PATCH", "/messages/{message}")):
        error = refusal(send(ana, route, json.dumps({"content": content, "clientId": ID}), room, said), status, code)
        assert error["field"] == "content"


@pytest.mark.parametrize(
    "path", ["/sessions/{}", "/sessions/{}/messages", "/sessions/{}/online", "/messages/{}", "/sessions/{}/members/1"]
)
def test_an_address_that_cannot_be_is_not_found(ana, said, path):
    method = "DELETE" if "members" in path or path.startswith("/messages") else "GET"
    for place in ("%00", "%ed%a0%80", "%ff", "..", "%2e%2e", "x" * 5_000, "%0a", "' OR 1=1 --", "%F0%9F%98%80"):
        response = ana.calls(method, path.format(place))
        assert (response.status_code, response.json["error"]["code"]) in ((404, "not_found"), (405, "invalid")), place


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "1e3", str(HUGE), "9" * 400, "٣", "abc"])
def test_an_id_that_cannot_be_is_not_found(ana, room, number):
    for method, path in (("DELETE", f"/messages/{number}"), ("PUT", f"/sessions/{room}/members/{number}")):
        refusal(ana.calls(method, path), 404, "not_found")


def test_an_unknown_address_and_a_wrong_method_are_told_in_json(ana):
    refusal(ana.calls("GET", "/nowhere"), 404, "not_found")
    assert ana.calls("DELETE", "/me").status_code == 405
    assert set(ana.calls("DELETE", "/me").json["error"]) == {"code", "message"}


@pytest.mark.parametrize("query", ["?q=" + "x" * 81, "?q=%00", "?q=a%0ab"])
def test_a_search_for_what_nobody_can_be_called_is_refused(ana, query):
    assert refusal(ana.calls("GET", f"/people{query}"))["field"] == "q"
