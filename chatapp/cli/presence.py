"""flask presence: in this version who is online is in the memory of the serving process, and this command says so."""

from .command import Group, tell
from .listing import as_json, show_json

group = Group("presence", help="Who is online.")


@group.command("list")
@as_json
def list_(as_json: bool) -> None:
    """Who is online: unknown from outside while it is in memory."""
    tell("Who is online is in the memory of the serving process, unknown here; /metrics there counts the connections.")
    if as_json:
        show_json({"count": None, "users": []})
