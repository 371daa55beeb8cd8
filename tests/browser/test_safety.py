"""What people write is text, whatever it looks like."""

import pytest
from playwright.sync_api import expect

ATTACKS = [
    "<img src=x onerror=window.harmed=1>",
    "<script>window.harmed=1</script>",
    "[click](javascript:window.harmed=1)",
    "<javascript:window.harmed=1>",
    "[click](data:text/html,<script>window.harmed=1</script>)",
    '![picture](x" onerror="window.harmed=1)',
    "<svg/onload=window.harmed=1><style>*{display:none}</style>",
    '```"><img src=x onerror=window.harmed=1>\n<img src=x onerror=window.harmed=1>\n```',
    "|<img src=x onerror=window.harmed=1>|b|\n|--|--|\n|`<script>`|c|",
    "<form action=/sign-out method=post><button>x</button></form>",
    '[a](https://example.org/"onmouseover="window.harmed=1)',
    "{{ 7*7 }} {% raw %} ${window.harmed=1}",
]
ODD = [
    "\u202ereversed\u202c",
    "z\u0351\u036b\u0343\u036a\u0302\u036b\u033d" * 30,
    "\ufdfd" * 20,
    "👨‍👩‍👧‍👦🏳️‍🌈",
    "a\u200bb\u2066c",
    "\U000e0041\U0001d573",
    "x" * 2_000,
]
HARM = """() => {
  const bodies = [...document.querySelectorAll(".message .body")];
  const all = bodies.flatMap((body) => [...body.querySelectorAll("*")]);
  return {
    harmed: window.harmed ?? null,
    elements: all.filter((one) => one.matches("img, script, style, svg, form, iframe, object, input, button")).map((one) => one.outerHTML),
    handlers: all.filter((one) => [...one.attributes].some(({ name }) => name.startsWith("on") || name === "style")).map((one) => one.outerHTML),
    links: all.map((one) => one.getAttribute("href")).filter((href) => href && !/^(https?:|mailto:|\\/|#)/.test(href)),
  };
}"""
NONE = {"harmed": None, "elements": [], "handlers": [], "links": []}


def test_attacks_do_nothing_while_pending_when_sent_and_when_read(house, together, room):
    ana, _ = together
    with house.holding_its_breath():
        ana.says(*ATTACKS)
        expect(ana.pending).to_have_count(len(ATTACKS))
        assert ana.page.evaluate(HARM) == NONE
    for one in together:
        expect(one.said).to_have_count(len(ATTACKS))
        for link in one.page.locator(".message .body a").all():
            link.hover()
        assert one.page.evaluate(HARM) == NONE
        one.opens(room)
        assert one.page.evaluate(HARM) == NONE


@pytest.mark.parametrize("door", ["room", "settings"])
def test_names_that_are_markup_stay_names(house, at_browser, door):
    eve = at_browser(house, house.somebody("<img src=x onerror=window.harmed=1>"))
    room = eve.somebody.makes(name="<script>window.harmed=1</script>")
    eve.somebody.calls("PATCH", f"/sessions/{room}", {"topic": "<svg onload=window.harmed=1>"})
    eve.opens(room)
    if door == "settings":
        eve.goes_to(f"/rooms/{room}/settings")
    assert eve.page.evaluate("window.harmed ?? null") is None
    expect(eve.page.get_by_text("<script>window.harmed=1</script>").first).to_be_visible()


def test_a_link_in_a_message_does_not_give_the_page_away(ana, room):
    ana.opens(room)
    ana.says("See https://example.org/somewhere")
    ana.sees("example.org")
    link = ana.page.get_by_role("link", name="https://example.org/somewhere")
    assert "noopener" in link.get_attribute("rel")
    assert "nofollow" in link.get_attribute("rel") or "noreferrer" in link.get_attribute("rel")


def test_odd_characters_arrive_as_they_were_written_and_break_no_page(together, room):
    ana, _ = together
    ana.says(*ODD)
    for one in together:
        expect(one.said).to_have_count(len(ODD))
        one.agrees_with_the_server(room)
        assert one.fits() == []
        assert one.texts() == ODD
