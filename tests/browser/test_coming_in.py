"""First visit, invite, signing in and out."""

import pytest
from playwright.sync_api import expect

from tests.browser.workplace import Workplace

ROOM = r"/rooms/[0-9a-f-]{36}$"


@pytest.fixture(scope="module")
def empty_house(browser, servers):
    house = Workplace(servers())
    yield house
    house.server.kill()


def is_now(visitor, house, email):
    """Who came in by a form becomes somebody with an id, as the others are."""
    visitor.somebody = type(
        "Known", (), {"id": int(visitor.page.locator("body").get_attribute("data-person")), "email": email}
    )
    return visitor


def test_setting_up_wrongly_says_what_is_wrong_and_keeps_what_was_written(empty_house, visitors):
    ana = visitors(empty_house)
    ana.expects_trouble("status of 422")
    ana.goes_to("/setup")
    ana.fills_in(name="Ana", email="ana@example.org", room_name="lobby", password="short")
    expect(ana.page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    expect(ana.page.get_by_label("Your name")).to_have_value("Ana")


def test_the_first_visitor_sets_up_and_invites_and_two_people_talk(empty_house, visitors):
    ana, ben = visitors(empty_house), visitors(empty_house)
    ana.goes_to("/")
    ana.is_at("/setup$")
    ana.fills_in(name="Ana Novak", email="ana@example.org", password="correct horse", room_name="lobby")
    ana.is_at(ROOM)
    expect(ana.page.get_by_role("heading", name="lobby", exact=True)).to_be_visible()
    expect(ana.box).to_be_focused()
    room = ana.page.url
    is_now(ana, empty_house, "ana@example.org")
    ana.is_connected()
    ana.says("Is anybody here?")
    ana.sees("Is anybody here?")

    ana.page.get_by_role("link", name="People").click()
    invite = ana.page.get_by_label("Invite link").input_value()
    ben.goes_to(invite)
    ben.fills_in(name="Ben Okafor", email="ben@example.org", password="battery staple")
    ben.is_at(ROOM)
    assert ben.page.url == room
    is_now(ben, empty_house, "ben@example.org")
    ben.sees("Is anybody here?")
    ben.is_connected()
    ben.says("I am.")
    ana.goes_to("/")
    ana.sees("I am.")
    expect(ana.page.locator(".presence__count")).to_have_text("2 here")
    assert ana.shows() == ben.shows()


def test_a_renewed_invite_link_ends_the_old_one(house, at_browser, visitors):
    olga, stranger = at_browser(house, house.somebody("Olga", is_admin=True)), visitors(house)
    olga.goes_to("/people")
    old = olga.page.get_by_label("Invite link").input_value()
    olga.presses("New link")
    olga.confirms()
    expect(olga.page.get_by_label("Invite link")).not_to_have_value(old)
    stranger.expects_trouble("status of 404")
    stranger.goes_to(old)
    expect(stranger.page.get_by_role("heading", name="This invite has ended")).to_be_visible()
    stranger.goes_to(olga.page.get_by_label("Invite link").input_value())
    expect(stranger.page.get_by_role("button", name="Join")).to_be_visible()


def test_a_wrong_password_does_not_let_in_and_a_right_one_leads_on(house, visitors, ana, room):
    stranger = visitors(house, ana.somebody)
    stranger.expects_trouble("status of 401")
    stranger.goes_to(f"/rooms/{room}")
    stranger.is_at("/sign-in")
    stranger.signs_in(password="wrong password")
    expect(stranger.page.get_by_role("alert")).to_be_visible()
    expect(stranger.page.get_by_label("Email")).to_have_value(ana.somebody.email)
    stranger.signs_in()
    stranger.is_at(f"/rooms/{room}$")


def test_signing_out_ends_the_page_and_the_way_back(ana, room):
    ana.opens(room)
    ana.presses("Sign out")
    ana.is_at("/sign-in")
    ana.page.go_back()
    ana.is_at("/sign-in")


def test_a_page_left_open_does_not_speak_as_who_signs_in_next(house, at_browser, ana, ben, room):
    """It slept while that happened, with something waiting to be sent."""
    ana.opens(room)
    ana.goes_offline()
    ana.says("From Ana, or from nobody")
    ana.context.clear_cookies()
    ana.context.add_cookies(ben.context.cookies())
    ana.goes_online()
    expect(ana.page.locator(f'body[data-person="{ben.somebody.id}"]')).to_be_attached(timeout=20_000)
    ben.opens(room)
    ben.misses("From Ana, or from nobody")
    ana.misses("From Ana, or from nobody")


def test_signed_out_from_another_device_the_open_page_ends_at_sign_in(house, at_browser, ana, room):
    ana.opens(room)
    telephone = at_browser(house, ana.somebody)
    telephone.goes_to("/account")
    telephone.page.get_by_role("button", name="Sign out Chrome on Linux").click()
    ana.is_at("/sign-in")
    ana.signs_in()
    ana.is_at(f"/rooms/{room}$")


def test_a_new_password_signs_out_the_other_devices(house, at_browser, ana, room):
    ana.opens(room)
    telephone = at_browser(house, ana.somebody)
    telephone.goes_to("/account")
    telephone.fills_in(current="correct horse battery", new="another horse battery")
    expect(telephone.page.get_by_text("Your password is changed")).to_be_visible()
    ana.is_at("/sign-in")


def test_deactivated_somebody_is_led_out_at_once(house, at_browser, ana, room):
    ana.opens(room)
    olga = at_browser(house, house.somebody("Olga", is_admin=True))
    olga.goes_to("/people")
    row = olga.page.locator(".rows__row").filter(has_text=ana.somebody.email)
    row.get_by_role("button", name="Deactivate").click()
    olga.confirms()
    ana.is_at("/sign-in")
