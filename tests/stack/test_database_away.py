"""PostgreSQL is away for a while, in each way there is: everybody is told so soon, and nothing is lost or twice."""

import json
import time
import uuid

import pytest
import requests

from tests.live.conftest import mode
from tests.live.people import House
from tests.live.server import Server
from tests.stack.persistent import ByHttp, BySocket
from tests.waiting import PATIENCE_S, wait_until

AWAY_S = 10.0
SOON_S = 2.0  # the contract's bound; asserted five times over, for the machine is shared
SOCKETS, POSTERS = 4, 2
WAYS = {"killed": ("kill", "start"), "frozen": ("freeze", "thaw"), "stopped": ("stop", "start")}


@pytest.fixture
def house(shaky_postgres, starts, tmp_path):
    url = shaky_postgres.makes("chat")
    Server(tmp_path, {"DATABASE_URL": url}).flask("db", "upgrade")
    (server,) = starts(DATABASE_URL=url, **mode())
    return House(server)


@pytest.fixture
def talkers(house):
    people = house.people(SOCKETS + POSTERS)
    room = people[0].makes(*people[1:])
    kinds = [BySocket] * SOCKETS + [ByHttp] * POSTERS
    made = [kind(one, room) for kind, one in zip(kinds, people, strict=True)]
    yield [one.starts() for one in made]
    for one in made:
        one.stopping.set()


@pytest.mark.parametrize("way", WAYS)
def test_away_for_ten_seconds(way, house, talkers, shaky_postgres, note):
    goes, returns = (getattr(shaky_postgres, name) for name in WAYS[way])
    browser = house.somebody("Vera").opens_a_browser()
    wait_until(lambda: all(len(one.acknowledged) > 2 for one in talkers), within=PATIENCE_S)
    left = time.monotonic()
    goes()
    looked_at(house, browser)
    time.sleep(max(0.0, left + AWAY_S - time.monotonic()))
    returns()
    back = time.monotonic()
    before = [len(one.acknowledged) for one in talkers]
    wait_until(
        lambda: all(len(one.acknowledged) > n for one, n in zip(talkers, before, strict=True)), within=PATIENCE_S
    )
    recovered = time.monotonic() - back
    wait_until(lambda: requests.get(house.url + "/readyz", timeout=30).json()["database"] == "ok", within=PATIENCE_S)
    time.sleep(1)
    for one in talkers:
        one.finishes()
    refused = [took for one in talkers for at, took, code in one.answers if code]
    longest = max(took for one in talkers for _, took, _ in one.answers)
    note(f"{way}: {len(refused)} refusals, longest answer {longest:.2f} s; well {recovered:.2f} s after its return")
    assert len(refused) > len(talkers)
    assert longest < 5 * SOON_S
    assert sorted(refused)[len(refused) // 2] < SOON_S
    assert recovered < 5 * SOON_S
    everything_is_there_once(house, talkers)
    assert [one.opened for one in talkers[:SOCKETS]] == [1] * SOCKETS  # the sockets stayed open
    told_once(house.server.log)


def looked_at(house, browser):
    """What an operator, a reader of pages and a program see meanwhile."""
    ready, took = timed(lambda: requests.get(house.url + "/readyz", timeout=30))
    assert (ready.status_code, ready.json()["database"]) == (503, "unavailable")
    assert took < 5 * SOON_S
    assert requests.get(house.url + "/healthz", timeout=30).status_code == 200
    page, took = timed(lambda: browser.gets("/rooms"))
    assert page.status_code == 503 and "We will be right back" in page.text
    assert "psycopg2" not in page.text and "SELECT" not in page.text
    assert took < 5 * SOON_S


def everything_is_there_once(house, talkers):
    room = talkers[0].room
    rows = house.rows(room)
    acknowledged = {client_id: said for one in talkers for client_id, said in one.acknowledged.items()}
    assert {row[4]: row[:2] for row in rows} == {key: (said["id"], said["seq"]) for key, said in acknowledged.items()}
    assert [row[1] for row in rows] == list(range(1, len(rows) + 1))
    assert len({row[5] for row in rows}) == len(rows) == sum(one.number for one in talkers)
    for one in talkers:
        if one.copy.rev:  # a reader: heard everything, without a reload
            wait_until(lambda one=one: one.copy.rev >= len(rows), within=PATIENCE_S)
            assert one.copy.rows() == rows


def told_once(log):
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    bad = [line["event"] for line in lines if line["level"] in ("warning", "error", "critical")]
    assert bad.count("database_away") == 1, bad
    assert len(bad) < 40, bad
    assert [line["event"] for line in lines].count("database_back") == 1
    assert not any("accident" in event for event in bad), [line for line in lines if line["event"] == "accident"]


def timed(act):
    began = time.monotonic()
    return act(), time.monotonic() - began


def test_a_server_that_takes_nothing_any_more_is_left_for_the_one_that_does(house, shaky_postgres):
    ana = house.somebody("Ana")
    room = ana.makes()
    ana.enters(room)
    ana.says("before", room)
    said = {"sessionId": room, "content": "after", "clientId": str(uuid.uuid4())}
    shaky_postgres.asks("ALTER SYSTEM SET default_transaction_read_only = on")
    shaky_postgres.asks("SELECT pg_reload_conf()")
    wait_until(
        lambda: not (ack := ana.asks("sendMessage", said))["ok"] and ack["error"]["code"] == "unavailable",
        within=PATIENCE_S,
    )
    assert "accident" not in house.server.log
    shaky_postgres.asks("ALTER SYSTEM RESET default_transaction_read_only")
    shaky_postgres.asks("SELECT pg_reload_conf()")
    wait_until(lambda: ana.asks("sendMessage", said)["ok"], within=PATIENCE_S)
