"""flask bots: members that are programs."""

import click

from .. import people, tokens, wire
from .command import Group
from .listing import as_json, show

group = Group("bots", help="Members that are programs.")


class NewBot(wire.Payload):
    name: wire.Name


@group.command("create")
@click.argument("name")
@click.option("--token", "with_token", is_flag=True, help="Make a token too and print it below the id.")
@click.option("--assistant", is_flag=True, help="One for which this server answers (see ASSISTANT_BASE_URL).")
def create(name: str, with_token: bool, assistant: bool) -> None:
    """Make a bot, a member of every open room, and print the id."""
    bot = people.create_bot(wire.parse(NewBot, {"name": name}).name, is_assistant=assistant)
    click.echo(bot.id)
    if with_token:
        click.echo(tokens.create(bot, "command line")[1])


@group.command("list")
@as_json
def list_(as_json: bool) -> None:
    """Every bot."""
    show([shown(one) for one in people.everybody() if one.kind == "bot"], as_json)


def shown(bot) -> dict:
    shape = {"id": bot.id, "name": bot.name, "active": bot.active, "assistant": bot.is_assistant}
    return shape | {"createdAt": wire.moment(bot.created_at)}
