"""A room as JSON Lines: the room, its members, then every message in order. `lines_of` writes them, `exports` has it
done as a job, `read_back` makes a new room of them. Called by the commands. All go page by page: the size of a room
does not matter.
"""

from . import exports
from .reading import read_back
from .writing import lines_of

__all__ = ["exports", "lines_of", "read_back"]
