"""The examples of docs/examples work as they stand there."""

import shutil
import subprocess
import sys
import time

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


def test_the_bot_in_python_answers_who_names_it(ana, marvin, room):
    assert len((EXAMPLES / "bot.py").read_text().splitlines()) <= 24
    bot = subprocess.Popen([sys.executable, EXAMPLES / "bot.py", marvin.url, marvin.token, room])
    ends_with_us(bot.pid)
    try:
        ana.enters(room)
        deadline = time.monotonic() + 20
        while marvin.id not in [one["id"] for one in ana.calls("GET", f"/sessions/{room}/online").json()["users"]]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        asked = ana.says("@echo good 🙂 morning")
        done = ana.hears("streamComplete", within=20)["message"]
    finally:
        bot.kill()
        bot.wait()
    assert " ".join(done["content"].split()) == "You said: good 🙂 morning"
    assert (done["replyTo"], done["askedBy"], done["status"]) == (asked["id"], ana.id, "complete")
    assert ana.tab.heard("streamChunk")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is not here")
def test_the_bot_in_curl_speaks(ana, marvin, room):
    ana.enters(room)
    subprocess.run(["sh", EXAMPLES / "bot.sh", marvin.url, marvin.token, room], check=True, timeout=30)
    done = ana.hears("streamComplete")["message"]
    assert (done["content"], done["status"]) == ("Hello from curl", "complete")
