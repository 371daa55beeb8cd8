"""The chat as forms and links, for browsers that run no scripts."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def plain(house, visitors, ana):
    """Ana at a browser without JavaScript, not signed in yet."""
    return visitors(house, ana.somebody, java_script_enabled=False)


def signs_in_to(visitor, room):
    visitor.goes_to(f"/rooms/{room}")
    visitor.is_at("/sign-in")
    visitor.signs_in()
    visitor.is_at(f"/rooms/{room}$")


def test_one_signs_in_reads_sends_and_is_read(plain, ben, room):
    ben.opens(room)
    ben.says("Do you read me?")
    ben.sees("Do you read me?")
    signs_in_to(plain, room)
    plain.sees("Do you read me?")
    plain.box.fill("Loud and **clear**\n\n- without scripts")
    plain.presses("Send")
    plain.is_at(f"/rooms/{room}#m-")
    expect(plain.message("Loud and clear")).to_be_in_viewport()
    expect(plain.box).to_have_value("")
    ben.sees("Loud and clear")
    plain.page.reload()
    ben.agrees_with_the_server(room)
    assert len(ben.shows()) == 2
    plain.presses("Sign out")
    plain.is_at("/sign-in")


def test_one_pages_back_to_the_first_message_and_forth_to_the_last(plain, house, room, cleo):
    house.fill(room, cleo, 100)
    signs_in_to(plain, room)
    expect(plain.message("Number 100")).to_be_in_viewport()
    met = [seqs(plain)]
    while plain.page.get_by_role("link", name="Older messages").count():
        plain.page.get_by_role("link", name="Older messages").click()
        plain.until(lambda: seqs(plain) != met[-1], "no other page")
        met.append(seqs(plain))
    assert [seq for page in reversed(met) for seq in page] == list(range(1, 101))
    while plain.page.get_by_role("link", name="Newer messages").count():
        before = seqs(plain)
        plain.page.get_by_role("link", name="Newer messages").click()
        plain.until(lambda before=before: seqs(plain) != before, "no other page")
        assert seqs(plain)[0] == before[-1] + 1
    assert seqs(plain)[-1] == 100


def seqs(visitor):
    return [int(one) for one in visitor.said.evaluate_all("(all) => all.map((one) => one.dataset.seq)")]


def test_a_message_that_fails_keeps_its_text(plain, room):
    plain.expects_trouble("status of 422")
    signs_in_to(plain, room)
    text = "A very long story. " * 600
    plain.box.fill(text)
    plain.presses("Send")
    expect(plain.page.locator("#composer-note")).to_be_visible()
    expect(plain.box).to_have_value(text)
    expect(plain.said).to_have_count(0)
    plain.box.fill("A short story.")
    plain.presses("Send")
    plain.sees("A short story.")


def test_the_form_sent_twice_says_it_once(plain, room):
    signs_in_to(plain, room)
    plain.box.fill("Once")
    plain.page.get_by_role("button", name="Send").dblclick()
    plain.is_at(f"/rooms/{room}#m-")
    plain.sees("Once")
    plain.page.reload()
    expect(plain.said).to_have_count(1)


def test_the_side_bar_opens_and_leads_on_a_small_screen(house, visitors, ana, room):
    plain = visitors(
        house, ana.somebody, java_script_enabled=False, viewport={"width": 320, "height": 640}
    ).has_a_cookie()
    plain.goes_to(f"/rooms/{room}")
    entry = plain.page.get_by_role("link", name="All rooms")
    expect(entry).not_to_be_visible()
    plain.page.get_by_role("link", name="Rooms and people").click()
    entry.click()
    expect(plain.page.get_by_role("heading", name="All rooms")).to_be_visible()


def test_where_neither_transport_is_to_be_had_the_page_is_as_without_scripts(ana, ben, room):
    """Several processes take no long polling, and this browser (or what stands before it) has no WebSocket."""
    ana.context.add_init_script("delete globalThis.WebSocket")
    ana.context.route("**/rooms/*", says_that_polling_is_refused)
    ben.opens(room)
    ana.goes_to(f"/rooms/{room}")
    ana.box.fill("Sent by the form")
    ana.presses("Send")
    ana.is_at(f"/rooms/{room}#m-")
    ben.sees("Sent by the form")
    expect(ana.message("Sent by the form")).to_be_visible()
    expect(ana.indicator).to_be_empty()


def says_that_polling_is_refused(route):
    if route.request.method != "GET":
        return route.continue_()
    answer = route.fetch()
    return route.fulfill(response=answer, body=answer.text().replace("websocket polling", "websocket"))
