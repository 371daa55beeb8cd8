"""How fast one may speak: ten at once and five a second are free; above that it is said when to go on."""

import time
import uuid

import pytest

from tests.live.tabs import a_message

FREE = 10


@pytest.fixture(scope="module")
def settings():
    return {"RATE_LIMITS": "on"}


@pytest.fixture
def hasty(ana, room):
    """Ana has just used up what was free; what she sent, and the refusals of what was too much."""
    ana.enters(room)
    given = [a_message(room, f"number {number}") for number in range(3 * FREE)]
    acks = [answer.wait() for answer in [ana.tab.sends("sendMessage", one) for one in given]]
    refused = [(one, ack["error"]) for one, ack in zip(given, acks, strict=True) if not ack["ok"]]
    assert all(ack["ok"] for ack in acks[:FREE])
    assert refused
    return given, refused


def test_above_what_is_free_one_is_told_when_to_go_on_and_then_it_goes(ana, room, hasty):
    _, refused = hasty
    assert {error["code"] for _, error in refused} == {"rate_limited"}
    given, error = refused[-1]
    assert 0 < error["retryAfter"] <= 1
    time.sleep(error["retryAfter"])
    assert ana.asks("sendMessage", given)["ok"]


def test_what_was_already_said_is_answered_even_then(ana, room, hasty):
    given, refused = hasty
    first = ana.enters(room, afterRev=0)["messages"][0]
    answers = [ana.tab.sends("sendMessage", one) for one in (given[0], refused[-1][0], given[0])]
    acks = [answer.wait() for answer in answers]
    assert acks[0] == acks[2] == {"ok": True, "message": first}


def test_over_http_it_is_429_with_retry_after(ana, room, hasty):
    new = {"content": "More", "clientId": str(uuid.uuid4())}
    sent = [
        ana.calls("POST", f"/sessions/{room}/messages", new | {"clientId": str(uuid.uuid4())}) for _ in range(3 * FREE)
    ]
    refused = next(one for one in sent if one.status_code != 201)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) >= 1


def test_the_haste_of_one_does_not_slow_another(ben, room, hasty):
    assert all(ben.says(f"number {number}", room) for number in range(FREE))


def test_five_a_second_on_end_are_free(ana, room, hasty):
    time.sleep(0.3)
    for number in range(10):
        ana.says(f"number {number}")
        time.sleep(0.21)
