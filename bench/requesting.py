"""Asks a server by HTTP, one request after the other on one connection, and runs bench/inside.py. For reading.py."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable
from http.cookies import SimpleCookie

import psutil

from .places import HERE, MEASURED, SERVER_CORES, on
from .processes import Running, environment

INSIDE_S = 300


def inside(settings: dict, *arguments: str) -> dict:
    """What inside.py says, run on the server's core."""
    fixed = {"APP_ENV": "production", "SECRET_KEY": "for trials only", "ASYNC_MODE": "threading"}
    command = [sys.executable, str(HERE / "inside.py"), *arguments]
    with on(SERVER_CORES):
        done = subprocess.run(
            command,
            cwd=MEASURED,
            env=environment(**fixed | settings),
            capture_output=True,
            text=True,
            timeout=INSIDE_S,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


class Browser:
    """One connection that stays open; cookies that are set come back."""

    def __init__(self, server: Running, headers: dict, cookies: dict | None = None):
        self.headers, self.cookies = headers, cookies or {}
        self.connection = http.client.HTTPConnection("127.0.0.1", server.ports[0], timeout=30)

    def gets(self, path: str) -> tuple[bytes, float]:
        """The body, and how many milliseconds it took."""
        begun = time.perf_counter()
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.connection.request("GET", path, headers=self.headers | ({"Cookie": cookie} if cookie else {}))
        answer = self.connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - begun) * 1_000
        for one in answer.msg.get_all("Set-Cookie", []):
            self.cookies |= {name: part.value for name, part in SimpleCookie(one).items()}
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return body, took

    def times(self, path: str, count: int, before: Callable[[], object] = lambda: None) -> list[float]:
        took = []
        for _ in range(count):
            before()
            took.append(self.gets(path)[1])
        return took


def cpu_ms(server: Running) -> float:
    """Processor time that the server has used, in the kernel too."""
    used = [psutil.Process(pid).cpu_times() for pid in server.pids]
    return sum(one.user + one.system for one in used) * 1_000
