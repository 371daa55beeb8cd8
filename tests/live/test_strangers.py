"""Who may open a connection at all: what is shown at the door counts, on both transports."""

import pytest
import socketio

from tests.live.people import Browser
from tests.live.tabs import Tab

FOREIGN, FRIEND = "https://evil.example", "https://friend.example"
TRANSPORTS = ("websocket", "polling")


@pytest.fixture(scope="module")
def settings():
    return {"CORS_ORIGIN": FRIEND}


def from_page(origin, transport):
    """What has a client come as a page of `origin`."""
    return {"origin": origin} if transport == "websocket" else {"headers": {"Origin": origin}}


def is_refused(url, **how):
    with pytest.raises(socketio.exceptions.ConnectionError):
        Tab(url, **how)


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


def test_one_who_shows_nothing_is_refused(house, transport):
    is_refused(house.url, transport=transport)


def test_one_who_shows_a_token_that_is_none_is_refused(house, ana, transport):
    for token in ("nonsense", ana.token[:-1], ana.token + "x", "\x00", "ž" * 10_000):
        is_refused(house.url, token=token, transport=transport)


def test_one_who_shows_a_cookie_that_is_none_is_refused(house, transport):
    is_refused(house.url, headers={"Cookie": "chatapp_device=nonsense"}, transport=transport)


def test_a_deactivated_account_is_refused(house, transport):
    gone = house.somebody("Gone", active=False)
    is_refused(house.url, token=gone.token, transport=transport)


def test_a_foreign_page_is_refused_whatever_it_shows(house, ana, transport):
    is_refused(house.url, token=ana.token, transport=transport, **from_page(FOREIGN, transport))
    browser = ana.opens_a_browser()
    how = from_page(FOREIGN, transport)
    headers = {"Cookie": browser.cookie} | how.pop("headers", {})
    is_refused(house.url, headers=headers, transport=transport, **how)


@pytest.mark.parametrize(
    "origin", ["null", "http://127.0.0.1", "http://127.0.0.1:1", "http://localhost", "nonsense", "https://"]
)
def test_what_only_looks_like_our_page_is_foreign(house, ana, transport, origin):
    is_refused(house.url, token=ana.token, transport=transport, **from_page(origin, transport))


def test_a_page_of_a_named_origin_uses_tokens_never_the_cookie(house, ana, transport):
    assert ana.opens_a_tab(transport=transport, **from_page(FRIEND, transport)).is_open
    how = from_page(FRIEND, transport)
    headers = {"Cookie": ana.opens_a_browser().cookie} | how.pop("headers", {})
    is_refused(house.url, headers=headers, transport=transport, **how)


def test_a_program_without_an_origin_shows_its_token(house, ana):
    assert ana.opens_a_tab(transport="polling", headers={"Origin": None}).is_open


def test_the_cookie_counts_from_our_own_page_only(house, ana, transport):
    browser = ana.opens_a_browser()
    assert browser.opens_a_tab(transport=transport).is_open
    is_refused(house.url, headers={"Cookie": browser.cookie, "Origin": None}, transport="polling")


def test_a_token_that_is_wrong_is_not_made_good_by_a_cookie(house, ana, transport):
    headers = {"Cookie": ana.opens_a_browser().cookie}
    is_refused(house.url, token="nonsense", headers=headers, transport=transport)


def test_a_browser_that_was_never_signed_in_is_refused(house):
    stranger = Browser(house.url)
    stranger.gets("/sign-in")
    with pytest.raises(socketio.exceptions.ConnectionError):
        stranger.opens_a_tab()
