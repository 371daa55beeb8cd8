"""A room as JSON Lines: the room, its members, then every message in order. `lines_of` writes them, `read_back` makes a
new room of them. Called by the commands. Both go page by page: the size of a room does not matter.
"""

from .reading import read_back
from .writing import lines_of

__all__ = ["lines_of", "read_back"]
