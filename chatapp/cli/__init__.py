"""The operators' commands, `flask --app chatapp users …`: one module a noun. Each finds what it was named, makes one
call into the row, and prints. `create_app` calls `register`.
"""

from flask import Flask

from . import bots, cache, doctor, jobs, presence, rooms, seed, stats, tokens, users

COMMANDS = (
    users.group,
    rooms.group,
    tokens.group,
    bots.group,
    cache.group,
    presence.group,
    jobs.group,
    stats.stats,
    seed.seed,
    doctor.doctor,
)


def register(app: Flask) -> None:
    """Add the commands to `flask --app chatapp`."""
    for command in COMMANDS:
        app.cli.add_command(command)
