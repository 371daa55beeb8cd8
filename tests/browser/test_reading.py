"""A room's past: loading older without a jump, the way down, permalinks, days, groups and times."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

TOP_IN_VIEW = """(log) => {
  const { top } = log.getBoundingClientRect();
  const found = [...log.querySelectorAll(".message")].find((one) => one.getBoundingClientRect().top >= top);
  return found.dataset.seq;
}"""


@pytest.fixture
def long_room(house, room, cleo):
    """Three hundred messages."""
    house.fill(room, cleo, 300)
    return room


@pytest.fixture
def held(ana):
    """Requests for pages of history wait here until the test lets them go."""
    waiting = []
    ana.page.route("**/api/v1/sessions/*/messages?*", lambda route: waiting.append(route))  # noqa: PLW0108 (a bound builtin takes no marks)
    return waiting


def scrolls(visitor, pixels):
    visitor.log.hover()
    visitor.page.mouse.wheel(0, pixels)


def says(somebody, room, text):
    said = {"content": text, "clientId": str(uuid.uuid4())}
    assert somebody.calls("POST", f"/sessions/{room}/messages", said).ok


def seqs(visitor):
    return [one["seq"] for one in visitor.shows()]


def height_of(visitor, seq):
    return visitor.page.locator(f'.message[data-seq="{seq}"]').evaluate("(it) => it.getBoundingClientRect().top")


def test_a_room_opens_at_its_newest_message(ana, long_room):
    ana.opens(long_room)
    assert seqs(ana)[-1] == 300
    assert ana.distance_to_end() < 1
    expect(ana.message("Number 300")).to_be_in_viewport()


def test_older_messages_load_above_without_a_jump_down_to_the_first(ana, long_room, held):
    ana.opens(long_room)
    jumps = []
    while seqs(ana)[0] > 1:
        before = seqs(ana)[0]
        ana.until(lambda: held or scrolls(ana, -400), "no older page is asked for")
        ana.page.wait_for_timeout(100)  # until the wheel has come to rest
        seq = ana.log.evaluate(TOP_IN_VIEW)
        was = height_of(ana, seq)
        held.pop(0).continue_()
        ana.until(lambda before=before: seqs(ana)[0] < before, "the page did not come")
        ana.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        jumps.append(abs(height_of(ana, seq) - was))
    assert max(jumps) <= 2, jumps
    assert len(jumps) >= 5
    assert seqs(ana) == list(range(1, 301))
    expect(ana.page.get_by_role("heading", name="Welcome to Kitchen")).to_be_attached()
    assert held == []


def test_many_messages_above_are_let_go_and_come_again(house, ana, room, cleo):
    house.fill(room, cleo, 1_000)
    ana.opens(room)
    ana.until(
        lambda: seqs(ana)[0] == 1 or ana.log.evaluate("(box) => void box.scrollTo(0, -1e6)"), "not at the first", 30
    )
    assert seqs(ana) == list(range(1, seqs(ana)[-1] + 1))
    assert len(seqs(ana)) <= 601
    ana.until(
        lambda: seqs(ana)[-1] == 1_000 or ana.log.evaluate("(box) => void box.scrollTo(0, 0)"), "not at the last", 30
    )
    assert seqs(ana) == list(range(seqs(ana)[0], 1_001))
    assert ana.page.url.endswith(f"/rooms/{room}")


@pytest.mark.parametrize("way", ["by the button", "by scrolling"])
def test_below_one_who_reads_further_up_the_page_does_not_grow_for_ever(house, ana, room, cleo, way):
    """What came meanwhile, what he wrote himself included, is there once he comes down."""
    house.fill(room, cleo, 40)
    ana.opens(room)
    ana.goes_offline()
    ana.says("Written above")
    expect(ana.pending).to_be_visible()
    ana.log.evaluate("(box) => box.scrollTo({ top: -500, behavior: 'instant' })")
    ana.page.wait_for_timeout(300)
    seq = ana.log.evaluate(TOP_IN_VIEW)
    was = height_of(ana, seq)
    house.fill(room, cleo, 900)
    ana.goes_online()
    ana.comes_back()
    expect(ana.way_down).to_have_text("New messages")
    expect(ana.page.get_by_role("link", name="Newer messages")).to_be_visible()
    expect(ana.indicator).to_be_empty()
    ana.page.wait_for_timeout(500)  # until all that was missed has come
    assert seqs(ana) == list(range(1, len(seqs(ana)) + 1))
    assert len(seqs(ana)) <= 601
    assert abs(height_of(ana, seq) - was) <= 2
    if way == "by the button":
        ana.way_down.click()
    else:
        to_end = "(box) => void box.scrollTo({ top: 0, behavior: 'instant' })"
        ana.until(lambda: seqs(ana)[-1] == 941 or ana.log.evaluate(to_end), "the present does not come", 30)
        ana.log.evaluate(to_end)
    expect(ana.message("Written above")).to_be_in_viewport()
    ana.agrees_with_the_server(room)
    says(cleo, room, "Live again")
    ana.sees("Live again")
    ana.agrees_with_the_server(room)


def test_above_one_who_reads_near_the_end_the_oldest_are_let_go(house, ana, room, cleo):
    house.fill(room, cleo, 580)
    ana.opens(room)
    to_first = "(box) => void box.scrollTo(0, -1e6)"
    ana.until(lambda: seqs(ana)[0] == 1 or ana.log.evaluate(to_first), "not at the first", 30)
    ana.log.evaluate("(box) => box.scrollTo({ top: -300, behavior: 'instant' })")
    seq = ana.log.evaluate(TOP_IN_VIEW)
    was = height_of(ana, seq)
    ana.goes_offline()
    house.fill(room, cleo, 60)
    ana.goes_online()
    ana.comes_back()
    ana.until(lambda: seqs(ana)[-1] == 640, "what was missed does not come")
    assert seqs(ana) == list(range(seqs(ana)[0], 641))
    assert len(seqs(ana)) <= 601
    assert abs(height_of(ana, seq) - was) <= 2


@pytest.mark.parametrize("what", ["the composer", "an editor"])
def test_what_is_read_stays_where_the_growing_of_a_text_has_moved_it(house, ana, room, cleo, what):
    house.fill(room, ana.somebody, 60)
    ana.opens(room)
    ana.log.evaluate("(box) => box.scrollTo({ top: -500, behavior: 'instant' })")
    ana.page.wait_for_timeout(300)
    if what == "an editor":
        ana.message("Number 40").hover()
        ana.presses("Edit")
        expect(ana.page.locator(".editor__text")).to_be_focused()
    says(cleo, room, "One")
    ana.until(lambda: "One" in ana.texts(), "nothing came")
    seq = ana.log.evaluate(TOP_IN_VIEW)
    before = height_of(ana, seq)
    (ana.box if what == "the composer" else ana.page.locator(".editor__text")).fill("line\n" * 5)
    was = height_of(ana, seq)
    assert abs(was - before) > 50
    assert ana.distance_to_end() > 100
    says(cleo, room, "Two")
    ana.until(lambda: "Two" in ana.texts(), "nothing came")
    assert abs(height_of(ana, seq) - was) <= 2


@pytest.mark.parametrize("where", ["near", "far"])
def test_by_keyboard_the_way_down_leads_on_to_writing(ana, long_room, where):
    ana.opens(long_room)
    if where == "far":
        ana.goes_to(ana.page.locator('.message[data-seq="260"] .message__at').get_attribute("href"))
        ana.is_in(long_room)
    ana.log.evaluate("(box) => box.scrollTo({ top: -700, behavior: 'instant' })")
    expect(ana.way_down).to_be_visible()
    ana.page.wait_for_timeout(500)  # until what is older has come
    ana.way_down.press("Enter")
    expect(ana.way_down).to_be_hidden()
    expect(ana.box).to_be_focused()
    expect(ana.message("Number 300")).to_be_in_viewport()


def test_away_from_the_end_a_new_message_is_announced_and_a_click_goes_there(together, house, room, cleo):
    ana, ben = together
    house.fill(room, cleo, 60)
    ana.opens(room)
    expect(ana.way_down).to_be_hidden()
    scrolls(ana, -300)
    ana.until(lambda: ana.distance_to_end() > 200, "no scrolling")
    ana.page.wait_for_timeout(200)
    seq = ana.log.evaluate(TOP_IN_VIEW)
    was = height_of(ana, seq)
    ben.says("Are you there?")
    expect(ana.way_down).to_have_text("New messages")
    assert abs(height_of(ana, seq) - was) <= 2
    ana.way_down.click()
    expect(ana.message("Are you there?")).to_be_in_viewport()
    expect(ana.way_down).to_be_hidden()


def test_at_the_end_a_new_message_comes_into_view_by_itself(together, house, room, cleo):
    ana, ben = together
    house.fill(room, cleo, 60)
    ana.opens(room)
    ben.says("Here is something new\n" * 10)
    expect(ana.said.last).to_be_in_viewport(ratio=0.95)
    assert ana.distance_to_end() < 1
    expect(ana.way_down).to_be_hidden()


def test_one_who_reads_old_messages_and_writes_is_taken_to_the_end(ana, long_room):
    ana.opens(long_room)
    ana.until(lambda: ana.distance_to_end() > 1_500 or scrolls(ana, -400), "no scrolling")
    ana.says("My word")
    expect(ana.message("My word")).to_be_in_viewport()
    ana.agrees_with_the_server(long_room)


def test_a_permalink_opens_in_its_place_and_reading_on_leads_to_the_present(ana, ben, long_room):
    ana.opens(long_room)
    link = ana.page.locator('.message[data-seq="280"] .message__at').get_attribute("href")
    path = link.rsplit("/", 1)[0]
    message_id = int(link.rsplit("/", 1)[1]) - 180
    ana.goes_to(f"{path}/{message_id}")
    target = ana.page.locator(".message--target")
    expect(target).to_have_attribute("data-seq", "100")
    expect(target).to_be_in_viewport()
    box, view = ana.place_of(target), ana.place_of(ana.log)
    assert view["y"] + 50 < box["y"] < view["y"] + view["height"] - 50
    assert 300 not in seqs(ana)
    expect(ana.way_down).to_be_visible()
    ana.is_in(long_room)
    ben.opens(long_room)
    ben.says("In the present")
    expect(ana.way_down).to_have_text("New messages")
    ana.misses("In the present")
    ana.until(lambda: seqs(ana)[-1] == 301 or scrolls(ana, 2_000), "the present does not come", 30)
    assert seqs(ana) == list(range(seqs(ana)[0], 302))
    ana.sees("In the present")
    ana.is_at(f"/rooms/{long_room}$")
    ben.says("And live again")
    ana.sees("And live again")


def test_from_a_permalink_the_way_down_leads_to_the_present_at_once(ana, long_room):
    ana.opens(long_room)
    link = ana.page.locator('.message[data-seq="280"] .message__at').get_attribute("href")
    ana.goes_to(f"{link.rsplit('/', 1)[0]}/{int(link.rsplit('/', 1)[1]) - 250}")
    expect(ana.page.locator(".message--target")).to_be_in_viewport()
    ana.way_down.click()
    expect(ana.message("Number 300")).to_be_in_viewport()
    ana.is_at(f"/rooms/{long_room}$")
    ana.agrees_with_the_server(long_room)


def test_what_changes_in_a_past_that_is_open_changes_on_the_page(ana, cleo, long_room):
    ana.opens(long_room)
    link = ana.page.locator('.message[data-seq="280"] .message__at').get_attribute("href")
    old = int(link.rsplit("/", 1)[1]) - 180
    ana.goes_to(f"{link.rsplit('/', 1)[0]}/{old}")
    ana.is_in(long_room)
    assert cleo.calls("PATCH", f"/messages/{old}", {"content": "History rewritten"}).ok
    assert cleo.calls("DELETE", f"/messages/{old + 1}").ok
    ana.sees("History rewritten")
    ana.sees("This message was removed.")


NEW_YEAR = datetime(2024, 3, 10, 23, 50, tzinfo=UTC)


def test_days_are_divided_and_an_authors_messages_within_five_minutes_grouped(house, at_browser, ana, ben, cleo, room):
    minutes = [0, 4, 8, 12, 17, 18]  # 23:50 23:54 23:58 | 00:02 00:07 00:08 in UTC
    house.fill(room, cleo, moments=[NEW_YEAR + timedelta(minutes=one) for one in minutes])
    house.fill(room, ana.somebody, moments=[NEW_YEAR + timedelta(minutes=19)])
    london, tokyo = (
        at_browser(house, one.somebody, timezone_id=zone).opens(room)
        for one, zone in ((ana, "Europe/London"), (ben, "Asia/Tokyo"))
    )
    assert shape(london) == [
        "March 10, 2024",
        "23:50",
        "+23:54",
        "+23:58",
        "March 11, 2024",
        "00:02",
        "00:07",
        "+00:08",
        "00:09",
    ]
    assert shape(tokyo) == ["March 11, 2024", "08:50", "+08:54", "+08:58", "+09:02", "09:07", "+09:08", "09:09"]


def shape(visitor):
    """The days and the times on the page; `+` where a message follows one of the same author."""
    return visitor.page.locator(".log__messages > *").evaluate_all(
        """(all) => all.map((one) => one.matches(".day") ? one.textContent
          : (one.matches(".message--follows") ? "+" : "") + one.querySelector("time").textContent)"""
    )


def test_today_and_yesterday_are_called_so(house, ana, cleo, room):
    noon = datetime.now(UTC)
    house.fill(room, cleo, moments=[noon - timedelta(days=1), noon])
    ana.opens(room)
    assert [one for one in shape(ana) if "day" in one] == ["Yesterday", "Today"]


def test_today_becomes_yesterday_though_the_computer_slept_through_midnight(house, ana, cleo, room):
    now = datetime.now(UTC)
    house.fill(room, cleo, moments=[now])
    ana.page.clock.install(time=now)
    ana.opens(room)
    assert shape(ana)[0] == "Today"
    ana.knows_the_server_may_die()  # a minute without a ping: the page takes its connection for lost
    ana.page.clock.set_system_time(now + timedelta(days=1))  # and no timer ran meanwhile
    ana.page.clock.run_for(61_000)
    assert shape(ana)[0] == "Yesterday"


def test_a_message_removed_between_two_groups_leaves_the_groups_right(ana, ben, room):
    ana.opens(room)
    ben.opens(room)
    ana.says("One", "Two")
    ben.sees("Two")
    expect(ben.message("Two")).to_have_class("message message--follows")
    ana.removes("One")
    expect(ben.page.get_by_text("This message was removed.")).to_be_visible()
    ben.agrees_with_the_server(room)
