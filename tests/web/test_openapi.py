"""The API's description is true: every address is in it, its examples are taken, and what is answered is as it says."""

import copy
import re

import jsonschema
import pytest

from chatapp import ratelimit
from chatapp.errors import RateLimited

PREFIX = "/api/v1"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
LAST = (("DELETE", "members/{userId}"), ("DELETE", "messages/{messageId}"), ("DELETE", "sessions/{sessionId}"))
A_CLIENT_ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def spec(stranger):
    return stranger.opens(f"{PREFIX}/openapi.json").json


@pytest.fixture
def places(ana, ben, room):
    """What stands for the parameters of an address."""
    ana.here = room
    message_id = ana.says("first", clientId=A_CLIENT_ID)["id"]
    return {"sessionId": room, "messageId": message_id, "userId": ben.id, "stream": ana.begins()["id"]}


def operations(spec):
    """(method, path, operation), those that take something away at the end: what is gone cannot be changed."""
    found = [(method.upper(), path, one) for path, item in spec["paths"].items() for method, one in item.items()]
    return sorted(found, key=lambda one: [one[0] == method and one[1].endswith(end) for method, end in LAST[::-1]])


def example_of(operation):
    return operation["requestBody"]["content"]["application/json"]["example"] if "requestBody" in operation else None


def address(path, places):
    """A described path with real places in it, below the prefix."""
    if "/stream" in path and "messageId" in path:
        places = places | {"messageId": places.get("stream", places["messageId"])}
    return re.sub(r"{(\w+)}", lambda name: str(places[name[1]]), path).removeprefix(PREFIX)


def check(response, operation, spec):
    """What came is described, status and all; a field without a description is an error too."""
    media = operation["responses"][str(response.status_code)]["content"][response.mimetype]
    if "schema" in media:
        components = copy.deepcopy(spec["components"])
        for schema in components["schemas"].values():
            schema["additionalProperties"] = False
        jsonschema.Draft202012Validator(media["schema"] | {"components": components}).validate(response.json)


def test_it_names_every_address_and_no_other(app, spec):
    taken = {
        (method, re.sub(r"<(?:\w+:)?(\w)(\w*?)_?id>", r"{\1\2Id}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX)
        for method in rule.methods & METHODS
    }
    assert {(method, path) for method, path, _ in operations(spec)} == taken


def test_every_field_and_parameter_is_explained(spec):
    for name, schema in spec["components"]["schemas"].items():
        assert all(one.get("description") for one in schema["properties"].values()), name
    for _, path, operation in operations(spec):
        assert operation["summary"]
        assert all(one["description"] for one in operation.get("parameters", ())), path


def test_every_operation_has_a_name_of_its_own(spec):
    names = [operation["operationId"] for _, _, operation in operations(spec)]
    assert len(names) == len(set(names))


def test_every_example_is_taken_and_answered_as_described(ana, spec, places):
    for method, path, operation in operations(spec):
        response = ana.calls(method, address(path, places), example_of(operation))
        assert response.status_code < 300, (method, path, response.text)
        check(response, operation, spec)
        response.close()  # some have no end


def test_what_was_there_before_is_answered_as_described(ana, ben, spec, places):
    said = {"content": "first", "clientId": A_CLIENT_ID}
    direct = {"kind": "direct", "memberIds": [ben.id]}
    for path, body, statuses in (("/sessions/{sessionId}/messages", said, [200]), ("/sessions", direct, [201, 200])):
        for status in statuses:
            response = ana.calls("POST", address(path, places), body)
            assert response.status_code == status
            check(response, spec["paths"][PREFIX + path]["post"], spec)


def test_edited_and_removed_messages_are_as_described(ana, spec, places):
    described = spec["paths"][PREFIX + "/messages/{messageId}"]
    where = f"/messages/{places['messageId']}"
    check(ana.calls("PATCH", where, {"content": "second"}), described["patch"], spec)
    check(ana.calls("DELETE", where), described["delete"], spec)
    listed = ana.calls("GET", f"/sessions/{places['sessionId']}/messages?afterRev=2&limit=1")
    check(listed, spec["paths"][PREFIX + "/sessions/{sessionId}/messages"]["get"], spec)
    assert listed.json["messages"][0]["removed"]


def test_what_comes_too_early_is_refused_as_described(ana, spec, places):
    answer = ana.calls("PATCH", f"/messages/{places['stream']}", {"content": "before it has ended"})
    assert answer.status_code == 409
    check(answer, spec["paths"][PREFIX + "/messages/{messageId}"]["patch"], spec)


def test_too_much_is_refused_as_described(ana, spec, places, monkeypatch):
    monkeypatch.setattr(ratelimit, "take", lambda *_: too_much())
    refused = []
    for method, path, operation in operations(spec):
        answer = ana.calls(method, address(path, places), example_of(operation))
        if answer.status_code == 429:
            check(answer, operation, spec)
            refused.append((method, path.removeprefix(PREFIX)))
        answer.close()
    changes = [("POST", "/sessions"), ("PATCH", "/sessions/{sessionId}"), ("DELETE", "/sessions/{sessionId}")]
    assert {*changes, ("PUT", "/sessions/{sessionId}/members/{userId}"), ("PATCH", "/messages/{messageId}")} < {
        *refused
    }


def too_much():
    raise RateLimited("Slowly, please.", retry_after=1)


def test_strangers_and_foreign_forms_are_refused_as_described(ana, stranger, spec, places):
    browser = ana.opens_a_browser()
    for method, path, operation in operations(spec):
        if operation["security"]:
            where = PREFIX + address(path, places)
            unknown = stranger.opens(where, method=method, headers={"Authorization": "Bearer nothing"})
            assert unknown.status_code == 401
            check(unknown, operation, spec)
            if method != "GET":
                forged = browser.opens(where, method=method, json=example_of(operation))
                assert forged.status_code == 403
                check(forged, operation, spec)


def test_nothing_there_and_nothing_readable_is_refused_as_described(ana, spec, places):
    nowhere = {"sessionId": "nowhere", "messageId": 10**15, "userId": 10**15}
    for method, path, operation in operations(spec):
        if "{" in path:
            response = ana.calls(method, address(path, nowhere), example_of(operation))
            assert response.status_code == 404
            check(response, operation, spec)
        if "requestBody" in operation:
            response = ana.calls(method, address(path, places), data="[1, 2")
            assert response.status_code == 422
            check(response, operation, spec)


@pytest.mark.parametrize(("content", "status"), [("x" * 10_001, 413), ("\0", 422), ("another", 409)])
def test_what_cannot_be_said_is_refused_as_described(ana, spec, places, content, status):
    path = "/sessions/{sessionId}/messages"
    response = ana.calls("POST", address(path, places), {"content": content, "clientId": A_CLIENT_ID})
    assert response.status_code == status
    check(response, spec["paths"][PREFIX + path]["post"], spec)


def test_the_readable_page_is_for_strangers_and_has_nothing_inline(stranger, spec):
    response = stranger.opens(f"{PREFIX}/docs")
    assert response.status_code == 200
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on\w+=", response.text)


def test_the_readable_page_shows_everything_and_every_link_on_it_leads_somewhere(stranger, spec):
    page = stranger.opens(f"{PREFIX}/docs").text
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r' id="([^"]+)"', page))
    shown = page.count('<section class="docs__op"')
    assert shown == len(operations(spec)) + len(spec["components"]["schemas"])
