"""What every command is made of: it runs inside the application, and a refusal becomes one line on standard error."""

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from ..errors import ChatError


class Command(click.Command):
    """A command that ends with exit code 1 and one line, never a traceback, when it is refused."""

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except ChatError as refusal:
            raise click.ClickException(refusal.message) from None
        except SQLAlchemyError as error:
            raise click.ClickException(f"{reason(error)} (flask --app chatapp doctor tells more)") from None


class Group(AppGroup):
    """A noun: its verbs are commands as above."""

    command_class = Command


def reason(error: SQLAlchemyError) -> str:
    """The database's own first line, which holds no values; never the statement."""
    words = str(getattr(error, "orig", None) or type(error).__name__).strip()
    return f"The database refused: {words.splitlines()[0]}"


def tell(line: str) -> None:
    """A word to the operator, apart from what a script reads."""
    click.echo(line, err=True)


class Far:
    """How far a long command is: a line on standard error every so many steps. `what` stands after the number."""

    EVERY = 50_000

    def __init__(self, what: str):
        self.what, self.done = what, 0

    def one_more(self) -> None:
        self.done += 1
        if self.done % self.EVERY == 0:
            tell(f"{self.done:,} {self.what}")
