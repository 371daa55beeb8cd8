"""flask users: the people of the workplace."""

import click

from .. import passwords, people, wire
from ..errors import Forbidden
from . import finding
from .command import Group, tell
from .listing import as_json, show

group = Group("users", help="The people of the workplace.")
password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of making one up."
)


class NewPerson(wire.Payload):
    name: wire.Name
    email: str


@group.command("create")
@click.argument("name")
@click.argument("email")
@click.option("--admin", is_flag=True, help="An administrator of the whole.")
@password_stdin
def create(name: str, email: str, admin: bool, password_stdin: bool) -> None:
    """Make a person and print the id."""
    ask = wire.parse(NewPerson, {"name": name, "email": email})
    password = chosen_password(password_stdin)
    somebody = people.create(ask.name, ask.email, password, is_admin=admin)
    show_password(password, password_stdin)
    click.echo(somebody.id)


@group.command("list")
@as_json
def list_(as_json: bool) -> None:
    """Everybody, those turned away last."""
    show([shown(one) for one in people.everybody() if one.kind == "person"], as_json)


@group.command("promote")
@click.argument("email")
def promote(email: str) -> None:
    """Make somebody an administrator (EMAIL or id)."""
    somebody = finding.person(email)
    people.promote(somebody)
    tell(f"{somebody.name} is an administrator.")


@group.command("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """Turn somebody away (EMAIL or id); devices, tokens and open connections end."""
    somebody = finding.person(email)
    people.deactivate(somebody)
    tell(f"{somebody.name} cannot sign in any more.")


@group.command("reset-password")
@click.argument("email")
@password_stdin
def reset_password(email: str, password_stdin: bool) -> None:
    """Give somebody (EMAIL or id) a new password; every device of theirs is signed out."""
    somebody = finding.person(email)
    if somebody.kind != "person":
        raise Forbidden("A bot has no password; it uses a token.")
    password = chosen_password(password_stdin)
    people.set_password(somebody, password)
    show_password(password, password_stdin)
    tell(f"{somebody.name} has a new password and is signed out everywhere.")


def chosen_password(from_stdin: bool) -> str:
    if not from_stdin:
        return passwords.make_up()
    # What is no text is kept as half surrogates, which passwords.py turns down by itself.
    with click.open_file("-", encoding="utf-8", errors="surrogateescape") as file:
        return file.readline().rstrip("\r\n")


def show_password(password: str, known: bool) -> None:
    if not known:
        tell(f"The password, shown this once: {password}")


def shown(somebody) -> dict:
    return {
        "id": somebody.id,
        "name": somebody.name,
        "email": somebody.email,
        "isAdmin": somebody.is_admin,
        "active": somebody.active,
        "createdAt": wire.moment(somebody.created_at),
    }
