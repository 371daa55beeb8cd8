"""Runs the load generator (bench/load/) against a running server, and reads what it found."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.reaper import ends_with_us

from . import build, grounds
from .grounds import Seed
from .places import OTHER_CORES, on
from .processes import Running
from .targets import Target

MARGIN_S = 30
JOIN_S, JOIN_EACH_S, DRAIN_S = 60, 0.06, 5


@dataclass(frozen=True)
class Phase:
    """So many messages a second for so long. `flags`: hasty=RATE, stall=N, stream (see bench/load/options.c)."""

    name: str
    rate: float
    seconds: float
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ",".join([self.name, f"{self.rate:g}", f"{self.seconds:g}", *self.flags])


@dataclass(frozen=True)
class Load:
    clients: int
    phases: tuple[Phase, ...]
    options: dict = field(default_factory=dict)  # of the load generator; True for a switch

    def join_timeout(self) -> float:
        return JOIN_S + JOIN_EACH_S * self.clients

    def longest(self) -> float:
        return self.join_timeout() + MARGIN_S + sum(one.seconds + DRAIN_S for one in self.phases)


def generate(target: Target, seed: Seed, server: Running, load: Load) -> dict:
    """What the clients saw: `{"join": …, phase: …}`. RuntimeError when they could not all come in, or it hung."""
    command = command_for(target, grounds.clients_file(seed, target.store, server.folder), server, load)
    with on(OTHER_CORES):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ends_with_us(process.pid)
    try:
        out, err = process.communicate(timeout=load.longest())
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        err += "\nit took too long"
    found = {one["phase"]: one for one in map(json.loads, out.splitlines())}
    if process.returncode:
        raise RuntimeError(f"{target.name}: {err.strip()}\n{log_of(server)}")
    return found


def command_for(target: Target, clients: Path, server: Running, load: Load) -> list[str]:
    fixed = {"clients-file": clients, "clients": load.clients, "join-timeout": load.join_timeout(), "drain": DRAIN_S}
    where = {"ports": ",".join(map(str, server.ports)), "pids": ",".join(map(str, server.pids))}
    open_to_all = {"anonymous": True} if target.store is None else {}
    command = [str(build.program("load"))]
    for name, value in (fixed | where | open_to_all | load.options).items():
        command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    for phase in load.phases:
        command += ["--phase", str(phase)]
    return command


def log_of(server: Running) -> str:
    return "\n".join(one.read_text()[-1500:] for one in server.folder.glob("log-*"))
