"""The benchmark's load generator against a real server of ours: everybody hears everything, once."""

import shutil

import pytest

from bench import load, targets
from bench.grounds import Seed

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler (cc)")
SEED = Seed(20, 2, 20)
LISTENERS = 10  # in each of the two rooms


@pytest.fixture
def ours():
    return targets.BY_NAME["ours-sqlite"]


def test_everybody_hears_every_message_once(ours):
    with targets.running(ours, SEED) as server:
        found = load.generate(ours, SEED, server, load.Load(20, (load.Phase("steady", 20, 3),)))
    steady = found["steady"]
    assert (found["join"]["clients"], found["join"]["failed"]) == (20, 0)
    assert (steady["sent"], steady["acked"]) == (60, 60)
    assert steady["received"] == steady["expected"] == 60 * LISTENERS
    assert (steady["lost"], steady["duplicates"], steady["strange"], steady["closed"]) == (0, 0, 0, 0)
    assert 0 < steady["latency"]["p50"] <= steady["latency"]["p99"] <= steady["latency"]["max"]
    assert steady["cpu"] > 0


def test_who_is_too_hasty_is_refused_and_what_was_said_arrives(ours):
    with targets.running(ours, SEED) as server:
        phases = (load.Phase("hasty", 5, 3, ("hasty=40",)),)
        hasty = load.generate(ours, SEED, server, load.Load(20, phases, {"reserved": 1}))["hasty"]
    assert hasty["rate_limited"] == hasty["refused"] > 0
    assert hasty["acked"] + hasty["refused"] == hasty["sent"] == 15 + 120
    assert hasty["lost"] == 0


def test_a_server_that_is_not_there_is_an_error_and_not_a_figure(ours):
    with targets.running(ours, SEED) as server:
        server.end()
        server.processes.clear()
        with pytest.raises(RuntimeError, match="clients joined"):
            load.generate(ours, SEED, server, load.Load(20, (load.Phase("steady", 20, 1),)))
