"""flask cache: in this version the cache is in the memory of the serving process, and these commands say so."""

from .command import Group, tell
from .listing import as_json, show_json

group = Group("cache", help="Pages of history kept ready.")
WHERE = "The cache is in the memory of the serving process, out of reach from here;"


@group.command("stats")
@as_json
def stats(as_json: bool) -> None:
    """How full the cache is: unknown from outside while it is in memory."""
    tell(f"{WHERE} what it holds is unknown.")
    if as_json:
        show_json({"backend": "memory", "count": None})


@group.command("clear")
@as_json
def clear(as_json: bool) -> None:
    """Empty the cache: nothing to do from outside while it is in memory."""
    tell(f"{WHERE} nothing was cleared. It never shows what is out of date; a restart of the server empties it.")
    if as_json:
        show_json({"backend": "memory", "cleared": None})


@group.command("warm")
@as_json
def warm(as_json: bool) -> None:
    """Fill the cache: nothing to do from outside while it is in memory."""
    tell(f"{WHERE} nothing was filled. Each room's page is kept from its first reader on.")
    if as_json:
        show_json({"backend": "memory", "warmed": None})
