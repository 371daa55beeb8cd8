"""Messages that grow while they are said, for everybody who has the room open."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from chatapp.models import Person
from tests.browser.speaker import Speaker
from tests.browser.workplace import Workplace

TEXT = "Three things changed. **Drafts** survive a reload — 漢字, emoji 👩‍👩‍👧 and <b>markup</b> are text while they grow.\n\n- one\n- two\n"
PIECES = [TEXT[place : place + 4] for place in range(0, len(TEXT), 4)]
NO_JUMP_PX = 1


@pytest.fixture
def speaks(house, cleo, room):
    """Begins something that a bot speaks: `speaks(reply_to=7)`."""
    people = Person.__table__
    with house.engine.begin() as database:
        database.execute(update(people).where(people.c.id == cleo.id).values(kind="bot"))
    return lambda **how: Speaker(cleo, room, **how)


def asks(visitor, text):
    """The id of what one just said."""
    visitor.says(text)
    visitor.sees(text)
    return int(visitor.message(text).last.get_attribute("data-id"))


def growing(visitor):
    return visitor.page.locator(".message--growing")


def shows_so_far(visitor, text):
    visitor.until(lambda: any(text in one for one in bodies(visitor)), f"not shown so far: {text}")


def bodies(visitor):
    return visitor.page.eval_on_selector_all(".message--growing .body", "(all) => all.map((one) => one.textContent)")


def watches(visitor):
    """From now on notes every text that a growing message shows."""
    visitor.page.evaluate(
        """() => {
          window.shown = [];
          const list = document.querySelector(".log__messages");
          const look = () => { for (const body of list.querySelectorAll(".body--growing")) shown.push(body.textContent); };
          new MutationObserver(look).observe(list, { childList: true, characterData: true, subtree: true });
        }"""
    )


def test_an_answer_grows_before_the_eyes_of_all_and_ends_as_the_server_has_it(together, room, speaks):
    for one in together:
        watches(one)
    stream = speaks()
    for one in together:
        expect(growing(one)).to_have_attribute("aria-busy", "true")
    for piece in PIECES:
        stream.says(piece)
    for one in together:
        shows_so_far(one, TEXT)
    stream.ends()
    for one in together:
        expect(growing(one)).to_have_count(0)
        one.agrees_with_the_server(room)
        expect(one.said.locator("li")).to_have_text(["one", "two"])
        seen = one.page.evaluate("window.shown")
        assert len(set(seen)) > 3  # it grew, and came not in one piece
        assert all(TEXT.startswith(text) for text in seen)


def test_a_reload_and_a_second_tab_in_the_middle_show_the_text_so_far_and_go_on(ana, room, speaks):
    ana.opens(room)
    stream = speaks().says("One 👍\r\n<i>two</i> ")
    shows_so_far(ana, stream.text)
    response = ana.goes_to(f"/rooms/{room}")
    assert "&lt;i&gt;two&lt;/i&gt;" in response.text()
    assert stream.text in bodies(ana)
    tab = ana.opens_a_tab().opens(room)
    ana.is_in(room)
    stream.says("three")
    for one in (ana, tab):
        shows_so_far(one, "One 👍\r\n<i>two</i> three")
    stream.ends()
    for one in (ana, tab):
        expect(growing(one)).to_have_count(0)
        one.agrees_with_the_server(room)


def test_whoever_reads_above_is_not_moved(house, ana, room, cleo, speaks):
    house.fill(room, cleo, 60)
    ana.opens(room)
    ana.log.evaluate("(box) => box.scrollTo({ top: -600, behavior: 'instant' })")
    ana.page.wait_for_timeout(500)  # until what is older has come
    read = ana.message("Number 45")
    before = ana.place_of(read)["y"]
    stream = speaks()
    for _ in range(12):
        stream.says("A line of some length that makes the message grow.\n")
        ana.page.wait_for_timeout(60)
        assert abs(ana.place_of(read)["y"] - before) < NO_JUMP_PX
    stream.ends()
    expect(growing(ana)).to_have_count(0)
    assert abs(ana.place_of(read)["y"] - before) < NO_JUMP_PX


def test_whoever_is_at_the_end_stays_there_until_he_leaves_it(house, ana, room, cleo, speaks):
    house.fill(room, cleo, 60)
    ana.opens(room)
    stream = speaks()
    for number in range(30):
        stream.says(f"Line {number} of some length.\n")
    shows_so_far(ana, "Line 29")
    assert ana.distance_to_end() < 1
    expect(growing(ana).locator(".message__author")).to_be_in_viewport()  # who speaks stays in view
    ana.log.evaluate("(box) => box.scrollBy(0, -40)")  # hardly away
    stream.says("And more.\n" * 5)
    shows_so_far(ana, "And more.")
    ana.page.wait_for_timeout(300)
    assert ana.distance_to_end() > 39


def test_only_whom_it_concerns_may_stop_and_who_asked_can(ana, ben, room, speaks):
    """Ana owns the room, Ben only asked."""
    for one in (ana, ben):
        one.opens(room)
    question = asks(ben, "How much is it?")
    stream = speaks(reply_to=question).says("It is ")
    stranger_stream = speaks().says("Nobody asked")
    shows_so_far(ben, "It is ")
    shows_so_far(ben, "Nobody asked")
    expect(ben.page.get_by_role("button", name="Stop")).to_have_count(1)
    expect(ana.page.get_by_role("button", name="Stop")).to_have_count(2)
    ben.page.get_by_role("button", name="Stop").focus()
    ben.page.keyboard.press("Enter")
    for one in (ana, ben):
        expect(one.message("It is").locator(".message__note")).to_contain_text("Stopped here.")
    assert stream.posts("chunks", offset=6, text="late").status_code == 409
    expect(ben.message("It is").locator(".message__at")).to_be_focused()
    stranger_stream.ends()
    for one in (ana, ben):
        expect(growing(one)).to_have_count(0)
        one.agrees_with_the_server(room)
    expect(ben.message("Nobody asked").get_by_role("button", name="Say again")).to_have_count(0)


def test_it_is_said_again_from_the_beginning_before_all(ana, ben, room, speaks):
    for one in (ana, ben):
        one.opens(room)
    stream = speaks().says("First try, which is longer")
    stream.ends(status="truncated")
    ana.message("First try").get_by_role("button", name="Say again").click()
    for one in (ana, ben):
        expect(growing(one)).to_have_attribute("data-gen", "2")
        one.misses("First try")
    stream.begins_again(2)
    stream.says("Second")
    for one in (ana, ben):
        shows_so_far(one, "Second")
    stream.ends()
    for one in (ana, ben):
        expect(growing(one)).to_have_count(0)
        one.agrees_with_the_server(room)
    ana.message("Second").hover()
    expect(ana.page.locator(".message-actions").get_by_role("button", name="Say again")).to_be_visible()


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not told"])
def test_by_keyboard_the_focus_stays_at_a_message_that_is_said_again(ana, room, speaks, is_told):
    """Whether or not the browser tells that what has the focus is being removed: not all do."""
    ana.opens(room)
    if not is_told:
        ana.page.evaluate("addEventListener('focusout', (event) => event.stopImmediatePropagation(), true)")
    stream = speaks().says("First try")
    stream.ends()
    ana.message("First try").locator(".message__at").focus()
    ana.page.locator(".message-actions").get_by_role("button", name="Say again").press("Enter")
    expect(growing(ana)).to_have_attribute("data-gen", "2")
    expect(growing(ana).locator(":focus")).to_be_visible()
    stream.begins_again(2)
    stream.ends()
    expect(growing(ana)).to_have_count(0)


def test_an_error_is_told_beside_what_was_said(together, room, speaks):
    stream = speaks().says("Half an ans")
    stream.ends(error={"code": "unavailable", "message": "The model <went> away."})
    for one in together:
        expect(one.message("Half an ans").locator(".message__note")).to_contain_text("The model <went> away.")
        one.agrees_with_the_server(room)


def test_what_cannot_be_stopped_says_so_beside_the_message(together, speaks):
    ana, _ = together
    stream = speaks().says("On and on")
    shows_so_far(ana, "On and on")
    ana.goes_offline()
    ana.presses("Stop")
    expect(growing(ana).get_by_role("alert")).to_have_text("There is no connection.")
    expect(growing(ana).get_by_role("button", name="Stop")).to_be_enabled()
    ana.goes_online()
    stream.ends()


def test_those_who_wait_say_their_place_and_move_up(ana, ben, room, speaks):
    ana.opens(room)
    speaking = [speaks().says(f"Speaker {number}") for number in range(3)]
    waiting = [speaks(), speaks()]
    assert [one.message["status"] for one in waiting] == ["queued", "queued"]
    notes = ana.page.locator('.message--growing[data-status="queued"] .message__note')
    expect(notes).to_have_text(["Waiting for its turn: it is next", "Waiting for its turn: number 2 in line"])
    ben.opens(room)
    expect(ben.page.locator('[data-status="queued"] .message__note').last).to_have_text(
        "Waiting for its turn: number 2 in line"
    )
    speaking[0].ends()
    expect(notes).to_have_text(["Waiting for its turn: it is next"])
    waiting[0].says("My turn")
    shows_so_far(ana, "My turn")
    for one in [*speaking[1:], *waiting]:
        one.ends()
    expect(growing(ana)).to_have_count(0)
    ana.agrees_with_the_server(room)


COUNTS_QUESTIONS = """
(() => {
  window.questions = 0;
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (frame) {
    if (typeof frame === "string" && frame.includes('"syncSession"')) window.questions += 1;
    return send.call(this, frame);
  };
})()
"""


def test_twenty_cuts_and_two_reloads_within_one_stream_change_nothing(together, room, speaks):
    ana, ben = together
    ana.page.add_init_script(COUNTS_QUESTIONS)
    ana.goes_to(f"/rooms/{room}")
    ana.is_in(room)
    stream = speaks()
    asked = 0
    for number in range(20):
        stream.says(f"{number} 🎉漢 ")
        ana.page.evaluate("window.questions = 0")
        ana.goes_offline()
        stream.says("unheard ")
        ana.goes_online()
        ana.is_connected()
        stream.says("heard. ")
        shows_so_far(ana, stream.text)
        asked = max(asked, ana.page.evaluate("window.questions"))
        if number in (6, 13):
            ana.page.reload()
            assert stream.text.startswith(bodies(ana)[0]) and "unheard" in bodies(ana)[0]
            ana.is_in(room)
    assert asked <= 1
    stream.ends()
    for one in together:
        expect(growing(one)).to_have_count(0)
        one.agrees_with_the_server(room)
    assert ana.shows() == ben.shows()


def test_screen_readers_hear_it_once_at_its_end(together, speaks):
    ana, _ = together
    stream = speaks().says("Word by word ")
    expect(growing(ana)).to_have_attribute("aria-live", "off")
    stream.says("to the end")
    stream.ends()
    done = ana.message("Word by word to the end")
    expect(done).to_be_visible()
    expect(growing(ana)).to_have_count(0)
    assert done.get_attribute("aria-live") is None and done.get_attribute("aria-busy") is None


def test_what_grows_can_be_copied_as_far_as_it_is_and_whole_as_it_was_written(together, speaks):
    ana, _ = together
    ana.context.grant_permissions(["clipboard-read", "clipboard-write"])
    stream = speaks().says("So **far**")
    shows_so_far(ana, "So **far**")
    for text, locator in (("So **far**", growing(ana)), ("So **far** so good", ana.said.last)):
        locator.locator(".message__at").focus()
        ana.presses("Copy text")
        ana.until(lambda text=text: ana.page.evaluate("navigator.clipboard.readText()") == text, "not copied")
        if locator is not ana.said.last and stream.text == "So **far**":
            stream.says(" so good").ends()
            expect(growing(ana)).to_have_count(0)


def test_without_javascript_one_reads_the_text_so_far_and_loads_again(house, visitors, ana, room, speaks):
    plain = visitors(house, ana.somebody, java_script_enabled=False).has_a_cookie()
    stream = speaks().says("So far, <so> good")
    plain.goes_to(f"/rooms/{room}")
    expect(plain.page.locator(".message--growing .body")).to_have_text("So far, <so> good")
    stream.says(" and **well**").ends()
    plain.page.get_by_role("link", name="Load again to read on").click()
    expect(plain.said.locator("strong")).to_have_text("well")
    expect(plain.page.get_by_role("link", name="Load again to read on")).to_have_count(0)


def test_the_assistant_of_the_first_day_tells_what_was_missed(browser, servers, visitors):
    house = Workplace(servers())
    ana = visitors(house)
    ana.goes_to("/")
    ana.fills_in(name="Ana", email="ana@example.org", password="correct horse", room_name="lobby")
    ana.page.get_by_role("button", name="@Assistant what did I miss?").click()
    expect(ana.box).to_have_value("@Assistant what did I miss?")
    for number in range(6):
        ana.says(f"The garden party is on Saturday, part {number}")
    ana.says("@Assistant what did I miss?")
    expect(growing(ana)).to_have_count(1)
    answer = ana.message("not a language model")
    expect(answer).not_to_have_class("message--growing")
    expect(answer.locator(".message__author")).to_have_text("Assistant")
    expect(answer).to_contain_text("Ana")
