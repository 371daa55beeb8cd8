"""That somebody is shown as typing, for a few seconds in Redis: so a process that hears him end it, or hears his
message, can end what another process told. For chatapp/typists.py.
"""

import json

from ..extensions import redis

LASTS_MS = 10_000  # longer than any process lets it go on


def key(room_id: str, person_id: int) -> str:
    return f"typing:{room_id}:{person_id}"


def are_needed() -> bool:
    """Whether other processes may have told it."""
    return redis.in_use


def set_for(room_id: str, user: dict) -> None:
    redis.ask(lambda client: client.set(key(room_id, user["id"]), json.dumps(user), px=LASTS_MS))


def take(whose: list[tuple[str, int]]) -> list[dict | None]:
    """Take the marks of these (room, person) away: the person where there was one, or None. Each is given once."""

    def question(client):
        pipeline = client.pipeline(transaction=False)
        for room_id, person_id in whose:
            pipeline.getdel(key(room_id, person_id))
        return pipeline.execute()

    found = (redis.ask(question) if whose else None) or [None] * len(whose)
    return [json.loads(one) if one else None for one in found]
