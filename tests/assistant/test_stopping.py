"""Whoever stops an answer is obeyed at once, whatever the source is doing, on each kind of event loop."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.assistant.source import CERTIFICATE, Source, hang, say, status, unreachable

ROOT = Path(__file__).resolve().parent.parent.parent
BOUND_S = 0.3  # the contract's
SLACK = 5  # times it, for slow machines
MODES = ["eventlet", "gevent", "threading"]


def run(mode, *trials):
    """What each trial came to."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.assistant.stopping", mode, json.dumps(trials)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "SSL_CERT_FILE": str(CERTIFICATE)},
    )  # fmt: skip
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(results) == len(trials), done.stdout + done.stderr
    for result in results:
        assert result["outcome"] == "stopped", result
        assert result["ended_after"] is not None and result["ended_after"] < SLACK * BOUND_S, result
        assert result["stop_took"] < 0.1 * SLACK, result
        assert result["longest_tick"] < 0.1 * SLACK, result
    return results


@pytest.mark.parametrize("mode", MODES)
def test_a_source_is_closed_while_it_thinks_while_it_speaks_and_while_it_is_silent(mode, note):
    with Source() as source, Source(tls=True) as secure:
        for one in (source, secure):
            one.then(hang()).then(say(*"abcdefgh" * 100, every=0.02)).then(say("ab"), hang())
        results = run(mode, *[{"url": one.url, "after": 0.4} for one in (source, secure) for _ in range(3)])
        for one, mine in ((source, results[:3]), (secure, results[3:])):
            assert [len(result["said"]) > 2 for result in mine] == [False, True, False]
            assert mine[2]["said"] == "ab"
            for asked, result in zip(one.asked, mine, strict=True):
                assert asked.gone.wait(2)
                took = asked.gone_at - result["stopped_at"]
                assert took < SLACK * BOUND_S
                note(f"assistant, {mode}: source closed {took * 1000:.0f} ms after stop")


@pytest.mark.parametrize("mode", MODES)
def test_who_stops_does_not_wait_for_a_look_up_a_connection_a_handshake_or_the_next_attempt(mode):
    with unreachable() as nowhere, socket.create_server(("127.0.0.1", 0)) as mute, Source() as source:
        source.then(status(503, Retry_After=8))
        run(
            mode,
            {"url": nowhere, "after": 0.4},
            {"url": f"https://localhost:{mute.getsockname()[1]}/v1", "after": 0.4},
            {"url": source.url, "after": 0.4},
            {"url": source.url, "after": 0.4, "slow": True},
        )
        assert len(source.asked) == 1  # and not again
