"""`WEB_CONCURRENCY=2`: one address, two processes; each may die, all may be asked to stop, and nothing is lost by it."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
import requests

from tests.live.people import House
from tests.live.server import ROOT, answers
from tests.live.tabs import Tab
from tests.live.test_kill import Talker
from tests.live.test_server import Poller
from tests.reaper import ends_with_us
from tests.stack.process import children_of
from tests.stack.workers import all_serve, files_of, is_alive, serving
from tests.waiting import wait_until

CLIENTS = 6
GONE_S = 5 * 5.0  # five times "a few seconds"


@pytest.fixture
def shared(database, redis_server):
    """What several processes have in common."""
    return {"DATABASE_URL": database, "REDIS_URL": redis_server.url, "WEB_CONCURRENCY": "2"}


@pytest.fixture
def server(starts, shared):
    (server,) = starts(**shared)
    all_serve(server)
    return server


@pytest.fixture
def house(server):
    return House(server)


@pytest.fixture
def talkers(house):
    people = house.people(CLIENTS)
    room = people[0].makes(*people[1:])
    talkers = [Talker(one, room) for one in people]
    yield talkers
    for talker in talkers:
        talker.stopping.set()


@pytest.fixture(autouse=True)
def everybody_goes_home():
    yield
    while Tab.opened:
        Tab.opened.pop().closes()


def run(environ):
    """A server that is expected to end by itself."""
    command = [sys.executable, "wsgi.py"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)


def nothing_was_lost(house, talkers):
    """All that was acknowledged is there, once, and everybody has it."""
    for talker in talkers:
        talker.finish()
    rows = house.rows(talkers[0].room)
    assert len(rows) == len({row[4] for row in rows}) == sum(len(talker.acknowledged) for talker in talkers)
    for talker in talkers:
        talker.copy.enter(talker.tab)
        assert talker.copy.rows() == rows
    return len(rows)


def test_one_address_is_told_once_and_shared_by_all(house, server):
    assert server.log.splitlines()[0] == f"Chatapp is at {server.url}"
    assert server.log.count("Chatapp is at") == 1
    pids = all_serve(server)
    before = [files_of(pid) for pid in pids]
    guests = house.people(40)
    tabs = [guest.opens_a_tab() for guest in guests]
    held = [files_of(pid) - files for pid, files in zip(pids, before, strict=True)]
    assert all(tab.is_open for tab in tabs)
    assert min(held) >= 5


def test_figures_of_all_processes_stand_together(house, server):
    tabs = [guest.opens_a_tab() for guest in house.people(10)]
    for _ in range(4):
        told = requests.get(f"{server.url}/metrics", timeout=10).text.splitlines()
        assert "chatapp_connections 10.0" in told
        assert "chatapp_redis_up 1.0" in told
    assert len(tabs) == 10


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_second_installation_on_the_port_ends_with_one_line(server, count):
    second = run(server.environ | {"WEB_CONCURRENCY": count})
    taken = f"PORT: cannot listen at 127.0.0.1 port {server.port}: Address already in use\n"
    assert (second.returncode, second.stdout, second.stderr) == (2, "", taken)


def test_a_wrong_setting_is_said_once(server):
    wrong = run(server.environ | {"CACHE_TTL": "an hour"})
    assert (wrong.returncode, wrong.stdout, wrong.stderr) == (2, "", "CACHE_TTL: must be a whole number from 1\n")


def test_any_free_port_is_the_same_for_all(starts, shared, tmp_path):
    with (tmp_path / "any.log").open("w+") as log:
        (like,) = starts(1, **shared)
        process = subprocess.Popen([sys.executable, "wsgi.py"], cwd=ROOT, env=like.environ | {"PORT": "0"}, stdout=log)
        ends_with_us(process.pid)
        try:
            address = wait_until(lambda: (tmp_path / "any.log").read_text().strip())
            port = int(address.rpartition(":")[2])
            assert port > 0
            wait_until(lambda: len(serving(SimpleNamespace(process=process), port)) == 2)
        finally:
            process.terminate()
            assert process.wait(40) == 0


def test_long_polling_is_refused_and_websocket_is_not(house, server):
    refused = requests.get(f"{server.url}/socket.io/?EIO=4&transport=polling", timeout=10)
    assert refused.status_code == 400
    assert "transport" in refused.text.lower()
    assert house.somebody("Ana").tab.is_open


def test_with_a_sticky_proxy_each_process_has_a_port_and_takes_polling(starts, shared):
    (server,) = starts(**shared, STICKY_PROXY="1")
    port = int(server.port)
    wait_until(lambda: len(serving(server, port)) == len(serving(server, port + 1)) == 1)
    for url in (server.url, f"http://127.0.0.1:{port + 1}"):
        poller = Poller(SimpleNamespace(url=url))
        assert poller.post("40/nowhere,").status_code == 200
        assert poller.read(1)
    assert server.stop() == 0
    assert not answers(port) and not answers(port + 1)


def test_a_process_killed_is_replaced_and_its_people_come_back_and_miss_nothing(house, server, talkers, note):
    wait_until(lambda: all(talker.acknowledged for talker in talkers))
    pids = all_serve(server)
    for pid in pids:
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not is_alive(pid))
        before = [len(talker.acknowledged) for talker in talkers]
        wait_until(lambda before=before: all(len(t.acknowledged) > n for t, n in zip(talkers, before, strict=True)))
        back = time.monotonic() - began
        new = all_serve(server)
        note(f"a process of two killed: everybody was answered again after {back:.1f} s")
        assert pid not in new
    assert set(all_serve(server)) & set(pids) == set()
    assert sum(talker.repeated for talker in talkers) > 0
    nothing_was_lost(house, talkers)


def test_asked_to_stop_all_processes_answer_what_they_took(house, server, talkers, note):
    wait_until(lambda: all(talker.acknowledged for talker in talkers))
    pids, began = all_serve(server), time.monotonic()
    server.ask_to_stop()
    server.ask_to_stop()
    assert server.process.wait(40) == 0
    note(f"two processes under load stopped in {time.monotonic() - began:.1f} s")
    assert not any(is_alive(pid) for pid in pids)
    server.start()
    nothing_was_lost(house, talkers)


def test_when_the_supervisor_is_killed_nobody_is_left_and_the_port_is_free(server, talkers, note):
    wait_until(lambda: all(talker.acknowledged for talker in talkers))
    pids, began = all_serve(server), time.monotonic()
    server.kill()
    wait_until(lambda: not answers(int(server.port)), GONE_S)
    wait_until(lambda: not any(is_alive(pid) for pid in pids), GONE_S)
    note(f"supervisor killed: its processes were gone after {time.monotonic() - began:.1f} s")
    server.start()
    for talker in talkers:
        talker.finish()


def test_a_process_that_is_still_starting_when_the_supervisor_is_killed_ends_too(starts, shared):
    (server,) = starts(**shared)  # the first answers, the second is on its way
    pids = wait_until(lambda: len(pids := children_of(server.process.pid)) == 2 and pids)
    server.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 2 * GONE_S)


def test_a_hang_up_renews_all_processes_and_nobody_finds_the_door_shut(house, server, talkers, note):
    wait_until(lambda: all(talker.acknowledged for talker in talkers))
    asking = Asking(server.url)
    pids = all_serve(server)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not any(is_alive(pid) for pid in pids))
    all_serve(server)
    answered, failed = asking.ends()
    note(f"processes renewed one by one: {answered} new connections answered meanwhile, {failed} not")
    assert answered > 10
    assert failed <= 2  # a connection made in the moment in which a process stops to listen
    nothing_was_lost(house, talkers)


class Asking:
    """Asks again and again, each time over a new connection."""

    def __init__(self, url):
        self.url, self.answered, self.failed, self.stopping = url, 0, 0, threading.Event()
        self.thread = threading.Thread(target=self.ask)
        self.thread.start()

    def ask(self):
        while not self.stopping.wait(0.02):
            try:
                self.answered += requests.get(f"{self.url}/healthz", timeout=10).ok
            except requests.ConnectionError:
                self.failed += 1

    def ends(self):
        self.stopping.set()
        self.thread.join(20)
        return self.answered, self.failed
