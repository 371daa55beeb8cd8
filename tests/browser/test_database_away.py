"""PostgreSQL goes away while people write: nothing that was typed is lost, and nothing has to be loaded again."""

import pytest
from playwright.sync_api import expect

from tests.browser.workplace import Workplace
from tests.live.server import Server
from tests.stack.servers import Postgres

UNAVAILABLE = "status of 503"


@pytest.fixture
def postgres_of_its_own(tmp_path):
    server = Postgres(tmp_path / "postgres", "synchronous_commit=on").start()
    yield server
    server.end()


@pytest.fixture
def house(browser, postgres_of_its_own, tmp_path):
    server = Server(tmp_path, {"DATABASE_URL": postgres_of_its_own.makes("chat")})
    server.flask("db", "upgrade")
    yield Workplace(server.start())
    server.kill()


@pytest.mark.parametrize(("goes", "returns"), [("kill", "start"), ("freeze", "thaw")])
def test_what_is_written_meanwhile_is_said_once_it_is_back(together, room, postgres_of_its_own, goes, returns):
    ana, ben = together
    for one in together:
        one.expects_trouble(UNAVAILABLE)
    ana.says("Before")
    ben.sees("Before")
    getattr(postgres_of_its_own, goes)()
    ana.says("Meanwhile", "And on")
    expect(ana.page.locator(".message--pending")).to_have_count(2)
    ana.types("Half a thou")
    ana.page.wait_for_timeout(4_000)
    expect(ana.page.locator(".message--pending")).to_have_count(2)
    expect(ana.failed).to_have_count(0)
    getattr(postgres_of_its_own, returns)()
    ben.sees("Meanwhile")
    ben.sees("And on")
    expect(ana.box).to_have_value("Half a thou")
    for one in together:
        one.agrees_with_the_server(room)
    assert ben.texts() == ["Before", "Meanwhile", "And on"]
