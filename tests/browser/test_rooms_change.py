"""What another person does to a room reaches those who have it open."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def owner(ana, room):
    """Ana, at the page where rooms are changed, while Ben reads."""
    ana.goes_to(f"/rooms/{room}/settings")
    return ana


def test_a_new_name_and_topic_reach_title_head_and_side_bar(owner, ben, room):
    ben.opens(room)
    other = ben.opens_a_tab()
    other.goes_to("/account")
    other.is_connected()
    owner.fills_in(name="Garden", topic="What grows")
    expect(ben.page.get_by_role("heading", name="Garden", exact=True)).to_be_visible()
    expect(ben.page.locator(".head__topic")).to_have_text("What grows")
    expect(ben.page).to_have_title("Garden · Chatapp")
    expect(ben.box).to_have_attribute("placeholder", "Message Garden")
    for one in (ben, other):
        expect(one.side_bar("Garden")).to_be_visible()
        expect(one.side_bar("Kitchen")).to_have_count(0)


def test_an_archived_room_takes_no_more_words_and_comes_back(owner, ben, room):
    ben.opens(room)
    ben.types("Half a th")
    owner.presses("Archive the room")
    owner.confirms()
    expect(ben.page.get_by_text("This room is archived. It can be read")).to_be_visible()
    expect(ben.box).to_have_count(0)
    owner.presses("Bring it back")
    expect(ben.box).to_have_value("Half a th")
    ben.is_connected()
    ben.box.press("Enter")
    ben.sees("Half a th")


def test_who_is_invited_finds_the_room_in_the_side_bar_at_once(house, at_browser, owner, room):
    dana = at_browser(house, house.somebody("Dana Lang"))
    dana.goes_to("/account")
    dana.is_connected()
    assert owner.somebody.calls("PUT", f"/sessions/{room}/members/{dana.somebody.id}").ok
    dana.side_bar("Kitchen").get_by_role("link").click()
    dana.is_in(room)
    dana.says("Thank you")
    dana.sees("Thank you")


def test_one_invites_by_the_page(house, at_browser, owner, room):
    dana = house.somebody("Dana Lang the Only")
    owner.page.reload()
    owner.page.get_by_role("checkbox", name=dana.name).check()
    owner.presses("Invite")
    expect(owner.page.locator(".rows__row").filter(has_text=dana.name)).to_be_visible()
    at_browser(house, dana).opens(room)


def test_who_is_put_out_is_led_away_and_hears_no_more(owner, ben, room):
    ben.opens(room)
    owner.page.get_by_role("button", name="Remove Ben Okafor").click()
    owner.confirms()
    expect(ben.page).not_to_have_url(f"{ben.house.url}/rooms/{room}")
    expect(ben.side_bar("Kitchen")).to_have_count(0)
    ben.expects_trouble("status of 404")
    assert ben.goes_to(f"/rooms/{room}").status == 404


def test_who_is_put_out_of_a_room_he_does_not_read_loses_it_from_the_side_bar(owner, ben, room):
    ben.goes_to("/account")
    ben.is_connected()
    expect(ben.side_bar("Kitchen")).to_be_visible()
    owner.page.get_by_role("button", name="Remove Ben Okafor").click()
    owner.confirms()
    expect(ben.side_bar("Kitchen")).to_have_count(0)
    ben.is_at("/account$")


def test_one_leaves_a_room_by_oneself(owner, ben, room):
    ben.goes_to(f"/rooms/{room}/settings")
    ben.presses("Leave the room")
    ben.confirms()
    expect(ben.page.get_by_text("You left Kitchen.")).to_be_visible()
    expect(ben.side_bar("Kitchen")).to_have_count(0)


def test_a_direct_room_is_called_after_the_other_one_also_where_a_name_holds_a_comma(house, at_browser, ben):
    john = at_browser(house, house.somebody("Smith, John"))
    made = john.somebody.calls("POST", "/sessions", {"kind": "direct", "memberIds": [ben.somebody.id]})
    room = made.json()["session"]["id"]
    for one, other in ((john, "Ben Okafor"), (ben, "Smith, John")):
        one.opens(room)
        expect(one.side_bar(other)).to_be_visible()
        expect(one.page.locator(".head__name")).to_have_text(other)


def test_one_makes_a_closed_room_and_a_direct_one(house, ana, ben):
    ben.goes_to("/account")
    ben.is_connected()
    ana.goes_to("/rooms/new")
    ana.page.get_by_label("Name").fill("Cellar")
    ana.page.get_by_role("radio", name="Closed").check()
    ana.page.locator(f'[name="member_ids"][value="{ben.somebody.id}"]').check()
    ana.presses("Make the room")
    expect(ana.page.get_by_role("heading", name="Cellar", exact=True)).to_be_visible()
    expect(ben.side_bar("Cellar")).to_be_visible()
    ana.goes_to("/direct/new")
    ana.page.locator(f'[name="member_ids"][value="{ben.somebody.id}"]').check()
    ana.presses("Start talking")
    expect(ana.page.get_by_role("heading", name="Ben Okafor", exact=True)).to_be_visible()
    ben.side_bar("Ana Novak").get_by_role("link").click()
    ben.is_in(ana.page.url.rsplit("/", 1)[1])
    ben.says("Just us two")
    ana.sees("Just us two")
