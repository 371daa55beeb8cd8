"""flask stats: the workplace in numbers."""

import click
from flask.cli import with_appcontext

from .. import figures
from .command import Command
from .listing import as_json, show_json

WORDS = {
    "people": "people who may sign in",
    "deactivated": "people and bots turned away",
    "bots": "bots",
    "rooms": "rooms",
    "archivedRooms": "archived rooms",
    "messages": "messages",
    "messagesLastDay": "messages of the last 24 hours",
    "devices": "signed-in devices",
    "tokens": "tokens",
    "streams": "streamed answers",
    "promptTokens": "tokens read for them",
    "completionTokens": "tokens written",
    "estimatedTokens": "of these tokens estimated (of answers that were stopped, or whose source told none)",
}


@click.command("stats", cls=Command)
@as_json
@with_appcontext
def stats(as_json: bool) -> None:
    """The workplace in numbers."""
    numbers = figures.count()
    if as_json:
        show_json(numbers | {"askers": figures.askers()})
        return
    for name, words in WORDS.items():
        click.echo(f"{numbers[name]:>14,}  {words}")
    for one in figures.askers():
        tokens = f"{one['tokens']:,} tokens, {one['estimatedTokens']:,} of them estimated"
        click.echo(f"{one['answers']:>14,}  answers to {one['name']}: {one['seconds']} s, {tokens}")
