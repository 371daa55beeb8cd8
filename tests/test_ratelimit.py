"""How fast one person may speak: 10 at once and 5 a second on end are free."""

import uuid

import pytest

from chatapp import ratelimit


@pytest.fixture
def limited(app, monkeypatch):
    monkeypatch.setitem(app.config, "RATE_LIMITS", True)


@pytest.fixture(autouse=True)
def clock(app, monkeypatch):
    """Time that stands still but for what the test lets pass."""

    class Standing:
        moment = 1_000.0

        def passes(self, seconds):
            self.moment += seconds

    standing = Standing()
    monkeypatch.setattr("time.monotonic", lambda: standing.moment)
    return standing


def speaks(somebody, room, content="hi", client_id=None):
    given = {"sessionId": room, "content": content, "clientId": client_id or str(uuid.uuid4())}
    return somebody.asks("sendMessage", given)


def test_ten_at_once_are_free_and_the_next_waits(limited, ana, room):
    assert all(speaks(ana, room)["ok"] for _ in range(10))
    error = speaks(ana, room)["error"]
    assert error["code"] == "rate_limited" and 0 < error["retryAfter"] <= 0.2


def test_after_the_time_named_the_next_is_free(limited, ana, room, clock):
    while (ack := speaks(ana, room))["ok"]:
        pass
    clock.passes(ack["error"]["retryAfter"] + 0.001)
    assert speaks(ana, room)["ok"]
    assert not speaks(ana, room)["ok"]


def test_five_a_second_on_end_are_free(limited, ana, room, clock):
    for _ in range(60):
        assert speaks(ana, room)["ok"]
        clock.passes(0.2)


def test_a_long_silence_saves_up_no_more_than_ten(limited, ana, room, clock):
    speaks(ana, room)
    clock.passes(3_600)
    assert [speaks(ana, room)["ok"] for _ in range(11)] == [True] * 10 + [False]


def test_one_persons_haste_costs_nobody_else(limited, ana, ben, room):
    for _ in range(12):
        speaks(ana, room)
    assert speaks(ben, room)["ok"]


def test_all_doors_and_tabs_count_together(limited, ana, room):
    other = ana.opens_a_tab()
    for n in range(10):
        (ana.tab if n % 2 else other).asks(
            "sendMessage", {"sessionId": room, "content": "x", "clientId": str(uuid.uuid4())}
        )
    response = ana.calls("POST", f"/sessions/{room}/messages", {"content": "x", "clientId": str(uuid.uuid4())})
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert response.json["error"]["code"] == "rate_limited" and response.json["error"]["retryAfter"] > 0


def test_a_repetition_is_acknowledged_also_when_too_fast(limited, ana, room):
    first = speaks(ana, room, "said", "11111111-1111-4111-8111-111111111111")["message"]
    while speaks(ana, room)["ok"]:
        pass
    assert speaks(ana, room, "said", first["clientId"])["message"] == first
    assert speaks(ana, room, "other", first["clientId"])["error"]["code"] == "conflict"


def test_a_repetition_costs_nothing(limited, ana, room):
    first = speaks(ana, room, "said", "11111111-1111-4111-8111-111111111111")
    for _ in range(20):
        assert speaks(ana, room, "said", first["message"]["clientId"])["ok"]
    assert [speaks(ana, room)["ok"] for _ in range(10)] == [True] * 9 + [False]


def test_edits_are_counted_by_themselves_and_removals_are_free(limited, ana, room):
    said = speaks(ana, room)["message"]
    for n in range(10):
        ana.edits(said, f"version {n}")
    ana.is_refused("editMessage", {"messageId": said["id"], "content": "one too many"}, "rate_limited")
    assert ana.removes(said)["removed"]


def test_switched_off_nothing_is_counted(ana, room):
    assert all(speaks(ana, room)["ok"] for _ in range(30))


def test_what_is_full_again_is_forgotten(limited, inside, clock, monkeypatch):
    monkeypatch.setattr(ratelimit, "FORGET_ABOVE", 3)
    for person_id in range(4):
        ratelimit.take(person_id)
    clock.passes(10)
    ratelimit.take(99)
    assert set(ratelimit._buckets) == {(99, "send")}


def test_giving_back_never_makes_more_than_ten(inside, limited):
    ratelimit.give_back(1)
    ratelimit.take(1)
    for _ in range(5):
        ratelimit.give_back(1)
    assert ratelimit.allowance((1, "send"), 1_000.0) == ratelimit.RATES["send"][0]
