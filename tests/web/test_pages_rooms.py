"""The pages of a room without any JavaScript: read, page back, send, make, change, leave."""

import re
import uuid

import pytest

from chatapp import ratelimit

NOTE = r'class="composer__note[^"]*"[^>]*>[^<]+<'


@pytest.fixture
def browser(ana):
    return ana.opens_a_browser()


@pytest.fixture
def talk(ana, ben, room):
    return [(ana, ben)[n % 2].says(f"number {n + 1}", room) for n in range(90)]


def seqs(page):
    log = page.text[page.text.index('data-component="log"') : page.text.index('id="pending-message"')]
    return [int(seq) for seq in re.findall(r'<article[^>]* data-seq="(\d+)"', log)]


def link(page, kind):
    found = re.search(rf'<p class="log__page log__page--{kind}"( hidden)?><a href="([^"]*)"', page.text)
    return None if found[1] else found[2]


def test_a_room_opens_at_its_newest_fifty(browser, talk, room):
    page = browser.opens(f"/rooms/{room}")
    assert seqs(page) == list(range(41, 91))
    assert link(page, "newer") is None
    assert 'data-last-rev="90"' in page.text and 'data-latest="1"' in page.text
    assert all(talk[seq - 1]["html"] in page.text for seq in range(41, 91))


def test_one_pages_back_to_the_beginning_and_forward_again(browser, talk, room):
    seen, page = [], browser.opens(f"/rooms/{room}")
    while (older := link(page, "older")) is not None:
        page = browser.opens(older)
        seen = seqs(page) + seen
    assert seen == list(range(1, 41))
    assert 'data-latest="0"' in page.text
    seen = seqs(page)
    while (newer := link(page, "newer")) is not None:
        page = browser.opens(newer)
        seen += seqs(page)
    assert seen == list(range(1, 91))


def test_a_permalink_opens_in_its_place_in_history(browser, talk, room):
    for seq, expected in ((45, range(20, 70)), (2, range(1, 52)), (90, range(41, 91))):
        page = browser.opens(f"/rooms/{room}/messages/{talk[seq - 1]['id']}")
        assert set(seqs(page)) >= {seq} and len(seqs(page)) <= 51
        assert seqs(page) == [one for one in expected if one in seqs(page)]
        assert f'data-target="{talk[seq - 1]["id"]}"' in page.text
    assert link(browser.opens(f"/rooms/{room}/messages/{talk[1]['id']}"), "older") is None


def test_a_permalink_by_way_of_another_room_leads_to_the_right_one(browser, ana, talk, room):
    attic = ana.makes("Attic")
    response = browser.opens(f"/rooms/{attic}/messages/{talk[0]['id']}")
    assert response.location.endswith(f"/rooms/{room}/messages/{talk[0]['id']}")


def test_an_empty_room_and_a_page_before_everything_are_pages_too(browser, ana, talk, room):
    assert seqs(browser.opens(f"/rooms/{ana.makes('Attic')}")) == []
    first = browser.opens(f"/rooms/{room}?before=1")
    assert seqs(first) == [] and link(first, "older") is None
    last = browser.opens(f"/rooms/{room}?after=90")
    assert seqs(last) == [] and link(last, "newer") is None


def test_the_room_page_asks_the_database_who_where_and_what_else(browser, ana, talk, room, queries):
    browser.opens(f"/rooms/{room}")
    ana.says("news", room)
    for of_messages in (1, 0):
        with queries() as statements:
            page = browser.opens(f"/rooms/{room}")
        assert seqs(page)[-1] == 91 and len(statements) == 2 + of_messages
        assert len([one for one in statements if "FROM messages" in one]) == of_messages


def test_the_room_page_shows_what_was_changed_a_moment_ago(browser, ana, talk, room):
    assert "number 90" in browser.opens(f"/rooms/{room}").text
    ana.edits(talk[88], "edited a moment ago")
    assert "edited a moment ago" in browser.opens(f"/rooms/{room}").text
    ana.removes(talk[88])
    assert "edited a moment ago" not in browser.opens(f"/rooms/{room}").text


def test_the_room_page_shows_what_is_being_said(browser, ana, talk, room):
    browser.opens(f"/rooms/{room}")
    said = ana.speaks("So far", room=room)
    assert "So far</div>" in browser.opens(f"/rooms/{room}").text
    ana.pushes(said, 6, " and further")
    page = browser.opens(f"/rooms/{room}").text
    assert "So far and further</div>" in page and "<noscript>" in page
    ana.finishes(said)
    assert "message--growing" not in browser.opens(f"/rooms/{room}").text


def test_the_room_page_asks_no_more_in_a_room_of_thousands(browser, ana, talk, room, queries, cast):
    for n in range(10):
        ana.makes(kind="direct", members=[cast(f"P{n}")])
    browser.opens(f"/rooms/{room}")
    with queries() as statements:
        browser.opens(f"/rooms/{room}")
    assert len(statements) == 3


def test_sending_by_the_form_leads_back_to_the_message(browser, ana, room):
    client_id = str(uuid.uuid4())
    response = browser.posts(f"/rooms/{room}/messages", {"content": "two\r\nlines ", "client_id": client_id})
    assert response.status_code == 303 and response.location.endswith(f"/rooms/{room}#m-{client_id}")
    (said,) = ana.gets(f"/sessions/{room}/messages")["messages"]
    assert said["content"] == "two\nlines"
    assert f'id="m-{client_id}"' in browser.opens(f"/rooms/{room}").text
    again = browser.posts(f"/rooms/{room}/messages", {"content": "two\r\nlines", "client_id": client_id})
    assert again.status_code == 303 and len(ana.gets(f"/sessions/{room}/messages")["messages"]) == 1


@pytest.mark.parametrize("content", ["", "x" * 10_001, "nul\x00"])
def test_a_message_that_cannot_be_sent_keeps_its_text(browser, ana, room, content):
    response = browser.posts(f"/rooms/{room}/messages", {"content": content, "client_id": str(uuid.uuid4())})
    assert response.status_code in (413, 422)
    kept = re.search(r"<textarea[^>]*>([^<]*)</textarea>", response.text)[1]
    assert kept.lstrip("\n") == content
    assert re.search(NOTE, response.text)


def test_who_sends_too_fast_keeps_the_text_and_is_told_why(app, browser, room, monkeypatch):
    monkeypatch.setitem(app.config, "RATE_LIMITS", True)
    monkeypatch.setitem(ratelimit.RATES, "send", (3.0, 0.01))
    for n in range(5):
        response = browser.posts(f"/rooms/{room}/messages", {"content": f"words {n}", "client_id": str(uuid.uuid4())})
        if response.status_code != 303:
            break
    assert response.status_code in (422, 429) and f"words {n}</textarea>" in response.text
    assert "too fast" in re.search(NOTE, response.text)[0]


def test_each_form_has_a_client_id_of_its_own(browser, room):
    ids = {re.search(r'name="client_id" value="([^"]+)"', browser.opens(f"/rooms/{room}").text)[1] for _ in range(3)}
    assert len(ids) == 3


def test_in_an_archived_room_there_is_no_form(browser, ana, room):
    ana.calls("DELETE", f"/sessions/{room}")
    page = browser.opens(f"/rooms/{room}")
    assert page.status_code == 200 and 'name="content"' not in page.text
    late = browser.posts(f"/rooms/{room}/messages", {"content": "late", "client_id": str(uuid.uuid4())})
    assert late.status_code == 403 or (late.status_code == 422 and "archived" in late.text)


def test_making_a_room(browser, ana, ben, eve):
    response = browser.posts(
        "/rooms/new", {"name": "Attic", "kind": "closed", "topic": "Old things", "member_ids": [ben.id]}
    )
    attic = response.location.rsplit("/", 1)[1]
    full = ana.gets(f"/sessions/{attic}")
    assert (full["session"]["name"], full["session"]["topic"], full["session"]["kind"]) == (
        "Attic",
        "Old things",
        "closed",
    )
    assert [one["name"] for one in full["members"]] == ["Ana", "Ben"]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "closed"},
        {"name": "X"},
        {"name": "X", "kind": "secret"},
        {"name": "X", "kind": "direct"},
        {"kind": "direct"},
        {"name": "X", "kind": "closed", "member_ids": ["999999"]},
    ],
)
def test_a_room_that_cannot_be_made_shows_the_form_again(browser, ana, ben, fields):
    response = browser.posts("/rooms/new", fields)
    assert response.status_code == 422 and 'action="/rooms/new"' in response.text
    assert ana.gets("/sessions")["sessions"] == []


def test_a_direct_room_made_twice_is_one(browser, ana, ben):
    first, again = (browser.posts("/direct/new", {"member_ids": [ben.id]}) for _ in range(2))
    assert first.status_code == 303 and first.location == again.location
    page = browser.opens(first.location)
    assert re.search(r"<h1[^>]*>.*?Ben.*?</h1>", page.text, re.DOTALL) and "Ana, Ben" not in page.text
    assert browser.posts("/direct/new").status_code == 422


def test_the_side_bar_names_the_others_of_a_direct_room_and_shows_who_is_here(browser, ana, ben, cleo):
    ana.makes(kind="direct", members=[cleo, ben])
    page = browser.opens("/rooms").text
    assert ">Ben, Cleo</span>" in page and "dot--here" not in page
    direct = ben.gets("/sessions")["sessions"][0]["id"]
    ben.enters(direct)
    assert "dot--here" in browser.opens("/rooms").text


def test_settings_are_changed_by_those_who_may(browser, ana, ben, room):
    response = browser.posts(f"/rooms/{room}/settings", {"name": "Galley", "topic": "Soup"})
    assert response.status_code == 303
    session = ana.gets(f"/sessions/{room}")["session"]
    assert (session["name"], session["topic"]) == ("Galley", "Soup")
    assert browser.posts(f"/rooms/{room}/settings", {"name": ""}).status_code == 422
    refused = ben.opens_a_browser().posts(f"/rooms/{room}/settings", {"name": "Mine"})
    assert refused.status_code in (403, 422)
    assert ana.gets(f"/sessions/{room}")["session"]["name"] == "Galley"


def test_members_by_the_form(browser, ana, ben, cleo, eve, room):
    browser.posts(f"/rooms/{room}/members", {"member_ids": [eve.id, "nonsense"]})
    browser.posts(f"/rooms/{room}/members/{ben.id}/remove")
    assert [one["name"] for one in ana.gets(f"/sessions/{room}")["members"]] == ["Ana", "Cleo", "Eve"]
    page = browser.opens(f"/rooms/{room}/settings").text
    assert "Eve" in page and f'value="{ben.id}"' in page
    assert cleo.opens_a_browser().posts(f"/rooms/{room}/leave").status_code == 303
    assert [one["name"] for one in ana.gets(f"/sessions/{room}")["members"]] == ["Ana", "Eve"]


def test_an_open_room_that_was_left_is_found_and_entered_again(ana, ben):
    lobby, browser = ana.makes("Lobby", kind="open"), ben.opens_a_browser()
    browser.posts(f"/rooms/{lobby}/leave")
    assert f"/rooms/{lobby}/join" in browser.opens("/rooms").text
    assert browser.opens(f"/rooms/{lobby}").status_code == 404
    assert browser.posts(f"/rooms/{lobby}/join").status_code == 303
    assert browser.opens(f"/rooms/{lobby}").status_code == 200


def test_archived_by_the_form_and_brought_back(browser, ana, room):
    for archived, shown in (("1", True), ("0", False)):
        assert browser.posts(f"/rooms/{room}/archive", {"archived": archived}).status_code == 303
        assert ana.gets(f"/sessions/{room}")["session"]["archived"] is shown
        assert (f"/rooms/{room}" in browser.opens("/rooms").text) is True


def test_the_front_door_leads_to_the_room_visited_last(browser, ana, room, cast):
    attic = ana.makes("Attic")
    assert browser.opens("/").location.endswith(attic)
    browser.opens(f"/rooms/{room}")
    assert browser.opens("/").location.endswith(room)
    ana.calls("DELETE", f"/sessions/{room}/members/{ana.id}")
    assert browser.opens("/").location.endswith(attic)
    assert cast("Nobody").opens_a_browser().opens("/").location == "/rooms"
