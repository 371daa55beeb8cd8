"""flask seed: fills the database for a demonstration or a trial."""

import time
from contextlib import nullcontext

import click
from flask.cli import with_appcontext

from .. import seed as seeding
from . import files
from .command import Command, tell

EVERY_S = 1.0  # between two words about how far it is
MOST = 10_000_000


@click.command("seed", cls=Command)
@click.option("--people", type=click.IntRange(1, MOST), default=20, show_default=True)
@click.option("--rooms", type=click.IntRange(0, MOST), default=3, show_default=True)
@click.option("--messages", type=click.IntRange(0, MOST), default=1_000, show_default=True)
@click.option("--tokens", "path", metavar="FILE", help="Make everybody a token and write it here, a JSON line each.")
@with_appcontext
def seed(people: int, rooms: int, messages: int, path: str | None) -> None:
    """Fill the database with people (who have no password), closed rooms with all of them, and messages."""
    totals = {"people": people, "memberships": people * rooms, "messages": messages}
    begun = told = time.monotonic()
    with files.private(path) if path else nullcontext() as file:
        for what, done in seeding.fill(people, rooms, messages, file):
            if done == totals[what] or time.monotonic() - told >= EVERY_S:
                told = time.monotonic()
                tell(f"{what}: {done:,} of {totals[what]:,}")
    tell(f"Done in {time.monotonic() - begun:.0f} s.")
