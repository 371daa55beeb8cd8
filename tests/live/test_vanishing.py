"""A client whose network is gone: nothing says goodbye, nothing breaks, it only never answers again."""

import time

from tests.live.tabs import SOON_S, Rude

NOTICED_WITHIN_S = 60
GRACE_S = 5


def test_one_who_says_goodbye_is_let_go(house, ana):
    """The server ends the network connection too, as the WebSocket protocol wants it: otherwise they would pile up."""
    rude = Rude(ana)
    rude.socket.send_close()
    network = rude.socket.sock
    network.settimeout(SOON_S)
    while network.recv(1_000):
        pass


def test_one_who_only_falls_silent_is_noticed_within_a_minute(gone_silent, note):
    """The waiting began with the first live test (see conftest)."""
    witness, silent, room, began = gone_silent
    told, at = witness.tab.hears_at(
        "userOffline", within=max(1.0, began + NOTICED_WITHIN_S + GRACE_S - time.monotonic())
    )
    assert (told["sessionId"], told["user"]["id"], told["count"]) == (room, silent.id, 1)
    assert at - began >= 20  # a bad connection is given its time
    note(f"a silent client was noticed after {at - began:.0f} s")
