"""The command line of the benchmark; see bench/__init__.py."""

import argparse
import sys

from . import scenarios
from .machine import busy
from .places import OTHER_CORES, on
from .report import write
from .scenario import Mode, run, say

QUIET = 1.0  # processes that want to run, on average


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures this project beside its peers.")
    parser.add_argument("names", nargs="*", metavar="scenario", help="which; all that are not long without")
    parser.add_argument("--list", action="store_true", help="name the scenarios and their targets")
    parser.add_argument("--only", default="", help="which targets, separated by commas")
    parser.add_argument("--quick", action="store_true", help="once and short")
    parser.add_argument("--rounds", type=int, help="how many of each (3, quick: 1)")
    return parser.parse_args()


def chosen(names: list[str]) -> list:
    unknown = set(names) - set(scenarios.BY_NAME)
    if unknown:
        sys.exit(f"There is no scenario {', '.join(sorted(unknown))}; --list names them.")
    return [scenarios.BY_NAME[name] for name in names] or [one for one in scenarios.ALL if not one.only_when_named]


def show(found: dict) -> None:
    print(f"\n{found['title']}{' (quick: no figures to rely on)' if found['quick'] else ''}")
    for row in found["rows"]:
        mark = {True: "reached", False: "MISSED", None: ""}[row["reached"]]
        print(f"  {row['work']}: {row['found']}   {row['target']} {mark}")
    for name, troubles in found["troubles"].items():
        print(f"  {name} failed {len(troubles)} times")
    sys.stdout.flush()


def main() -> None:
    asked = read_arguments()
    if asked.list:
        for one in scenarios.ALL:
            print(f"{one.name:16} {one.title}\n{'':16} {' '.join(one.targets)}")
        return
    only = frozenset(name for name in asked.only.split(",") if name)
    mode = Mode(asked.quick, asked.rounds, only)
    with on(OTHER_CORES):
        if busy() > QUIET:
            say("This machine is busy: latencies will tell more of its other work than of the servers.")
        found = []
        for one in chosen(asked.names):
            found.append(run(one, mode))
            show(found[-1])
        if not only:  # of some targets there is no whole table
            print(f"\nWritten to {write(found, is_quick=asked.quick)}")


if __name__ == "__main__":
    main()
