"""Offline, the server stopped, the server killed: what was written waits, is sent once and in order; nothing is missed."""

import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.workplace import Workplace

CONTENTS = [f"Meanwhile {number}" for number in range(1, 6)]


def says_by_program(somebody, room, *contents) -> list[int]:
    said = [{"content": one, "clientId": str(uuid.uuid4())} for one in contents]
    return [somebody.calls("POST", f"/sessions/{room}/messages", one).json()["message"]["id"] for one in said]


def edits_by_program(somebody, message_id, content):
    assert somebody.calls("PATCH", f"/messages/{message_id}", {"content": content}).ok


def removes_by_program(somebody, message_id):
    assert somebody.calls("DELETE", f"/messages/{message_id}").ok


def test_what_is_written_offline_waits_and_is_sent_once_in_order(together, room):
    ana, ben = together
    ana.goes_offline()
    expect(ana.indicator).to_have_text("You are offline — what you write waits here")
    ana.says("Offline 1")
    expect(ana.indicator).to_have_text("You are offline — 1 message is waiting here and will be sent")
    ana.says("Offline 2")
    expect(ana.indicator).to_have_text("You are offline — 2 messages are waiting here and will be sent")
    expect(ana.pending).to_have_count(2)
    ben.says("In between")
    ben.sees("In between")
    ana.goes_online()
    ben.sees("Offline 2")
    expect(ana.indicator).to_be_empty()
    for one in together:
        one.agrees_with_the_server(room)
        assert one.texts() == ["In between", "Offline 1", "Offline 2"]


def test_what_happened_while_one_was_offline_is_there_afterwards(house, together, room, cleo):
    """More than one answer holds, edits and removals included."""
    ana, _ = together
    old = says_by_program(cleo, room, "To be edited", "To be removed", "Stays")
    ana.sees("Stays")
    ana.goes_offline()
    edits_by_program(cleo, old[0], "Edited")
    house.fill(room, cleo, 220)
    removes_by_program(cleo, old[1])
    says_by_program(cleo, room, "The newest")
    ana.goes_online()
    ana.comes_back()
    ana.sees("The newest")
    assert [one["seq"] for one in ana.shows()] == list(range(1, 225))
    assert ana.texts()[:3] == ["Edited", "This message was removed.", "Stays"]
    ana.agrees_with_the_server(room)


def test_a_very_long_absence_shows_the_present_without_a_hole(house, together, room, cleo):
    ana, _ = together
    says_by_program(cleo, room, "Old")
    ana.sees("Old")
    ana.goes_offline()
    house.fill(room, cleo, 900)
    says_by_program(cleo, room, "The newest")
    ana.goes_online()
    ana.comes_back()
    ana.sees("The newest")
    ana.agrees_with_the_server(room)
    assert ana.distance_to_end() < 1


def test_a_message_waits_while_the_server_is_stopped_and_is_sent_once(shaky_house, at_browser):
    ana, room = at_browser(shaky_house, shaky_house.somebody("Ana Novak")), None
    ana.knows_the_server_may_die()
    room = ana.somebody.makes()
    ana.opens(room)
    shaky_house.server.stop()
    ana.says("Waiting", "Waiting too")
    expect(ana.indicator).to_contain_text("2 messages are waiting here and will be sent")
    expect(ana.pending).to_have_count(2)
    shaky_house.server.start()
    ana.comes_back()
    expect(ana.pending).to_have_count(0)
    ana.agrees_with_the_server(room)
    assert ana.texts() == ["Waiting", "Waiting too"]


def test_what_waits_outlives_the_tab(together, room):
    """Closed offline, opened again later: at any page, the message is sent."""
    ana, ben = together
    ana.goes_offline()
    ana.says("From a closed tab")
    expect(ana.pending).to_have_count(1)
    ana.page.close()
    ana.goes_online()
    ana.page = ana.context.new_page()
    ana.goes_to("/account")
    ben.sees("From a closed tab")
    ana.opens(room)
    ana.agrees_with_the_server(room)
    assert ana.texts() == ["From a closed tab"]


@pytest.fixture
def shaky_pair(shaky_house, at_browser):
    ana, ben = (at_browser(shaky_house, shaky_house.somebody(name)) for name in ("Ana Novak", "Ben Okafor"))
    for one in (ana, ben):
        one.knows_the_server_may_die()
    return ana, ben


def test_a_killed_server_comes_back_and_nothing_is_doubled_or_missed(shaky_house, shaky_pair):
    ana, ben = shaky_pair
    cleo = shaky_house.somebody("Cleo Haas")
    room = ana.somebody.makes(ben.somebody, cleo)
    for one in shaky_pair:
        one.opens(room)
    ana.says("Before 1", "Before 2", "Before 3")
    ben.sees("Before 3")
    shaky_house.server.kill()
    ana.says("Ana wrote this to nobody")
    ben.says("Ben wrote this to nobody")
    shaky_house.server.start()
    first, second, _ = [one["id"] for one in ana.shows()]
    for message_id in (first, second):
        at = ana.somebody.calls("PATCH", f"/messages/{message_id}", {"content": "Edited meanwhile"})
        assert at.ok
    removes_by_program(ana.somebody, second)
    says_by_program(cleo, room, *CONTENTS)
    for one in shaky_pair:
        one.comes_back()
    for one in shaky_pair:
        one.sees("Ana wrote this to nobody")
        one.sees("Ben wrote this to nobody")
        one.agrees_with_the_server(room)
    assert ana.shows() == ben.shows()
    texts = ana.texts()
    assert texts[:3] == ["Edited meanwhile", "This message was removed.", "Before 3"]
    assert sorted(texts[3:]) == sorted([*CONTENTS, "Ana wrote this to nobody", "Ben wrote this to nobody"])


def test_an_answer_lost_on_its_way_does_not_double_the_message(shaky_house, shaky_pair):
    """The server takes the message and dies before its answer is out."""
    ana, ben = shaky_pair
    room = ana.somebody.makes(ben.somebody)
    ana.opens(room)
    with shaky_house.holding_its_breath():
        ana.says("Only once")
        expect(ana.pending).to_have_count(1)
        client_id = ana.pending.get_attribute("data-client")
        shaky_house.server.kill()
    shaky_house.server.start()
    # What a server that died after its commit leaves behind.
    said = {"content": "Only once", "clientId": client_id}
    assert ana.somebody.calls("POST", f"/sessions/{room}/messages", said).status_code in (200, 201)
    ana.comes_back()
    ben.opens(room)
    for one in shaky_pair:
        one.agrees_with_the_server(room)
        assert one.texts() == ["Only once"]


def test_two_tabs_share_what_waits_and_send_it_once(ana, room):
    ana.opens(room)
    tab = ana.opens_a_tab().opens(room)
    expect(ana.page.locator(".presence__count")).to_have_text("1 here")
    ana.goes_offline()
    ana.says("From the first tab")
    tab.says("From the second tab")
    for one in (ana, tab):
        expect(one.pending).to_have_count(2)
        expect(one.indicator).to_contain_text("2 messages are waiting")
    ana.goes_online()
    for one in (ana, tab):
        one.sees("From the first tab")
        one.sees("From the second tab")
        one.agrees_with_the_server(room)
    assert len(ana.shows()) == 2
    assert ana.shows() == tab.shows()
    assert ana.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('outbox')).length") == 0
    expect(ana.page.locator(".presence__count")).to_have_text("1 here")


def test_what_one_tab_says_the_other_shows_at_once(ana, room):
    ana.opens(room)
    tab = ana.opens_a_tab().opens(room)
    for number in range(5):
        ana.says(f"First {number}")
        tab.says(f"Second {number}")
    for one in (ana, tab):
        expect(one.said).to_have_count(10)
        one.agrees_with_the_server(room)


@pytest.mark.parametrize("is_kept", [False, True], ids=["settled", "still kept"])
def test_what_another_tab_tells_late_is_not_shown_a_second_time(ana, room, is_kept):
    ana.opens(room)
    ana.says("Already here")
    expect(ana.said).to_have_count(1)
    ana.page.evaluate(
        """([person, room, isKept]) => {
          const clientId = document.querySelector(".message[data-client]").dataset.client;
          const entry = { clientId, roomId: room, content: "Already here", at: Date.now(), order: 0, state: "waiting" };
          const [key, newValue] = [`outbox:${person}:${clientId}`, JSON.stringify(entry)];
          if (isKept) localStorage.setItem(key, newValue);
          dispatchEvent(new StorageEvent("storage", { key, newValue, oldValue: null, storageArea: localStorage }));
        }""",
        [ana.somebody.id, room, is_kept],
    )
    ana.agrees_with_the_server(room)
    assert ana.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('outbox')).length") == 0


def test_leaving_shows_after_the_grace_and_a_reload_shows_nothing(together, ana):
    _, ben = together
    count = ana.page.locator(".presence__count")
    expect(count).to_have_text("2 here")
    ana.page.evaluate(
        "window.counts = []; new MutationObserver(() => counts.push(document.querySelector('.presence__count').textContent)).observe(document.querySelector('.presence__count'), {childList: true, characterData: true, subtree: true})"
    )
    ben.page.reload()
    ben.is_connected()
    ben.page.close()
    expect(count).to_have_text("1 here")
    assert set(ana.page.evaluate("counts")) == {"1 here"}


def test_the_side_bar_shows_who_of_a_direct_room_is_here(ana, ben, room):
    made = ana.somebody.calls("POST", "/sessions", {"kind": "direct", "memberIds": [ben.somebody.id]})
    assert made.status_code == 201, made.text
    ana.opens(room)
    entry = ana.side_bar("Ben Okafor")
    expect(entry.locator(".dot--here")).to_have_count(0)
    ben.opens(room)
    expect(entry.locator(".dot--here")).to_have_count(1)
    ben.page.close()
    expect(entry.locator(".dot")).to_have_count(1)
    expect(entry.locator(".dot--here")).to_have_count(0)


def test_who_is_here_is_asked_for_again_quietly_while_it_cannot_be_told(browser, servers, at_browser):
    house = Workplace(servers(REDIS_URL="redis://127.0.0.1:1"))
    somebody = house.somebody("Ana Novak")
    room = somebody.makes()
    about = {"kind": "direct", "memberIds": [house.somebody("Ben Okafor").id]}
    direct = somebody.calls("POST", "/sessions", about).json()["session"]["id"]
    ana, sent = at_browser(house, somebody), []
    ana.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
    ana.goes_to(f"/rooms/{room}")
    count = ana.page.locator(".presence__count")
    expect(count).to_have_text("Presence unknown")
    known = {
        "count": 1,
        "users": [{"id": 1, "name": "Ana Novak", "kind": "person", "avatarUrl": "/people/1/avatar.svg"}],
    }
    ana.page.route("**/online", lambda route: route.fulfill(json=known))
    expect(count).to_have_text("1 here", timeout=25_000)
    assert ana.page.locator(".presence__people li").count() == 1
    ana.until(lambda: sum('"joinSession"' in one and direct in one for one in sent) >= 2, "not asked again", within=20)
