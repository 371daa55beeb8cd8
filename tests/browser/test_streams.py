"""Messages that grow while they are said, for everybody who has the room open."""

import pytest
from playwright.sync_api import expect

from tests.browser.speaker import Speaker

TEXT = "Three things changed. **Drafts** survive a reload — 漢字, emoji 👩‍👩‍👧 and <b>markup</b> are text while they grow.\n\n- one\n- two\n"
PIECES = [TEXT[place : place + 4] for place in range(0, len(TEXT), 4)]
NO_JUMP_PX = 0.5


@pytest.fixture
def speaks(cleo, room):
    """Begins something: `speaks(reply_to=7)`."""
    return lambda **how: Speaker(cleo, room, **how)


def asks(visitor, text):
    """The id of what one just said."""
    visitor.says(text)
    visitor.sees(text)
    return int(visitor.message(text).last.get_attribute("data-id"))


def growing(visitor):
    return visitor.page.locator(".message--growing")


def shows_so_far(visitor, text):
    visitor.until(lambda: text in bodies(visitor), f"not shown so far: {text}")


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
