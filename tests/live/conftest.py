"""Real servers for the live tests: `python wsgi.py` as a process on a free port, on a ground of its own, in the mode that
ASYNC_MODE names."""

import os
import time
from pathlib import Path

import pytest

from tests.live.people import House
from tests.live.server import Server
from tests.live.tabs import Rude, Tab


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def servers(tmp_path_factory, ground):
    """Makes servers: `servers(RATE_LIMITS="on")`; each with a database of its own. They end with the tests."""
    made = []

    def make(most_files=None, **environ) -> Server:
        folder = tmp_path_factory.mktemp("server")
        made.append(Server(folder, mode() | ground(folder) | environ, most_files).start())
        return made[-1]

    yield make
    for server in made:
        if server.process.poll() is None:
            server.kill()


@pytest.fixture
def server(servers):
    """A server that a test may stop, kill and restart."""
    server = servers()
    yield server
    if server.process.poll() is None:
        server.kill()


@pytest.fixture(scope="module")
def steady(servers):
    """A server that nobody stops, shared by a module's tests."""
    server = servers()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def settings():
    """What a module wants its server told."""
    return {}


@pytest.fixture(scope="session")
def houses(servers):
    """Servers that nobody stops, with people to come: one for each settings."""
    made = {}

    def house(**settings) -> House:
        key = frozenset(settings.items())
        if key not in made:
            made[key] = House(servers(**settings))
        return made[key]

    return house


@pytest.fixture(scope="module")
def house(houses, settings):
    return houses(**settings)


@pytest.fixture
def shaky_house(servers):
    """A server of one's own, to be stopped, killed and restarted."""
    house = House(servers())
    yield house
    if house.server.process.poll() is None:
        house.server.kill()


def mode() -> dict:
    """The one that the environment names."""
    return {"ASYNC_MODE": os.environ.get("ASYNC_MODE", "eventlet")}


@pytest.fixture
def ana(house):
    """Owner of `room`. Like everybody here new in each test, so that no test meets what another left behind."""
    return house.somebody("Ana")


@pytest.fixture
def ben(house):
    """Member of `room`."""
    return house.somebody("Ben")


@pytest.fixture
def cleo(house):
    """Another member of `room`."""
    return house.somebody("Cleo")


@pytest.fixture
def room(ana, ben, cleo):
    return ana.makes(ben, cleo)


@pytest.fixture(autouse=True)
def everybody_goes_home():
    yield
    while Tab.opened:
        Tab.opened.pop().closes()


@pytest.fixture(scope="session")
def gone_silent(houses):
    """(witness, silent, room, when): somebody came into a room with a witness, and never answered again."""
    house = houses()
    witness, silent = house.people(2)
    room = witness.makes(silent)
    witness.enters(room)
    Tab.opened.remove(witness.tab)  # it stays
    connection = Rude(silent)
    assert connection.asks(1, "joinSession", {"sessionId": room})["ok"]
    yield witness, silent, room, time.monotonic()
    connection.socket.close()
    witness.tab.closes()


@pytest.fixture(scope="session", autouse=True)
def long_waits_begin_first(request):
    if any("gone_silent" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("gone_silent")
