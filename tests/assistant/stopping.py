"""Run as a process: `python -m tests.assistant.stopping MODE`, patched as wsgi.py would. Reads one JSON line for each
trial, {"url", "after", "slow_lookup"?}: asks there, stops it after so many seconds, and writes what came of it."""

import sys

mode = sys.argv[1]
if mode == "eventlet":
    import warnings

    warnings.simplefilter("ignore")
    import eventlet

    eventlet.monkey_patch()
elif mode == "gevent":
    from gevent import monkey

    monkey.patch_all()

import json  # noqa: E402
import socket  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

from chatapp.assistant.endpoint import Endpoint  # noqa: E402
from tests.assistant.asking import a_question  # noqa: E402

quick_lookup = socket.getaddrinfo
ticks = [0.0]


def tick():
    """How long nobody else got a turn."""
    while True:
        before = time.monotonic()
        time.sleep(0.01)
        ticks.append(time.monotonic() - before)


def slow_lookup(*arguments, **named):
    time.sleep(3)
    return quick_lookup(*arguments, **named)


def trial(url, after, slow=False):
    socket.getaddrinfo = slow_lookup if slow else quick_lookup
    answer = Endpoint(url).open(a_question())
    said, ended = [], []

    def listen():
        said.extend(answer)
        ended.append(time.monotonic())

    listener = threading.Thread(target=listen)
    listener.start()
    del ticks[:]
    time.sleep(after)
    stopped_at = time.monotonic()
    answer.stop()
    blocked = time.monotonic() - stopped_at
    listener.join(10)
    return {
        "said": "".join(said),
        "outcome": answer.outcome,
        "stopped_at": stopped_at,
        "ended_after": ended[0] - stopped_at if ended else None,
        "stop_took": blocked,
        "longest_tick": max(ticks),
    }


threading.Thread(target=tick, daemon=True).start()
for given in json.loads(sys.argv[2]):
    print(json.dumps(trial(**given)), flush=True)
