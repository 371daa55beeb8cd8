"""A scenario: what is run against which targets, in turns, and what is made of it."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import targets
from .grounds import Seed
from .load import Load, generate
from .machine import busy
from .places import BUILD
from .results import Row, median
from .targets import Target

RESULTS = BUILD / "results"
TRIES = 2  # of a run that breaks off; a miss is no failure, and counts


@dataclass(frozen=True)
class Mode:
    """How long and how often. `quick` proves that it works; its figures are no figures."""

    quick: bool = False
    rounds: int | None = None
    only: frozenset[str] = frozenset()

    def times(self, most: int = 3) -> int:
        return self.rounds or (1 if self.quick else most)

    def s(self, full: float, quick: float) -> float:
        """Seconds, or anything else that is less when quick."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Scenario:
    """`once(target, mode)` is one run, answering figures; `rows(medians by target)` judges them."""

    name: str
    title: str
    targets: tuple[str, ...]
    once: Callable[[Target, Mode], dict]
    rows: Callable[[dict], list[Row]]
    quick: tuple[str, ...] = ()  # the targets of a quick run, when not all
    notes: str = ""
    only_when_named: bool = False
    rounds: int = 3

    def wanted(self, mode: Mode) -> list[Target]:
        """Those that were named, else those that the mode has time for."""
        usual = self.quick if mode.quick and self.quick else self.targets
        return [targets.BY_NAME[name] for name in self.targets if name in (mode.only or usual)]


def run(scenario: Scenario, mode: Mode) -> dict:
    """All rounds, interleaved; medians and rows. Kept in build/bench/results for the report."""
    runs: dict[str, list[dict]] = {}
    troubles: dict[str, list[str]] = {}
    for number in range(mode.times(scenario.rounds)):
        for target in scenario.wanted(mode):
            say(f"{scenario.name}: {target.name}, round {number + 1}")
            for _ in range(TRIES):
                try:
                    runs.setdefault(target.name, []).append(scenario.once(target, mode))
                    break
                except Exception as error:  # the others are to run all the same
                    troubles.setdefault(target.name, []).append(str(error)[-1500:])
                    say(f"  failed: {error}")
    medians = {name: median(some) for name, some in runs.items() if some}
    rows = [row.to_dict() for row in scenario.rows(medians)]
    found = {"name": scenario.name, "title": scenario.title, "notes": scenario.notes, "quick": mode.quick}
    found |= {"when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "rows": rows, "troubles": troubles}
    rounds = max(map(len, runs.values()), default=0)
    found |= {
        "medians": medians,
        "runs": runs,
        "rounds": rounds,
        "busy": busy(),
        "failed": {k: len(v) for k, v in troubles.items()},
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{scenario.name}{'.quick' if mode.quick else ''}.json").write_text(json.dumps(found, indent=1))
    return found


def loaded(target: Target, seed: Seed, load: Load, **settings: str) -> dict:
    """One run of the load generator against a fresh server."""
    with targets.running(target, seed, **settings) as server:
        return generate(target, seed, server, load)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
