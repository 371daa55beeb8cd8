"""The examples of docs/examples work as they stand there."""

import shutil
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager

import pytest

from tests.live.server import ROOT
from tests.reaper import ends_with_us

EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture
def marvin(house):
    return house.somebody("Marvin", kind="bot")


@pytest.fixture
def room(ana, ben, marvin):
    return ana.makes(ben, marvin)


@contextmanager
def echo_at_work(ana, marvin, room):
    """The bot, once it is in the room."""
    bot = subprocess.Popen([sys.executable, EXAMPLES / "bot.py", marvin.url, marvin.token, room])
    ends_with_us(bot.pid)
    try:
        ana.enters(room)
        deadline = time.monotonic() + 20
        while marvin.id not in [one["id"] for one in ana.calls("GET", f"/sessions/{room}/online").json()["users"]]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield
    finally:
        bot.kill()
        bot.wait()


def begins(bot, room):
    return bot.calls("POST", f"/sessions/{room}/streams", {"clientId": str(uuid.uuid4())}).json()["message"]


def test_the_bot_in_python_answers_who_names_it(ana, marvin, room):
    with echo_at_work(ana, marvin, room):
        asked = ana.says("@echo good 🙂 morning")
        done = ana.hears("streamComplete", within=20)["message"]
    assert " ".join(done["content"].split()) == "You said: good 🙂 morning"
    assert (done["replyTo"], done["askedBy"], done["status"]) == (asked["id"], ana.id, "complete")
    assert ana.tab.heard("streamChunk")


def test_the_bot_in_python_waits_for_its_turn_and_then_says_all_of_it(ana, house, marvin, room):
    other = house.somebody("Other", kind="bot")
    ana.calls("PUT", f"/sessions/{room}/members/{other.id}")
    speaking = [begins(other, room) for _ in range(3)]
    with echo_at_work(ana, marvin, room):
        asked = ana.says("@echo good 🙂 morning")
        while (begun := ana.hears("newMessage", within=20)["message"])["replyTo"] != asked["id"]:
            pass
        assert begun["status"] == "queued"
        time.sleep(2.5)
        assert not ana.tab.heard("streamChunk")
        other.calls("POST", f"/streams/{speaking[0]['id']}/stop", {"gen": 1})
        while (done := ana.hears("streamComplete", within=20)["message"])["id"] != begun["id"]:
            pass
    assert (" ".join(done["content"].split()), done["status"]) == ("You said: good 🙂 morning", "complete")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is not here")
def test_the_bot_in_curl_speaks(ana, marvin, room):
    ana.enters(room)
    subprocess.run(["sh", EXAMPLES / "bot.sh", marvin.url, marvin.token, room], check=True, timeout=30)
    done = ana.hears("streamComplete")["message"]
    assert (done["content"], done["status"]) == ("Hello from curl", "complete")
