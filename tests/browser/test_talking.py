"""Two people in one room: sending, the keys, editing, removing; they always see the same."""

import re

from playwright.sync_api import expect

TEXTS = {
    "a line": "Good morning",
    "lines": "one\ntwo\nthree",
    "paragraphs": "first\n\nsecond",
    "code": "```python\ndef f(x):\n    return x\n```",
    "emoji": "👍🎉",
    "a long line": "word " * 80,
}


def test_two_people_talk_and_see_the_same(together, room):
    ana, ben = together
    ana.says("Hello **Ben**", "- one\n- two\n\n> a quote", "|what|ms|\n|:--|--:|\n|join|12|")
    ben.sees("join")
    ben.says("`code` and https://example.org/path", "👍🎉")
    for one in together:
        one.sees("👍🎉")
        one.agrees_with_the_server(room)
    assert len(ana.shows()) == 5
    assert ana.shows() == ben.shows()


def test_many_messages_from_both_sides_at_once_come_in_one_order(together, room):
    ana, ben = together
    for number in range(15):
        ana.says(f"Ana {number}")
        ben.says(f"Ben {number}")
    for one in together:
        expect(one.said).to_have_count(30)
        one.agrees_with_the_server(room)
    assert ana.shows() == ben.shows()
    for name in ("Ana", "Ben"):
        assert [text for text in ana.texts() if text.startswith(name)] == [f"{name} {number}" for number in range(15)]


def test_a_message_is_there_at_once_as_pending_and_then_as_sent(house, together, room):
    ana, ben = together
    with house.holding_its_breath():
        ana.says("At once")
        expect(ana.pending).to_contain_text("At once")
        expect(ana.pending).to_have_attribute("aria-busy", "true")
        written_at = ana.pending.get_attribute("data-at")
        expect(ana.pending.locator("time")).to_have_attribute("datetime", written_at)
        expect(ana.pending.locator("time")).to_have_attribute("title", re.compile(written_at[:4]))
        expect(ana.box).to_have_value("")
    ben.sees("At once")
    expect(ana.pending).to_have_count(0)
    ana.agrees_with_the_server(room)


def test_what_was_pending_is_replaced_without_moving_a_pixel(house, ana, room):
    """Text, lines and code: what the pending bubble can know. (Lists, tables and the like get their shape from the server.)"""
    ana.opens(room)
    newest = ".log__messages > .message:last-child"
    moved = []
    for number, (kind, text) in enumerate(TEXTS.items(), 1):
        first = [ana.page.locator(".log__messages > .message").first] if number > 1 else []
        watched = [
            *first,
            *map(ana.page.locator, (newest, f"{newest} .body", f"{newest} .message__at", ".composer__box")),
        ]
        with house.holding_its_breath():
            ana.says(text)
            expect(ana.pending).to_be_visible()
            before = [ana.place_of(one) for one in watched]
        expect(ana.said).to_have_count(number)
        expect(ana.pending).to_have_count(0)
        moved += [kind] if [ana.place_of(one) for one in watched] != before else []
    assert moved == []


def test_what_was_pending_moves_nothing_when_others_speak_meanwhile(house, together, room, cleo):
    ana, _ = together
    ana.says("Before")
    ana.sees("Before")
    with house.holding_its_breath():
        ana.says("Mine")
        expect(ana.pending).to_be_visible()
        width = ana.place_of(ana.pending)["width"]
    cleo.calls(
        "POST", f"/sessions/{room}/messages", {"content": "Hers", "clientId": "3a9f3c4e-7d1a-4b7e-8a55-0f6f8f0d9a11"}
    )
    ana.sees("Hers")
    ana.sees("Mine")
    assert ana.place_of(ana.message("Mine"))["width"] == width
    ana.agrees_with_the_server(room)


def test_enter_sends_and_shift_enter_breaks_the_line(together):
    ana, ben = together
    assert ana.box.evaluate("(box) => box.enterKeyHint") == "send"
    ana.types("one")
    ana.box.press("Shift+Enter")
    ana.types("two")
    expect(ana.box).to_have_value("one\ntwo")
    expect(ana.said).to_have_count(0)
    ana.box.press("Enter")
    ben.sees("one\ntwo")
    expect(ana.box).to_have_value("")
    ana.box.press("Enter")
    ana.says("   ", "last")
    ben.sees("last")
    expect(ana.said).to_have_count(2)


def test_the_button_sends_too(together):
    ana, ben = together
    ana.box.fill("By the button")
    ana.presses("Send")
    ben.sees("By the button")
    expect(ana.box).to_be_focused()


def test_arrow_up_edits_the_last_own_message_and_it_reaches_the_other(together, room):
    ana, ben = together
    ana.says("First", "Secnd **bold**")
    ben.sees("Secnd")
    ben.says("Mine, not yours")
    ana.sees("Mine, not yours")
    ana.box.press("ArrowUp")
    expect(ana.page.locator(".editor__text")).to_have_value("Secnd **bold**")
    ana.edits_to("Second **bold**")
    ben.sees("Second bold")
    ben.misses("Secnd")
    expect(ben.message("Second")).to_contain_text("(edited)")
    expect(ana.box).to_be_focused()
    for one in together:
        one.agrees_with_the_server(room)
    assert ana.shows() == ben.shows()


def test_escape_leaves_the_message_as_it_was(together):
    ana, ben = together
    ana.says("As it was")
    ana.sees("As it was")
    ana.box.press("ArrowUp")
    area = ana.page.locator(".editor__text")
    expect(area).to_be_focused()
    area.fill("Something else")
    area.press("Escape")
    expect(area).to_have_count(0)
    expect(ana.box).to_be_focused()
    ana.sees("As it was")
    ben.sees("As it was")
    expect(ben.message("As it was")).not_to_contain_text("(edited)")


def test_arrow_up_in_a_begun_text_only_moves_the_cursor(together):
    ana, _ = together
    ana.says("Said")
    ana.sees("Said")
    ana.types("begun")
    ana.box.press("ArrowUp")
    expect(ana.page.locator(".editor__text")).to_have_count(0)
    expect(ana.box).to_have_value("begun")


def test_on_touch_enter_breaks_the_line_in_the_editor_too(house, at_browser, cast, room):
    """A soft keyboard has no Shift+Enter."""
    ana = at_browser(house, cast[0], viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True).opens(room)
    ana.box.fill("one")
    ana.presses("Send")
    ana.sees("one")
    ana.box.press("ArrowUp")
    area = ana.page.locator(".editor__text")
    expect(area).to_be_focused()
    area.press("End")
    area.press("Enter")
    area.press_sequentially("two")
    expect(area).to_have_value("one\ntwo")
    ana.presses("Save")
    ana.sees("one\ntwo")
    assert ana.box.evaluate("(box) => box.enterKeyHint") == "enter"


def test_an_edit_that_is_refused_keeps_the_text_in_the_editor(together):
    ana, _ = together
    ana.says("Short")
    ana.sees("Short")
    ana.box.press("ArrowUp")
    area = ana.page.locator(".editor__text")
    expect(area).to_be_focused()
    area.fill("x" * 10_001)
    area.press("Enter")
    expect(ana.page.locator(".editor__note")).to_contain_text("Not saved")
    expect(area).to_have_value("x" * 10_001)


def test_removing_reaches_the_other_and_nothing_of_the_text_stays(together, room):
    ana, ben = together
    ana.says("For nobody", "For all")
    ben.sees("For all")
    ana.removes("For nobody")
    for one in together:
        expect(one.page.get_by_text("This message was removed.")).to_be_visible()
        assert "For nobody" not in one.log.inner_html()
        one.agrees_with_the_server(room)
    assert ana.shows() == ben.shows()


def test_one_edits_and_removes_only_what_is_ones_own(together):
    ana, ben = together
    ana.says("Hers")
    ben.sees("Hers")
    ben.message("Hers").hover()
    tools = ben.page.get_by_role("group", name="Message")
    expect(tools.get_by_role("button", name="Copy link")).to_be_visible()
    expect(tools.get_by_role("button", name="Edit")).to_have_count(0)
    expect(tools.get_by_role("button", name="Remove")).to_have_count(0)
    ben.box.press("ArrowUp")
    expect(ben.page.locator(".editor__text")).to_have_count(0)


def test_the_tools_of_a_message_edit_it(together):
    ana, ben = together
    ana.says("With tols", "Something later")
    ben.sees("Something later")
    ana.message("With tols").hover()
    ana.presses("Edit")
    ana.edits_to("With tools")
    ben.sees("With tools")


def test_a_copied_link_leads_to_the_message(together, room):
    ana, ben = together
    ana.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ana.says("Look at this")
    ben.sees("Look at this")
    ana.message("Look at this").hover()
    ana.presses("Copy link")
    expect(ana.page.get_by_role("button", name="Link copied")).to_be_visible()
    ben.goes_to(ana.page.evaluate("navigator.clipboard.readText()"))
    expect(ben.page.locator(".message--target")).to_contain_text("Look at this")


def test_everything_on_a_message_is_reached_by_keyboard(together):
    ana, ben = together
    ana.says("By keys")
    ana.sees("By keys")
    ana.message("By keys").locator(".message__at").focus()
    for _ in ("copy the text", "copy the link", "edit"):
        ana.page.keyboard.press("Tab")
    ana.page.keyboard.press("Enter")
    ana.edits_to("By keys alone")
    ben.sees("By keys alone")


def test_enter_that_ends_a_composition_does_not_send(together):
    """As somebody writes Japanese: the first Enter takes the proposed word, only the next one sends."""
    ana, ben = together
    ana.box.focus()
    keyboard = ana.context.new_cdp_session(ana.page)
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    keyboard.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    expect(ana.box).to_have_value("にほん")
    keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown"} | enter)
    keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp"} | enter)
    keyboard.send("Input.insertText", {"text": "日本"})
    expect(ana.box).to_have_value("日本")
    expect(ana.page.locator(".message")).to_have_count(0)
    ana.box.press("Enter")
    ben.sees("日本")


def test_the_typing_line_appears_and_ends_by_itself(together):
    ana, ben = together
    line = ana.page.locator('[data-component="typing"]')
    height = ana.place_of(line)["height"]
    ben.types("hm")
    expect(line).to_have_text("Ben Okafor is typing…")
    assert ana.place_of(line)["height"] == height
    expect(ben.page.locator('[data-component="typing"]')).to_be_empty()
    expect(line).to_be_empty(timeout=6_000)


def test_the_typing_line_ends_with_the_message(together):
    ana, ben = together
    ben.types("done")
    expect(ana.page.locator('[data-component="typing"]')).to_have_text("Ben Okafor is typing…")
    ben.box.press("Enter")
    ana.sees("done")
    expect(ana.page.locator('[data-component="typing"]')).to_be_empty(timeout=1_000)
