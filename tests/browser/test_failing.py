"""Messages that the server does not take: their text stays, with a way to try again and a way to give up."""

import json
import time
import uuid

import pytest
from playwright.sync_api import expect

LONG = "long " * 2_100


def leaves_in_the_outbox(visitor, room, content, client_id=None):
    """A message written earlier, by this browser, that is still to be sent."""
    client_id = client_id or str(uuid.uuid4())
    entry = {
        "clientId": client_id,
        "roomId": room,
        "content": content,
        "at": time.time() * 1000,
        "order": 0,
        "state": "waiting",
    }
    keep = "([key, entry]) => localStorage.setItem(key, entry)"
    visitor.page.evaluate(keep, [f"outbox:{visitor.somebody.id}:{client_id}", json.dumps(entry)])


def test_what_is_too_long_is_not_sent_and_stays_in_the_box(together):
    ana, ben = together
    ana.says("x" * 10_001)
    expect(ana.page.get_by_text("1 character too many")).to_be_visible()
    expect(ana.page.get_by_role("button", name="Send")).to_be_disabled()
    expect(ana.box).to_have_value("x" * 10_001)
    expect(ana.page.locator(".message")).to_have_count(0)
    ana.box.press("Backspace")
    ana.box.press("Enter")
    ben.sees("x" * 10_000)


def test_a_refused_message_offers_retry_and_discard(together, room):
    ana, ben = together
    leaves_in_the_outbox(ana, room, LONG)
    ana.opens(room)
    ana.sees_failed("Not sent: it is too long.")
    ana.presses("Retry")
    ana.sees_failed("Not sent: it is too long.")
    ana.opens(room)
    ana.sees_failed("long long long")
    ana.says("The next one is not held up")
    ben.sees("The next one is not held up")
    ana.sees_failed("long long long")
    ana.presses("Discard")
    expect(ana.failed).to_have_count(0)
    ana.opens(room)
    ana.sees("The next one is not held up")
    expect(ana.failed).to_have_count(0)
    ana.agrees_with_the_server(room)


def test_a_number_used_twice_is_retried_under_a_new_one(together, room):
    ana, ben = together
    said, garden = {"content": "Something else", "clientId": str(uuid.uuid4())}, ana.somebody.makes(name="Garden")
    assert ana.somebody.calls("POST", f"/sessions/{garden}/messages", said).status_code == 201
    leaves_in_the_outbox(ana, room, "The second", client_id=said["clientId"])
    ana.goes_to("/account")
    ana.until(lambda: "failed" in ana.page.evaluate("JSON.stringify(localStorage)"), "not refused")
    ana.opens(room)
    ana.sees_failed("The second")
    ana.presses("Retry")
    ben.sees("The second")
    expect(ana.failed).to_have_count(0)
    ana.agrees_with_the_server(room)


def test_a_lone_surrogate_fails_without_harm(together, room):
    ana, ben = together
    ana.box.evaluate("(box) => { box.value = 'half \\ud83d'; box.form.requestSubmit(); }")
    ana.sees_failed("half")
    ana.presses("Discard")
    ana.says("And on")
    ben.sees("And on")
    ana.agrees_with_the_server(room)


def fails(visitor):
    visitor.box.evaluate("(box) => { box.value = 'half \\ud83d'; box.form.requestSubmit(); }")
    visitor.sees_failed("half")


@pytest.mark.parametrize("button", ["Retry", "Discard"])
def test_by_keyboard_what_is_done_about_a_failed_message_leads_back_to_writing(ana, room, button):
    ana.opens(room)
    fails(ana)
    ana.page.get_by_role("button", name=button).press("Enter")
    expect(ana.box).to_be_focused()


def test_no_day_is_left_over_when_its_only_message_is_discarded(house, ana, room, cleo):
    house.fill(room, cleo, 1)
    ana.opens(room)
    day = ana.page.locator(".day")
    fails(ana)
    expect(day).to_have_text(["March 10, 2024", "Today"])
    ana.presses("Discard")
    expect(ana.failed).to_have_count(0)
    expect(day).to_have_count(1)


def test_what_was_written_for_a_room_archived_meanwhile_is_kept_and_can_be_sent_later(together, room):
    ana, ben = together
    ben.goes_offline()
    ben.says("Too late")
    expect(ben.pending).to_contain_text("Too late")
    archive(ana, room, True)
    ben.goes_online()
    expect(ben.page.get_by_text("This room is archived. It can be read")).to_be_visible()
    ben.sees_failed("Too late")
    ben.presses("Retry")
    ben.sees_failed("Not sent")
    archive(ana, room, False)
    expect(ben.box).to_be_visible()
    ben.presses("Retry")
    ana.sees("Too late")
    expect(ben.failed).to_have_count(0)
    ben.agrees_with_the_server(room)


def test_what_was_written_for_a_room_one_was_put_out_of_is_kept_till_one_is_back(together, room):
    ana, ben = together
    ben.goes_offline()
    ben.says("Too late")
    expect(ben.pending).to_contain_text("Too late")
    path = f"/sessions/{room}/members/{ben.somebody.id}"
    assert ana.somebody.calls("DELETE", path).ok
    ben.goes_online()
    ben.is_at("/rooms$")
    assert ana.somebody.calls("PUT", path).ok
    ben.opens(room)
    ben.until(lambda: ben.failed.count() or ben.said.count(), "the text is lost")
    if ben.failed.count():
        ben.presses("Retry")
    ana.sees("Too late")
    ben.agrees_with_the_server(room)


@pytest.mark.parametrize("key", ["draft", "several drafts"])
def test_a_draft_survives_a_reload(ana, room, key):
    other = ana.somebody.makes(name="Garden")
    ana.opens(room)
    ana.types("Begun")
    if key == "several drafts":
        ana.opens(other)
        expect(ana.box).to_have_value("")
        ana.types("Begun elsewhere")
        ana.page.reload()
        expect(ana.box).to_have_value("Begun elsewhere")
        ana.opens(room)
    ana.page.reload()
    expect(ana.box).to_have_value("Begun")
    ana.is_connected()
    ana.box.press("Enter")
    ana.sees("Begun")
    ana.page.reload()
    expect(ana.box).to_have_value("")


def archive(visitor, room, archived):
    assert visitor.somebody.calls("PATCH", f"/sessions/{room}", {"archived": archived}).ok
