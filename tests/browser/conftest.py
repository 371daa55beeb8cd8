"""Real Chromium against a real server: one of each for all tests; people, rooms and browsers' memories are new in each."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

pytest.register_assert_rewrite("tests.browser.room_page", "tests.browser.visitor")

from tests.browser import chromium  # noqa: E402 (once its assertions are ready to explain themselves)
from tests.browser.visitor import Visitor  # noqa: E402
from tests.browser.workplace import Workplace  # noqa: E402
from tests.live.conftest import servers  # noqa: E402, F401 (a fixture)

ARTEFACTS = chromium.ROOT / "test-artefacts"
WINDOW = {"width": 1280, "height": 800}
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails leaves pictures of what everybody saw."""
    report = yield
    if report.failed and call.when == "call":
        for number, visitor in enumerate(item.funcargs.get("visitors_made", ())):
            name = re.sub(r"\W+", "_", item.name)[:100]
            visitor.page.screenshot(path=ARTEFACTS / "failures" / f"{name}-{number}.png", timeout=5_000)
    return report


@pytest.fixture(scope="session")
def browser():
    path = chromium.executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def house(browser, servers):  # noqa: F811
    """The one server that lives through all tests. (Without a browser it is not even started.)"""
    return Workplace(servers())


@pytest.fixture
def shaky_house(browser, servers):  # noqa: F811
    """A server of one's own that may be stopped, killed and started again."""
    house = Workplace(servers())
    yield house
    if house.server.process.poll() is None:
        house.server.kill()


@pytest.fixture
def visitors_made():
    return []


@pytest.fixture
def visitors(browser, visitors_made):
    """Makes visitors: `visitors(house, ana, timezone_id="Asia/Tokyo")`. In the end nobody's browser may have complained."""

    def make(house, somebody=None, **how):
        context = browser.new_context(**({"viewport": WINDOW, "locale": "en-GB"} | how))
        context.set_default_timeout(15_000)
        visitors_made.append(Visitor(house, context, somebody).listens())
        return visitors_made[-1]

    yield make
    troubles = [trouble for visitor in visitors_made for trouble in visitor.unexpected_troubles()]
    for visitor in visitors_made:
        visitor.context.close()
    assert troubles == []


@pytest.fixture
def at_browser(visitors):
    """Puts somebody, signed in, at a new browser."""
    return lambda house, somebody, **how: visitors(house, somebody, **how).has_a_cookie()


@pytest.fixture
def cast(house):
    """Who is in `room`, whether at a browser or not: its owner, a member, and another one."""
    return [house.somebody(name) for name in ("Ana Novak", "Ben Okafor", "Cleo Haas")]


@pytest.fixture
def ana(house, at_browser, cast):
    """Owner of `room`."""
    return at_browser(house, cast[0])


@pytest.fixture
def ben(house, at_browser, cast):
    """Member of `room`."""
    return at_browser(house, cast[1])


@pytest.fixture
def cleo(cast):
    """Another member of `room`: a program, that acts while the others are away."""
    return cast[2]


@pytest.fixture
def room(cast):
    return cast[0].makes(*cast[1:], name="Kitchen")


@pytest.fixture
def together(ana, ben, room):
    """Both have the room open."""
    return ana.opens(room), ben.opens(room)
