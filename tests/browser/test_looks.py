"""Every page in both themes and three widths: axe finds nothing, nothing is too wide. The pictures stay in test-artefacts/."""

import uuid

import pytest
from playwright.sync_api import expect

from chatapp.models import Person
from tests.browser import looks
from tests.browser.speaker import Speaker
from tests.browser.workplace import Workplace

SAID = [
    "Good morning! Shall we look at the **new release** today?",
    "Yes. Here is what I measured:\n\n|what|before|now|\n|:--|--:|--:|\n|join|48 ms|12 ms|\n|send|9 ms|4 ms|\n|a column that is longer than others|1|2|",
    '```python\ndef greet(name: str) -> str:\n    return f"Hello {name}, this line is so long that it has to scroll sideways on every telephone"\n```',
    "> Nothing jumps.\n\n- one\n- two, with `code`\n- three: https://example.org/a/rather/long/path/that/does/not/fit/anywhere?on=a&small=screen",
    "👍🎉",
    "Averylongwordwithoutanyplacetobreakit" * 6,
    "# A heading\n\nand 1. a number, ~~gone~~, _soft_, and a second line\nin the same paragraph.",
]


class Scene:
    """A workplace with people and something said, on a server of its own: its pages look the same every time."""

    def __init__(self, house):
        self.house = house
        self.olga = house.somebody("Olga Berg", is_admin=True)
        self.ana, self.ben = house.somebody("Ana Novak"), house.somebody("Ben Okafor-Featherstonehaugh")
        bot = house.adds(Person, name="Recap", kind="bot", is_assistant=True)
        self.empty = self.olga.makes(self.ana, self.ben, name="Garden")
        self.helped = self.olga.makes(self.ana, type("Bot", (), {"id": bot}), name="Workshop")
        self.full = self.olga.makes(self.ana, self.ben, name="Kitchen")
        self.archived = self.olga.makes(self.ana, name="Cellar")
        self.says(self.olga, self.archived, "The last word")
        self.olga.calls("PATCH", f"/sessions/{self.archived}", {"archived": True})
        self.olga.calls(
            "PATCH",
            f"/sessions/{self.full}",
            {"topic": "Bread, knives, and everything that is cooked between the two of them"},
        )
        self.direct = self.olga.calls("POST", "/sessions", {"kind": "direct", "memberIds": [self.ben.id]}).json()[
            "session"
        ]["id"]
        self.open = self.ben.calls(
            "POST", "/sessions", {"name": "Town hall", "kind": "open", "topic": "For everybody"}
        ).json()["session"]["id"]
        self.olga.calls("DELETE", f"/sessions/{self.open}/members/{self.olga.id}")
        house.fill(self.full, self.ben, 60)
        house.fill(self.full, type("Bot", (), {"id": bot}), 1, text="I sum up: nothing happened.")
        ids = [self.says(self.ana if place % 3 else self.olga, self.full, text) for place, text in enumerate(SAID)]
        self.some_id = ids[1]
        self.old_id = ids[0] - 40
        for text, verb in (("Edited", "PATCH"), ("Removed", "DELETE")):
            self.olga.calls(
                verb,
                f"/messages/{self.says(self.olga, self.full, text)}",
                {"content": "Edited, once"} if verb == "PATCH" else None,
            )

    def says(self, somebody, room, text):
        said = {"content": text, "clientId": str(uuid.uuid4())}
        return somebody.calls("POST", f"/sessions/{room}/messages", said).json()["message"]["id"]


@pytest.fixture(scope="module")
def empty_house(browser, servers):
    house = Workplace(servers())
    yield house
    house.server.kill()


@pytest.fixture(scope="module")
def scene(browser, servers):
    house = Workplace(servers())
    yield Scene(house)
    house.server.kill()


@pytest.fixture
def olga(scene, at_browser):
    return at_browser(scene.house, scene.olga)


@pytest.fixture
def stranger(scene, visitors):
    return visitors(scene.house)


PAGES = {
    "rooms": "/rooms",
    "new-room": "/rooms/new",
    "new-direct-room": "/direct/new",
    "people": "/people",
    "account": "/account",
    "docs": "/api/v1/docs",
    "room-empty": "/rooms/{0.empty}",
    "room-full": "/rooms/{0.full}",
    "room-archived": "/rooms/{0.archived}",
    "room-direct": "/rooms/{0.direct}",
    "room-settings": "/rooms/{0.full}/settings",
    "room-with-assistant": "/rooms/{0.helped}",
    "room-with-assistant-settings": "/rooms/{0.helped}/settings",
    "permalink": "/rooms/{0.full}/messages/{0.old_id}",
    "error-404": "/nowhere",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_for_people_who_are_in(scene, olga, name):
    olga.expects_trouble("status of 404")
    olga.goes_to(PAGES[name].format(scene))
    looks.passes(olga, name)


@pytest.mark.parametrize(
    ("name", "path"),
    [("sign-in", "/sign-in"), ("error-invite", "/join/nothing"), ("docs-for-strangers", "/api/v1/docs")],
)
def test_a_page_for_strangers(stranger, name, path):
    stranger.expects_trouble("status of 404")
    stranger.goes_to(path)
    looks.passes(stranger, name)


def test_the_pages_of_the_first_visit(empty_house, visitors):
    stranger = visitors(empty_house)
    stranger.expects_trouble("status of 422")
    stranger.goes_to("/")
    looks.passes(stranger, "setup")
    stranger.fills_in(name="Ana", email="ana@example.org", room_name="lobby", password="short")
    looks.passes(stranger, "setup-wrong")


def test_the_join_page(olga, stranger):
    olga.goes_to("/people")
    stranger.goes_to(olga.page.get_by_label("Invite link").input_value())
    looks.passes(stranger, "join")


def test_the_sign_in_page_after_a_wrong_password(stranger):
    stranger.expects_trouble("status of 401")
    stranger.goes_to("/sign-in")
    stranger.fills_in(email="nobody@example.org", password="wrong")
    looks.passes(stranger, "sign-in-wrong")


def test_a_page_that_is_not_for_one(scene, at_browser):
    ben = at_browser(scene.house, scene.ben)
    ben.expects_trouble("status of 403")
    ben.goes_to("/people")
    looks.passes(ben, "error-403")


def test_the_account_page_with_a_token_just_made(olga):
    olga.goes_to("/account")
    olga.page.get_by_label("What it is for").fill("A clock")
    olga.presses("Make a token")
    expect(olga.page.get_by_label("New token")).to_be_visible()
    looks.passes(olga, "account-token")


def test_a_room_in_which_much_is_going_on(scene, olga, at_browser):
    """Pending, typing, the way down, and the note that one is offline."""
    ben = at_browser(scene.house, scene.ben).opens(scene.full)
    olga.opens(scene.full)
    ben.types("I am")
    expect(olga.page.get_by_text("is typing…")).to_be_visible()
    olga.goes_offline()
    olga.says("This waits", "```\nand this\n```")
    expect(olga.indicator).to_contain_text("2 messages are waiting")
    looks.passes(olga, "room-offline")


def test_a_room_with_a_failed_message_and_an_open_editor(scene, olga):
    olga.opens(scene.full)
    olga.box.evaluate("(box) => { box.value = 'half \\ud83d'; box.form.requestSubmit(); }")
    olga.sees_failed("Not sent")
    olga.box.press("ArrowUp")
    expect(olga.page.locator(".editor__text")).to_be_focused()
    looks.passes(olga, "room-failed-editing")
    olga.page.keyboard.press("Escape")
    olga.presses("Discard")


def test_a_room_in_which_much_is_being_said(scene, olga):
    """Growing, waiting, stopped, cut off, broken off."""
    room = scene.olga.makes(scene.ana, scene.ben, name="Answers")
    scene.says(scene.ben, room, "@Robby what did we decide about the *new release*?")
    Speaker(scene.ana, room).says("We decided to wait for the **second** trial, and then").ends(status="stopped")
    Speaker(scene.ana, room).says("A list:\n\n1. first\n2. sec").ends(status="truncated")
    broken = {"code": "unavailable", "message": "The assistant cannot be reached. Please ask again later."}
    Speaker(scene.ben, room).says("Half of it").ends(error=broken)
    speaking = [Speaker(scene.ben, room).says("Quick as that, in one line"), Speaker(scene.ana, room)]
    speaking += [
        Speaker(scene.olga, room).says("Three things changed: drafts survive a reload.\n\n" * 2),
        Speaker(scene.olga, room),
    ]
    olga.opens(room)
    expect(olga.page.get_by_text("it is next")).to_be_visible()
    looks.passes(olga, "room-streams")
    olga.page.set_viewport_size({"width": 768, "height": 700})
    speaking[2].says("And many lines more.\n" * 40)
    expect(olga.page.get_by_text("And many lines more.")).to_be_visible()
    olga.message("Three things").locator(".message__at").focus()
    looks.picture(olga, "room-stream-tall", "light", "middle")
    for one in speaking:
        one.ends()


def test_a_room_with_its_question_and_with_its_panel(scene, olga):
    olga.opens(scene.full)
    olga.page.locator(".presence__summary").click()
    looks.passes(olga, "room-presence")
    olga.page.keyboard.press("Escape")
    olga.message("Edited, once").hover()
    olga.presses("Remove")
    looks.passes(olga, "room-question")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_side_bar_opens_and_closes_by_keyboard_on_a_small_screen(scene, olga, key):
    olga.opens(scene.full)
    looks.is_shown(olga, "light", "small")
    opener, first = olga.page.get_by_role("button", name="Rooms and people"), olga.side_bar("Garden")
    expect(first).not_to_be_visible()
    opener.focus()
    olga.page.keyboard.press(key)
    expect(first).to_be_visible()
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(olga.page.get_by_label("Close the side bar")).to_be_focused()
    olga.page.keyboard.press("Escape")
    expect(first).not_to_be_visible()
    expect(opener).to_be_focused()


def test_the_side_bar_lies_over_the_page_and_a_touch_beside_it_closes_it(scene, olga):
    olga.opens(scene.full)
    olga.page.set_viewport_size({"width": 320, "height": 640})
    olga.presses("Rooms and people")
    expect(olga.side_bar("Garden")).to_be_visible()
    for theme in looks.THEMES:
        looks.is_shown(olga, theme, "small")
        looks.picture(olga, "side-bar", theme, "small")
        assert looks.violations(olga) == []
    olga.page.mouse.click(310, 320)
    expect(olga.side_bar("Garden")).not_to_be_visible()


def test_the_theme_one_chooses_stays(scene, olga):
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    olga.goes_to("/account")
    light = olga.page.evaluate(ground)
    olga.page.get_by_role("radio", name="Dark").check()
    dark = olga.page.evaluate(ground)
    assert dark != light
    olga.opens(scene.full)
    assert olga.page.evaluate(ground) == dark
    olga.page.emulate_media(color_scheme="light")
    assert olga.page.evaluate(ground) == dark
    olga.goes_to("/account")
    expect(olga.page.get_by_role("radio", name="Dark")).to_be_checked()
    olga.page.get_by_role("radio", name="Automatic").check()
    assert olga.page.evaluate(ground) == light


def test_on_a_telephone_the_way_to_write_is_never_cut(scene, at_browser):
    """With a soft keyboard half the height is gone."""
    ana = at_browser(scene.house, scene.ana, viewport={"width": 320, "height": 320}, has_touch=True, is_mobile=True)
    ana.opens(scene.full)
    ana.box.fill("many\n" * 30)
    assert looks.composer_in_view(ana)
    assert ana.fits() == []
    ana.box.press("Enter")
    expect(ana.box).to_have_value("many\n" * 30 + "\n")  # a soft keyboard has no Shift+Enter: Enter breaks the line
