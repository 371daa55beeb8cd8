"""Two people in two processes of one house, who speak; and whether those processes hear each other."""

import threading
import time

REPAIR_S = 2.0  # the contract's bound; a test on a busy machine waits five times as long and notes the figure
BACK_S = 5.0  # after Redis's return


def a_pair(one, two):
    ana, ben = one.somebody("Ana"), two.somebody("Ben")
    room = ana.makes(ben)
    ana.enters(room)
    ben.enters(room)
    return ana, ben, room


def listening(redis) -> int:
    """How many processes listen to the one channel of a Redis."""
    with redis.client.client() as client:
        channels = client.pubsub_channels("chatapp:*")
        return client.pubsub_numsub(*channels)[0][1] if channels else 0


def wait_until_listening(redis, count, within=BACK_S * 5) -> float:
    began = time.monotonic()
    while listening(redis) != count:
        assert time.monotonic() - began < within, f"{listening(redis)} of {count} processes listen"
        time.sleep(0.02)
    return time.monotonic() - began


class Chatter:
    """People who speak on and on in a room, each through a process of his own, and what was acknowledged to them."""

    def __init__(self, room, *speakers, pause=0.05):
        self.room, self.pause, self.said, self.over = room, pause, {}, threading.Event()
        self.threads = [threading.Thread(target=self.speak, args=(one,), daemon=True) for one in speakers]

    def speak(self, speaker):
        number = 0
        while not self.over.wait(self.pause):
            number += 1
            message = speaker.says(f"{speaker.name} {number}", self.room)
            self.said[message["id"]] = (message["seq"], time.monotonic())

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(60)

    def latest(self, *tabs) -> float:
        """The longest time between an ack and the moment when one of these tabs heard of it; waits for all."""
        return max(
            tab.hears_at("newMessage", REPAIR_S * 5, rev=seq)[1] - at for tab in tabs for seq, at in self.said.values()
        )
