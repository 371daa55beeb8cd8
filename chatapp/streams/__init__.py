"""Messages that are spoken piece by piece. A stream belongs to its message, never to a connection: whoever speaks may
come back over another one, and it lives on when its viewers leave. Called by the doors and by bots.

speaking.py  begin, push, finish, stop, repeat: what is asked for
voices.py    what this process speaks or hears spoken at the moment (voice.py: one), told to the room in joined chunks
texts.py     the text so far, where every process can read it (sharing.py: also when Redis was away or has forgotten)
endings.py   how it ends, once
turns.py     who may speak at once, and who waits
ours.py      what this process speaks itself
tending.py   saves, beats, ends what runs too long or was left behind
"""

from ..models import AT_WORK
from .ours import Turn
from .speaking import begin, finish, message_of, mine, push, repeat, silence, snapshots, stop
from .tending import end_ours, recover, tend
from .texts import rest_of
from .voices import remind

__all__ = [
    "AT_WORK",
    "Turn",
    "begin",
    "end_ours",
    "finish",
    "message_of",
    "mine",
    "push",
    "recover",
    "remind",
    "repeat",
    "rest_of",
    "silence",
    "snapshots",
    "stop",
    "tend",
]
