"""Behind a real nginx, as docs/examples/nginx.conf sets it up: two processes, each client at one of them."""

import os
import re
import signal
import subprocess

import pytest
import requests
from sqlalchemy import select

from chatapp.models import Device
from tests.live.people import House
from tests.live.tabs import Tab
from tests.stack.nginx import EXAMPLE, Nginx
from tests.stack.workers import is_alive, serving
from tests.waiting import wait_until

BROWSERS = 8  # so many that both processes have some of each kind


@pytest.fixture
def server(starts, database, redis_server):
    settings = {"DATABASE_URL": database, "REDIS_URL": redis_server.url, "WEB_CONCURRENCY": "2"}
    (server,) = starts(1, **settings, STICKY_PROXY="1", TRUSTED_PROXIES="1")
    ports = [int(server.port), int(server.port) + 1]
    server.pids = [wait_until(lambda port=port: serving(server, port))[0] for port in ports]
    server.ports = ports
    return server


@pytest.fixture
def proxy(server, tmp_path):
    proxy = Nginx(tmp_path / "nginx", server.ports).start()
    yield proxy
    proxy.end()


@pytest.fixture
def house(server, proxy):
    house = House(server)
    house.url = proxy.url
    return house


@pytest.fixture(autouse=True)
def everybody_goes_home():
    yield
    while Tab.opened:
        Tab.opened.pop().closes()


def tabs_of(people, transport):
    """A tab each, told apart as browsers are, by a cookie (which is nobody's: the token says who it is)."""
    tabs = []
    for one in people:
        http = requests.Session()
        http.cookies.set("chatapp_device", str(one.id))
        tabs.append(one.opens_a_tab(transport=transport, http=http))
    return tabs


def test_all_by_websocket_and_by_polling_talk_across_the_processes(house, server):
    people = house.people(2 * BROWSERS)
    room = people[0].makes(*people[1:])
    tabs = tabs_of(people[:BROWSERS], "websocket") + tabs_of(people[BROWSERS:], "polling")
    for tab in tabs:
        tab.enters(room)
    for speaker in (tabs[0], tabs[-1]):
        said = speaker.says("To everybody", room)
        for tab in tabs:
            tab.hears("newMessage", rev=said["rev"])
    told = [requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text for port in server.ports]
    assert all(f"chatapp_connections {2 * BROWSERS}.0" in one for one in told)


def test_the_visitors_address_and_scheme_arrive(house, proxy):
    secure = requests.get(f"{proxy.secure_url}/sign-in", verify=False, timeout=10)  # noqa: S501 (made for this test)
    plain = requests.get(f"{proxy.url}/sign-in", timeout=10)
    assert "Secure" in secure.headers["Set-Cookie"]
    assert "Secure" not in plain.headers["Set-Cookie"]
    ana = house.somebody("Ana")
    browser = ana.opens_a_browser()  # through nginx; what the visitor claims of himself does not count
    assert browser.http.get(f"{house.url}/account", headers={"X-Forwarded-For": "6.6.6.6"}, timeout=10).ok
    with house.engine.connect() as database:
        (address,) = database.execute(select(Device.__table__.c.address)).scalars().all()
    assert address == "127.0.0.1"


def test_figures_are_for_those_inside(proxy, server):
    assert requests.get(f"{proxy.url}/metrics", timeout=10).status_code == 403
    assert requests.get(f"http://127.0.0.1:{server.port}/metrics", timeout=10).ok
    assert requests.get(f"{proxy.url}/readyz", timeout=10).json()["database"] == "ok"


def test_static_files_are_kept_and_packed(proxy):
    page = requests.get(f"{proxy.url}/sign-in", timeout=10).text
    address = re.search(r'href="(/static/[^"]+\.css)"', page)[1]
    answers = [requests.get(f"{proxy.url}{address}", timeout=10) for _ in range(2)]
    assert [one.headers["X-Cache-Status"] for one in answers] == ["MISS", "HIT"]
    assert answers[1].headers["Content-Encoding"] == "gzip"
    assert "immutable" in answers[1].headers["Cache-Control"]


def test_a_process_killed_is_replaced_and_the_others_notice_nothing(house, server):
    people = house.people(BROWSERS * 2)
    room = people[0].makes(*people[1:])
    tabs = tabs_of(people, "websocket")
    for tab in tabs:
        tab.enters(room)
    os.kill(server.pids[0], signal.SIGKILL)
    wait_until(lambda: not is_alive(server.pids[0]))
    wait_until(lambda: not all(tab.is_open for tab in tabs), 20)
    answers = [one.calls("GET", "/sessions").status_code for one in people]  # also those whose process is gone
    assert answers == [200] * len(people)
    left = [tab for tab in tabs if tab.is_open]
    assert 0 < len(left) < len(tabs)
    said = left[0].says("Still here", room)
    for tab in left:
        tab.hears("newMessage", rev=said["rev"])
    wait_until(lambda: serving(server, server.ports[0]) not in ([], [server.pids[0]]))
    back = tabs_of(people, "polling")
    for tab in back:
        assert tab.enters(room)["session"]["lastRev"] == said["rev"]


def test_the_example_is_one_that_nginx_takes_without_a_warning(proxy):
    command = [*proxy.command()[:-2], "-t"]
    tested = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tested.returncode == 0
    assert "[warn]" not in tested.stderr
    assert EXAMPLE.name in (EXAMPLE.parents[1] / "setup.md").read_text()
