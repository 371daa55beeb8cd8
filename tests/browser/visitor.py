"""A person at a browser: pages, forms, tabs, and everything the browser complained of."""

import re

from playwright.sync_api import BrowserContext, expect

from chatapp import secret
from chatapp.models import Device
from tests.browser.room_page import RoomPage
from tests.live.people import PASSWORD

COOKIE = "chatapp_device"
OFFLINE = "ERR_INTERNET_DISCONNECTED|WebSocket connection to|ERR_NETWORK_CHANGED"
SERVER_AWAY = (
    "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection to|ERR_SOCKET_NOT_CONNECTED"
)


class Visitor(RoomPage):
    """`page` is the tab in front; tabs of one visitor share the `context`: cookie, storage, network."""

    def __init__(self, house, context: BrowserContext, somebody=None):
        self.house, self.context, self.somebody = house, context, somebody
        self.troubles, self.expected = [], []
        self.page = context.new_page()

    def listens(self):
        """Notes what goes wrong in any tab: errors, refusals of the content security policy, answers of 400 and more."""
        self.context.on("console", lambda line: line.type in ("error", "warning") and self.troubles.append(line.text))
        self.context.on("weberror", lambda error: self.troubles.append(f"page error: {error.error}"))
        return self

    def expects_trouble(self, pattern):
        """What the browser may complain of in this test, as it always does then."""
        self.expected.append(pattern)

    def unexpected_troubles(self) -> list[str]:
        return [one for one in self.troubles if not any(re.search(pattern, one) for pattern in self.expected)]

    def has_a_cookie(self):
        """Signed in without the form."""
        key = secret.make()
        self.device = self.house.adds(
            Device, person_id=self.somebody.id, secret_hash=secret.digest(key), user_agent="Chrome Linux"
        )
        self.context.add_cookies([{"name": COOKIE, "value": key, "url": self.house.url, "httpOnly": True}])
        return self

    def opens_a_tab(self) -> "Visitor":
        """Another tab of the same browser."""
        tab = Visitor(self.house, self.context, self.somebody)
        tab.troubles, tab.expected = self.troubles, self.expected
        return tab

    def goes_to(self, path):
        return self.page.goto(path if path.startswith("http") else self.house.url + path)

    def fills_in(self, **fields):
        """The form of the page: by field names; and sends it."""
        for name, text in fields.items():
            self.page.locator(f'main [name="{name}"]:not([type="hidden"])').fill(text)
        self.page.locator("main form").filter(has=self.page.locator(f'[name="{[*fields][-1]}"]')).locator(
            "button"
        ).click()

    def signs_in(self, password=PASSWORD):
        self.fills_in(email=self.somebody.email, password=password)

    def presses(self, name, scope=None):
        """A button, and yes to the question that may follow."""
        (scope or self.page).get_by_role("button", name=name, exact=True).click()

    def confirms(self):
        self.page.locator(".confirm__yes").click()

    def is_at(self, pattern):
        expect(self.page).to_have_url(re.compile(pattern))

    def goes_offline(self):
        self.expects_trouble(OFFLINE)
        self.context.set_offline(True)

    def goes_online(self):
        self.context.set_offline(False)

    def knows_the_server_may_die(self):
        self.expects_trouble(SERVER_AWAY)

    def side_bar(self, title):
        return self.page.locator(".sidebar__item").filter(has_text=title)

    def fits(self) -> list[str]:
        """What is wider than it may be; the best answer is nothing."""
        return self.page.evaluate(
            """() => {
              const boxes = [document.documentElement, document.body, ...document.querySelectorAll("main, .page, .log, .foot, .head, .sidebar__lists, .docs__main")];
              return boxes.filter((box) => box.scrollWidth > box.clientWidth + 1 && box.clientWidth).map((box) => `${box.tagName}.${box.className} ${box.scrollWidth} > ${box.clientWidth}`);
            }"""
        )
