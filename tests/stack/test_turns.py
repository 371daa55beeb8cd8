"""Who waits for his turn to speak gets it by whichever process he asks, also when the one where he began is gone."""

import time

import pytest

from tests.stack.test_streams import at, begins, finishes, pushes

AT_ONCE = 3  # speak in a room
SOON_S = 5


@pytest.mark.parametrize("where_it_began", ["is killed", "goes on"])
def test_who_waits_gets_his_turn_by_whichever_process_he_asks(houses, where_it_began):
    bot, other = houses[0].somebody("Marvin", kind="bot"), houses[1]
    room = other.somebody("Ana").makes(bot)
    here, there = bot, at(other.url, bot)
    *speaking, waiting = [begins(here, room) for _ in range(AT_ONCE + 1)]
    assert waiting["status"] == "queued"
    if where_it_began == "is killed":
        houses[0].server.kill()
    assert pushes(there, waiting, 0, "too early") == 0
    finishes(there, speaking[0])
    deadline = time.monotonic() + SOON_S
    while pushes(there, waiting, 0, "My turn") != len("My turn"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    said = finishes(there, waiting)
    assert (said["status"], said["content"]) == ("complete", "My turn")
