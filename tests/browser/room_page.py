"""A room in the browser: what one does there and what one sees. Part of visitor.Visitor."""

import re
import time
from contextlib import suppress

from playwright.sync_api import TimeoutError as Timeout
from playwright.sync_api import expect

SOON_S = 15
MESSAGES = """list => [...(list ?? document).querySelectorAll(".message:not(.message--pending)")].map((message) => {
  const body = message.querySelector(".body").cloneNode(true);
  for (const box of body.querySelectorAll("[tabindex]")) box.removeAttribute("tabindex");
  const { id, seq, rev, author, at, client } = message.dataset;
  const author_name = message.querySelector(".message__author").textContent;
  const edited = Boolean(message.querySelector(".message__edited"));
  const removed = message.matches(".message--removed");
  return { id: Number(id), seq: Number(seq), rev: Number(rev), author, at, client, author_name, edited, removed, html: body.innerHTML };
})"""
PARSED = f"""html => {{
  const template = document.createElement("template");
  template.innerHTML = html;
  return ({MESSAGES})(template.content);
}}"""
CONNECTED = """async () => {
  const app = document.querySelector('script[type="module"]').src;
  return (await import(new URL("connection.js", app))).isConnected();
}"""


class RoomPage:
    """Verbs of somebody who has a room open in `self.page`. What is seen is waited for."""

    @property
    def box(self):
        return self.page.locator(".composer__text")

    @property
    def log(self):
        return self.page.get_by_role("log")

    @property
    def said(self):
        """The messages that the server has."""
        return self.page.locator(".log__messages > .message:not(.message--pending)")

    @property
    def pending(self):
        return self.page.locator(".log__messages > .message--pending:not(.message--failed)")

    @property
    def failed(self):
        return self.page.locator(".log__messages > .message--failed")

    @property
    def way_down(self):
        return self.page.locator(".log__down")

    @property
    def indicator(self):
        return self.page.locator(".indicator__line")

    def message(self, text):
        return self.said.filter(has=self.page.locator(".body", has_text=text))

    def opens(self, room):
        """The room's page, connected and entered."""
        self.goes_to(f"/rooms/{room}")
        self.is_in(room)
        return self

    def is_in(self, room):
        expect(self.page.locator(f'main[data-room="{room}"]')).to_be_attached()
        self.is_connected()
        expect(self.page.locator(f'.presence [data-user="{self.somebody.id}"]')).to_have_count(1)

    def is_connected(self):
        self.until(lambda: self.page.evaluate(CONNECTED), "no connection")

    def types(self, text):
        self.box.press_sequentially(text)

    def says(self, *texts):
        for text in texts:
            self.box.fill(text)
            self.box.press("Enter")

    def sees(self, text):
        expect(self.message(text).last).to_be_visible()

    def misses(self, text):
        expect(self.message(text)).to_have_count(0)

    def sees_failed(self, text):
        expect(self.failed.filter(has_text=text)).to_be_visible()

    def edits_last(self, text):
        self.box.press("ArrowUp")
        self.edits_to(text)

    def edits_to(self, text):
        area = self.page.locator(".editor__text")
        expect(area).to_be_enabled()
        area.fill(text)
        area.press("Enter")
        expect(area).to_have_count(0)

    def removes(self, text):
        self.message(text).hover()
        self.page.get_by_role("button", name="Remove", exact=True).click()
        self.page.get_by_role("dialog").get_by_role("button", name="Remove").click()

    def comes_back(self):
        """Does not wait for the next try, as people do not."""
        deadline = time.monotonic() + 2 * SOON_S
        while not self.page.evaluate(CONNECTED):
            assert time.monotonic() < deadline, "no connection"
            now = self.page.get_by_role("button", name="Try now")
            if now.is_visible():
                with suppress(Timeout):  # it may be gone already: the next try began by itself
                    now.click(timeout=500)
            self.page.wait_for_timeout(100)

    def texts(self) -> list[str]:
        return [re.sub("<[^>]+>", "", one["html"]).strip() for one in self.shows()]

    def shows(self) -> list[dict]:
        """The messages as they stand on the page."""
        return self.page.evaluate(MESSAGES, None)

    def parse(self, html: str) -> list[dict]:
        """The same of the server's own markup."""
        return self.page.evaluate(PARSED, html)

    def agrees_with_the_server(self, room):
        """The page shows the room's newest messages exactly as the server has them, and nothing beside them."""
        answer = self.somebody.calls("GET", f"/sessions/{room}/messages?limit=100").json()
        truth = self.parse("".join(one["html"] for one in answer["messages"]))
        self.until(lambda: self.shows()[-100:] == truth[-len(self.shows()) :], "the page is not what the server has")
        seqs = [one["seq"] for one in self.shows()]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        expect(self.page.locator(".message--pending")).to_have_count(0)

    def place_of(self, locator) -> dict:
        """Where an element is, to the fraction of a pixel."""
        return locator.evaluate(
            "(it) => { const { x, y, width, height } = it.getBoundingClientRect(); return { x, y, width, height }; }"
        )

    def distance_to_end(self) -> float:
        return self.log.evaluate("(box) => -box.scrollTop")

    def until(self, condition, words, within=SOON_S):
        deadline = time.monotonic() + within
        while not (found := condition()):
            assert time.monotonic() < deadline, words
            self.page.wait_for_timeout(30)
        return found
