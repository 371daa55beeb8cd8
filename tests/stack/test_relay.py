"""Events between processes: what happens in one reaches the browsers of all, and who may no longer hear is cut off in each."""

import time
import uuid

import pytest

from tests.live.people import House, as_row
from tests.live.test_revocation import is_turned_away
from tests.stack.pairs import REPAIR_S, Chatter, a_pair, listening, wait_until_listening
from tests.stack.servers import Redis


@pytest.fixture(scope="module")
def calm(postgres, template, module_starts, tmp_path_factory):
    """Two processes on a Redis that nobody breaks, shared by this module's tests, and that Redis."""
    redis = Redis(tmp_path_factory.mktemp("redis")).start()
    database = postgres.makes(f"calm_{uuid.uuid4().hex}", template)
    made = [House(server) for server in module_starts(2, DATABASE_URL=database, REDIS_URL=redis.url)]
    wait_until_listening(redis, 2)
    yield *made, redis
    redis.end()


@pytest.fixture
def pair(calm):
    """(Ana in the one process, Ben in the other, a room with both of them, where both listen)."""
    one, two, _ = calm
    return a_pair(one, two)


def test_every_event_crosses(calm, pair):
    _, two, _ = calm
    ana, ben, room = pair
    own = ana.opens_a_tab()
    own.enters(room)
    said = ana.says("Grüße — 你好 🎈", room)
    assert ben.hears("newMessage")["message"] == said
    changed = ana.asks("editMessage", {"messageId": said["id"], "content": "Other words"})["message"]
    assert ben.hears("messageUpdated")["message"] == changed
    gone = ana.asks("removeMessage", {"messageId": said["id"]})["message"]
    assert ben.hears("messageUpdated")["message"] == gone
    assert ana.asks("typing", {"sessionId": room, "isTyping": True})["ok"]
    assert ben.hears("typing", isTyping=True)["user"]["id"] == ana.id
    assert ana.asks("stopTyping", {"sessionId": room})["ok"]
    ben.hears("typing", isTyping=False)
    cleo = two.somebody("Cleo")
    assert cleo.tab.is_open
    ana.tab.forgets()
    ana.calls("PUT", f"/sessions/{room}/members/{cleo.id}")
    assert cleo.hears("sessionUpdated")["session"]["id"] == room
    cleo.enters(room)
    assert ana.hears("userOnline", within=10)["user"]["id"] == cleo.id
    ana.calls("DELETE", f"/sessions/{room}/members/{cleo.id}")
    assert cleo.hears("sessionRemoved") == {"sessionId": room}
    assert ana.hears("userOffline", within=10)["user"]["id"] == cleo.id
    ana.calls("PATCH", f"/sessions/{room}", {"topic": "Crossing"})
    ben.hears("sessionUpdated")


def test_the_typist_does_not_hear_himself_in_any_process(calm, pair):
    _, two, _ = calm
    ana, ben, room = pair
    elsewhere = two.somebody("Ana's other browser")
    elsewhere.token = ana.token
    elsewhere.enters(room)
    assert ana.asks("typing", {"sessionId": room, "isTyping": True})["ok"]
    ben.hears("typing", isTyping=True)
    ana.says("Done", room)
    elsewhere.hears("newMessage")
    assert elsewhere.tab.heard("typing") == ana.tab.heard("typing") == []


def test_two_who_speak_at_once_in_two_processes_are_read_in_one_order(calm, pair, note):
    one, _, _ = calm
    ana, ben, room = pair
    with Chatter(room, ana, ben, pause=0) as chatter:
        time.sleep(3)
    latest = chatter.latest(ana.tab, ben.tab)
    rows = one.rows(room)
    assert [row[1] for row in rows] == list(range(1, len(rows) + 1)) and len(rows) == len(chatter.said)
    note(
        f"relay: {len(rows)} messages of two processes, each heard in both, the last {1000 * latest:.0f} ms after its ack"
    )


def test_everybody_reads_the_same_words_whichever_process(calm, pair):
    one, _, _ = calm
    ana, ben, room = pair
    for number in range(20):
        (ana, ben)[number % 2].says(f"Number {number}", room)
    for reader in (ana, ben):
        heard = [reader.hears("newMessage")["message"] for _ in range(20)]
        assert sorted(map(as_row, heard), key=lambda row: row[1]) == one.rows(room)


def test_garbage_in_the_channel_ends_nothing(calm, pair):
    *_, redis = calm
    ana, ben, room = pair
    (channel,) = redis.client.pubsub_channels("chatapp:*")
    for garbage in (
        b"",
        b"\xff",
        b"null",
        b"[" * 50_000,
        b'{"from": 1}',
        b'{"from":"x","event":"newMessage","data":{}}',
    ):
        redis.client.publish(channel, garbage)
    redis.client.publish("another channel", b"{}")
    said = ana.says("Still there?", room)
    assert ben.hears("newMessage")["message"] == said
    assert listening(redis) == 2


def sign_out(one, browser, ben):
    browser.posts("/sign-out")


def revoke_token(one, browser, ben):
    one.server.flask("tokens", "revoke", str(ben.token_id))


def deactivate(one, browser, ben):
    olga = one.somebody("Olga", is_admin=True).opens_a_browser()
    assert olga.posts(f"/people/{ben.id}/deactivate", page="/people").ok


def deactivate_by_command(one, browser, ben):
    one.server.flask("users", "deactivate", ben.email)


@pytest.mark.parametrize("ended", [sign_out, revoke_token, deactivate, deactivate_by_command])
def test_who_may_no_longer_is_gone_from_the_other_process(calm, pair, ended, note):
    one, *_ = calm
    _, ben, room = pair
    browser = ben.opens_a_browser()
    tab = browser.opens_a_tab() if ended is sign_out else ben.opens_a_tab()
    tab.enters(room)
    browser.url = one.url  # the same cookie, shown to the other process
    ended(one, browser, ben)
    began = time.monotonic()
    while tab.is_open:
        assert time.monotonic() - began < 5
        time.sleep(0.01)
    took = time.monotonic() - began
    assert is_turned_away(tab)
    note(f"relay: {ended.__name__}: gone from the other process {1000 * took:.0f} ms after the answer")


@pytest.mark.parametrize("by_command", [False, True])
def test_who_is_put_out_hears_no_more_in_any_process(calm, pair, by_command, note):
    one, *_ = calm
    ana, ben, room = pair
    olga = one.somebody("Olga")
    ana.calls("PUT", f"/sessions/{room}/members/{olga.id}")
    olga.enters(room)
    here = one.somebody("Ben's other browser")
    here.token = ben.token
    here.enters(room)
    if by_command:
        one.server.flask("rooms", "remove", room, ben.email)
    else:
        ana.calls("DELETE", f"/sessions/{room}/members/{ben.id}")
    began = time.monotonic()
    assert ben.hears("sessionRemoved") == here.hears("sessionRemoved") == {"sessionId": room}
    note(f"relay: put out: told in both processes {1000 * (time.monotonic() - began):.0f} ms after the answer")
    ana.says("Is he gone?", room)
    olga.hears("newMessage")
    time.sleep(REPAIR_S)  # nor does the repair tell him
    assert ben.tab.heard("newMessage") == here.tab.heard("newMessage") == []
    assert ben.asks("joinSession", {"sessionId": room})["error"]["code"] == "not_found"
