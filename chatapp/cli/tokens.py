"""flask tokens: how programs prove whom they speak for."""

import click

from .. import tokens, wire
from ..models import Token
from . import finding
from .command import Group, tell
from .listing import as_json, show

group = Group("tokens", help="How programs prove whom they speak for.")


class NewToken(wire.Payload):
    name: wire.Name


@group.command("create")
@click.argument("email")
@click.option("--name", default="command line", show_default=True, help="What it is for.")
def create(email: str, name: str) -> None:
    """Make a token for somebody (EMAIL, or the id of a person or bot) and print it, this once."""
    ask = wire.parse(NewToken, {"name": name})
    click.echo(tokens.create(finding.person(email), ask.name)[1])


@group.command("list")
@click.argument("email", required=False)
@as_json
def list_(email: str | None, as_json: bool) -> None:
    """Every token, or those of EMAIL (or id). The tokens themselves are not kept."""
    found = tokens.of(finding.person(email) if email is not None else None)
    show([shown(one) for one in found], as_json)


@group.command("revoke")
@click.argument("token_id", type=click.IntRange(1, wire.ID_MAX))
def revoke(token_id: int) -> None:
    """End a token, by the id that `list` shows, and the connections opened with it."""
    tokens.revoke(token_id)
    tell(f"Token {token_id} does not work any more.")


def shown(token: Token) -> dict:
    return {
        "id": token.id,
        "name": token.name,
        "personId": token.person_id,
        "email": token.person.email,
        "person": token.person.name,
        "createdAt": wire.moment(token.created_at),
        "lastUsedAt": wire.moment(token.last_used_at),
    }
