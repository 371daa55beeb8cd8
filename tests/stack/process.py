"""A server of somebody else's as a process: where its program is found, how it starts, dies, freezes. For servers.py
and postgres.py.
"""

import importlib.util
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.ports import free_port
from tests.reaper import ends_with_us, kill

START_S = 60


class RealServer:
    """A server process in a folder of its own."""

    def __init__(self, folder: Path, port: int | None = None):
        self.folder, self.port, self.process = folder, port or free_port(), None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self):
        command = self.command()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home(), user=self.user())
        ends_with_us(self.process.pid)
        deadline = time.monotonic() + START_S
        while not self.is_ready():
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)
        return self

    def user(self):
        return None

    def home(self) -> Path:
        return self.folder

    def kill(self):
        """Death without goodbye; its children too, which would hold the port and the memory."""
        server = psutil.Process(self.process.pid)
        children = server.children(recursive=True)
        kill(server)
        self.process.wait(START_S)
        psutil.wait_procs(children, START_S)

    def freeze(self):
        """It accepts and never answers."""
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        for pid in (self.process.pid, *children_of(self.process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self):
        if self.process and self.process.poll() is None:
            self.kill()


def children_of(pid: int) -> list[int]:
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


def part_of(package: str, path: str) -> Path:
    """A file or folder in a package that brings a server; without it the tests are skipped, on a build machine they fail."""
    found = importlib.util.find_spec(package)
    if found is None:
        reason = (
            f"Real servers are not tested: `{package}` cannot be installed here (see tests/stack/requirements.txt)."
        )
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return Path(found.origin).parent / path
