"""Our process and the database's are killed at any moment while everybody talks: what was acknowledged is there, and
nothing is there twice. And 32 people in two processes who write into one room leave no hole.
"""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live.conftest import mode
from tests.live.copies import Follower
from tests.live.crowds import Crowd
from tests.live.people import House
from tests.live.tabs import Lost, a_message
from tests.stack.persistent import ByHttp, BySocket
from tests.stack.test_database_away import everything_is_there_once
from tests.waiting import PATIENCE_S, wait_until

QUICK_KILLS, ALL_KILLS = 6, 100
LIVES_S = (0.05, 0.6)  # between two kills
WRITERS, QUICK_EACH, ALL_EACH = 32, 15, 500
BEHIND_MAX = 10  # messages that a writer has under way
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chatapp'"


@pytest.fixture
def house(shaky_postgres, starts, tmp_path):
    url = shaky_postgres.makes("chat")
    (server,) = starts(DATABASE_URL=url, **mode())
    server.flask("db", "upgrade")
    return House(server)


@pytest.fixture
def talkers(house):
    people = house.people(6)
    room = people[0].makes(*people[1:])
    kinds = [BySocket] * 4 + [ByHttp] * 2
    made = [kind(one, room) for kind, one in zip(kinds, people, strict=True)]
    yield [one.starts() for one in made]
    for one in made:
        one.stopping.set()


def test_killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_doubled(
    house, talkers, shaky_postgres, note, long_form
):
    def kill_us():
        house.server.kill()
        house.server.start()

    def kill_postgres():
        shaky_postgres.kill()
        shaky_postgres.start()

    def cut_all():
        shaky_postgres.asks(TERMINATE)

    def cut_one_at_work():
        shaky_postgres.asks(f"{TERMINATE} AND state <> 'idle' LIMIT 1")

    ways, kills = [cut_all, cut_one_at_work, kill_us, cut_all, cut_one_at_work, kill_postgres], []
    for number in range(ALL_KILLS if long_form else QUICK_KILLS):
        before = [len(one.acknowledged) for one in talkers]
        wait_until(
            lambda before=before: sum(len(one.acknowledged) for one in talkers) > sum(before) + 5, within=PATIENCE_S
        )
        time.sleep(random.uniform(*LIVES_S))
        kills.append(ways[number % len(ways)])
        kills[-1]()
    for one in talkers:
        one.finishes()
    refused = sum(code is not None for one in talkers for *_, code in one.answers)
    acknowledged = sum(len(one.acknowledged) for one in talkers)
    note(f"{len(kills)} kills: {acknowledged} acknowledged, {refused} refused and said again; none lost, none doubled")
    for one in talkers:
        if isinstance(one, BySocket) and one.tab.is_open:
            wait_until(lambda one=one: is_told_the_rest(one), within=PATIENCE_S)
    everything_is_there_once(house, [one for one in talkers if isinstance(one, ByHttp) or one.tab.is_open])
    assert refused > 0


def is_told_the_rest(one) -> bool:
    """Whether he is: his question may be the first by a connection that was cut last, and is to be asked again then."""
    try:
        one.copy.sync(one.tab)
    except Lost:
        return False
    return True


def test_32_writers_in_two_processes_leave_no_hole(houses, note, long_form):
    each = ALL_EACH if long_form else QUICK_EACH
    people = houses[0].people(WRITERS)
    room = people[0].makes(*people[1:])
    for number, one in enumerate(people):
        one.url = houses[number % len(houses)].url
    tabs, followers, said = (
        [one.opens_a_tab() for one in people],
        [Follower(room) for _ in people],
        [[] for _ in people],
    )
    with Crowd(list(zip(people, [room] * WRITERS, followers, strict=True))) as crowd:
        began, whole = time.monotonic(), WRITERS * each
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(writes, tabs, [room] * WRITERS, [each] * WRITERS, said))
        took = time.monotonic() - began
        wait_until(lambda: all(one.rev == whole for one in followers))
    assert sorted(one["seq"] for mine in said for one in mine) == list(range(1, whole + 1))
    assert houses[0].counters(room) == (whole, whole)
    rows = houses[0].rows(room)
    assert [row[1] for row in rows] == list(range(1, whole + 1))
    assert all(one.rows() == rows for one in followers)
    for mine in said:
        assert [one["seq"] for one in mine] == sorted(one["seq"] for one in mine)
    note(
        f"{WRITERS} writers × {each} by two processes, read by {WRITERS}: {whole} messages in {took:.1f} s, "
        f"all read {time.monotonic() - began - took:.1f} s later; cut off as too slow: {len(crowd.endings())}"
    )


def writes(tab, room, each, mine):
    answers = []
    for number in range(each):
        answers.append(tab.sends("sendMessage", a_message(room, f"number {number}")))
        if number >= BEHIND_MAX:
            answers[number - BEHIND_MAX].wait(120)
    for answer in answers:
        ack = answer.wait(120)
        assert ack["ok"], ack
        mine.append(ack["message"])
