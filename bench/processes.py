"""Servers as processes on the server's core: started, waited for, and ended however this ends."""

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.live.server import answers
from tests.reaper import ends_with_us

from .places import SERVER_CORES, on

START_S, STOP_S = 60, 10
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


@dataclass
class Running:
    """A server that listens: at these ports, as these processes."""

    ports: list[int]
    processes: list[subprocess.Popen]
    folder: Path
    settings: dict = field(default_factory=dict)  # what it was started with

    @property
    def pids(self) -> list[int]:
        """Of all its processes, children too."""
        roots = [psutil.Process(one.pid) for one in self.processes]
        return [one.pid for root in roots for one in (root, *root.children(recursive=True))]

    def end(self) -> None:
        children = [child for one in self.processes for child in children_of(one.pid)]
        for one in self.processes:
            one.terminate()
        for one in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.wait(STOP_S)
            one.kill()
            one.wait(STOP_S)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


def children_of(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def environment(**settings: str) -> dict:
    return {name: os.environ[name] for name in KEPT if name in os.environ} | settings


def spawn(command: list, cwd: Path, settings: dict, log: Path) -> subprocess.Popen:
    with on(SERVER_CORES), log.open("ab") as file:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=cwd, env=environment(**settings), stdout=file, stderr=file
        )
    ends_with_us(process.pid)
    return process


def wait_for(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"a server did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.05)
