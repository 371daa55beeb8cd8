"""The server is restarted under 300 browsers: all come back by themselves, not all at once, and miss nothing."""

import os
import signal
import time
import uuid

import pytest

from tests.live.people import House
from tests.stack.crowd import Crowd, busiest_second, members
from tests.stack.workers import all_serve

BROWSERS = 300
BACK_S = 15  # within which all are back and know everything
BUSIEST = BROWSERS // 5
SLOW = 5  # times as long as promised, on a machine that does much else
MISSED = 20
REPEATED = 5  # in the long form


@pytest.fixture(params=["PostgreSQL, Redis, 2 processes", "SQLite, 1 process"])
def house(request, tmp_path):
    if request.param.startswith("SQLite"):
        (server,) = request.getfixturevalue("starts")(1)
        server.flask("db", "upgrade")
    else:
        shared = {name: request.getfixturevalue(name) for name in ("database", "redis_server")}
        settings = {"DATABASE_URL": shared["database"], "REDIS_URL": shared["redis_server"].url}
        (server,) = request.getfixturevalue("starts")(1, **settings, WEB_CONCURRENCY="2")
        all_serve(server)
    house = House(server)
    house.called = request.param
    return house


@pytest.fixture
def crowds():
    made = []

    def crowd(*how):
        made.append(Crowd(*how))
        return made[-1]

    yield crowd
    for one in made:
        one.ends()


def says(somebody, room, count):
    for number in range(count):
        given = {"content": f"Number {number}", "clientId": str(uuid.uuid4())}
        while (answer := somebody.calls("POST", f"/sessions/{room}/messages", given)).status_code == 503:
            time.sleep(answer.json()["error"]["retryAfter"])  # as it is asked to, on a machine that does much else
        assert answer.ok, answer.text


def figures(crowd, known, began):
    """Seconds until half and until all were back and knew everything; how many fell into the busiest second of those
    chosen for a try, of tries and of arrivals.
    """
    took = sorted(at - began for at in known.values())
    chosen, tries, arrivals = crowd.chosen(began), crowd.moments("tries", began), crowd.moments("in", began)
    busiest = [busiest_second(moments) for moments in (chosen, tries, arrivals)]
    return took[len(took) // 2], took[-1], *busiest


def test_after_a_restart_all_are_back_soon_and_not_all_at_once(house, crowds, note, long_form):
    ana = house.somebody("Ana")
    room = ana.makes()
    crowd = crowds(house.url, room, members(house, room, BROWSERS))
    rev = 0
    crowd.wait_until_all_know(rev, 0, SLOW * BACK_S)
    for _ in range(REPEATED if long_form else 1):
        began = time.time()
        house.server.stop()
        stopped = time.time()
        house.server.start()
        away, ended = time.time() - began, stopped - began
        says(ana, room, MISSED)  # while most are still away; what others hear live, they have to fetch
        rev += MISSED
        known = crowd.wait_until_all_know(rev, began, SLOW * BACK_S)
        half, all_back, chosen, tries, arrivals = figures(crowd, known, began)
        note(
            f"{house.called}, restart under {BROWSERS} browsers: away {away:.1f} s (stopping {ended:.1f}), half back and "
            f"caught up after {half:.1f} s, all after {all_back:.1f} s; busiest second {chosen} chosen, {tries} tries, {arrivals} arrivals"
        )
        assert len(crowd.chosen(began)) >= BROWSERS
        assert chosen <= BUSIEST
        assert all_back <= SLOW * BACK_S


def test_killed_or_renewed_processes_send_their_browsers_to_the_others(house, crowds, note):
    if "1 process" in house.called:
        pytest.skip("there are no others")
    ana = house.somebody("Ana")
    room = ana.makes()
    crowd = crowds(house.url, room, members(house, room, BROWSERS))
    crowd.wait_until_all_know(0, 0, SLOW * BACK_S)
    began = time.time()
    os.kill(all_serve(house.server)[0], signal.SIGKILL)
    while len(crowd.moments("waits", began)) < BROWSERS // 4:
        assert time.time() < began + SLOW
        time.sleep(0.05)
    lost = len({one["who"] for one in list(crowd.events) if one["what"] == "waits" and one["at"] >= began})
    while len(crowd.moments("knows", began)) < lost:
        assert time.time() < began + SLOW * BACK_S
        time.sleep(0.05)
    took = crowd.moments("knows", began)[lost - 1] - began
    note(f"one of two processes killed under {BROWSERS} browsers: the {lost} of it were back after {took:.1f} s")
    assert BROWSERS // 4 <= lost <= BROWSERS * 3 // 4
