"""The one way to Redis, where it is slow: a request waits for so long and no longer, whatever it asks."""

import contextvars

import pytest
from redis.exceptions import ResponseError

from chatapp import redis_link
from chatapp.redis_client import ANSWER_S
from chatapp.redis_link import REQUEST_LASTS_S, REQUEST_S, RedisLink, TimeoutError


@pytest.fixture
def link(app):
    link = RedisLink()
    link.init_app(app)
    link.settings = {"REDIS_URL": "redis://nowhere"}
    link._client = object()
    return link


@pytest.fixture
def slow(link, clock):
    """`slow(seconds)` asks something that is answered after so long; whether it was asked."""

    def ask(seconds):
        def question(_client):
            clock.offset += seconds
            return True

        return link.ask(question, otherwise=False)

    return ask


@pytest.mark.parametrize("step", [0.002, 0.02, 0.06, 0.09, 0.12, 0.149])
def test_a_request_gains_a_quarter_of_a_second_at_most_however_slow_each_step_is(slow, clock, step):
    redis_link.begin_request()
    began = clock.now()
    asked = [slow(step) for _ in range(40)]
    assert clock.now() - began < 0.25
    assert asked[0] and (all(asked) or step > 0.002)


def test_a_request_never_waits_longer_than_the_contract_says():
    assert REQUEST_S + ANSWER_S <= 0.25


def test_the_next_request_asks_again_and_what_is_no_request_always_does(slow, link):
    for _ in range(2):
        redis_link.begin_request()
        assert slow(0.12) and not slow(0.12)
    assert contextvars.Context().run(lambda: [slow(0.12) for _ in range(5)]) == [True] * 5  # as another thread
    assert not link.away


def test_a_request_that_lasts_may_wait_anew(slow, clock):
    redis_link.begin_request()
    assert slow(0.12) and not slow(0.12)
    clock.offset += REQUEST_LASTS_S
    assert slow(0.12) and not slow(0.12)


def test_waiting_in_vain_counts_too(link, clock):
    def refused(_client):
        clock.offset += 0.12
        raise ResponseError("OOM")

    redis_link.begin_request()
    assert link.ask(refused, otherwise=1) == 1
    assert link.ask(lambda _: 2) is None


def test_away_is_still_away(link):
    def silent(_client):
        raise TimeoutError

    redis_link.begin_request()
    assert link.ask(silent, otherwise=1) == 1 and link.away


def test_every_request_and_every_command_begins_anew(app, ana, monkeypatch):
    begun = []
    monkeypatch.setattr(redis_link, "Waiting", begun.append)
    ana.gets("/me")
    assert len(begun) == 1
    ana.tab.asks("typing", {})
    assert len(begun) > 1
