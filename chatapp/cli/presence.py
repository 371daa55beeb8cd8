"""flask presence: who is online, over all processes. Without Redis it is in the memory of the serving process, and this
command says so.
"""

from .. import presence, rooms
from .command import Group, tell
from .listing import as_json, show, show_json

group = Group("presence", help="Who is online.")
IN_MEMORY = (
    "Who is online is in the memory of the serving process, unknown here; /metrics there counts the connections."
)
AWAY = "Who is online is in Redis, which cannot be reached."


@group.command("list")
@as_json
def list_(as_json: bool) -> None:
    """How many people are online, room by room."""
    counts = presence.everywhere()
    if counts is not None:
        online = [one for one in rooms.everything() if one.id in counts]
        show([{"id": one.id, "name": one.name, "kind": one.kind, "online": counts[one.id]} for one in online], as_json)
        return
    tell(AWAY if presence.is_shared() else IN_MEMORY)
    if as_json:
        show_json({"count": None, "users": []})
