"""A filled database, for demonstrations and trials: people without a password, closed rooms with all of them, a lively
past. Called by the seed command. Written in short transactions (batches.py), so a running server stays quick.
"""

import json
import random
import secrets
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TextIO

from sqlalchemy import insert

from . import batches, rooms, saying, secret, smalltalk
from .errors import Invalid
from .extensions import db
from .models import Membership, Person, Room, Token, now

DICE = random.Random()  # noqa: S311 (who says what is no secret)
PAST = timedelta(days=14)  # over which the messages are spread
BURST = 6  # messages that follow each other closely
BURST_GAP_S = 40.0
SPEAKERS = 50  # people of a room who say something, at the most
SAME_AGAIN = 0.25  # how often somebody says another thing at once


def fill(people: int, room_count: int, message_count: int, tokens: TextIO | None) -> Iterator[tuple[str, int]]:
    """Add that many of each, and a JSON line for each person to `tokens`. Works while it is iterated, and says how far
    it is: ("people" | "memberships" | "messages", how many so far). Invalid for messages without a room.
    """
    if message_count and not room_count:
        raise Invalid("Messages need a room.")
    begun = now() - PAST
    room_ids, ids = open_rooms(room_count, begun), []
    for some in bring_in(people, room_ids, begun, tokens):
        ids += some
        yield "people", len(ids)
    done = 0
    for batch in batches.paced(memberships(room_ids, ids, begun)):
        db.session.execute(insert(Membership.__table__), batch)
        db.session.commit()
        done += len(batch)
        yield "memberships", done
    done = 0
    for count in say(room_ids, ids, message_count, begun):
        done += count
        yield "messages", done


def open_rooms(count: int, begun: datetime) -> list[str]:
    """The ids of new closed rooms, without anybody yet."""
    names = (smalltalk.room_name(number) for number in range(count))
    made = ({"id": str(uuid.uuid4()), "name": name, "kind": rooms.CLOSED, "created_at": begun} for name in names)
    ids = []
    for batch in batches.paced(made):
        db.session.execute(insert(Room), batch)
        db.session.commit()
        ids += [row["id"] for row in batch]
    return ids


def bring_in(count: int, room_ids: list[str], begun: datetime, tokens: TextIO | None) -> Iterator[list[int]]:
    """Make `count` people, with a token each where `tokens` is given; their ids, batch by batch."""
    run = secrets.token_hex(3)  # of the addresses: the next run makes others
    for batch in batches.paced(newcomers(count, run, begun)):
        keys = [secret.make() for _ in batch] if tokens else []
        ids = list(db.session.scalars(insert(Person).returning(Person.id, sort_by_parameter_order=True), batch))
        if keys:
            held = zip(ids, map(secret.digest, keys), strict=True)
            rows = [{"person_id": one, "secret_hash": digest, "name": "seed"} for one, digest in held]
            db.session.execute(insert(Token), rows)
        db.session.commit()
        for row, key in zip(batch, keys, strict=False):
            line = {"email": row["email"], "name": row["name"], "token": key, "sessionIds": room_ids}
            tokens.write(json.dumps(line, ensure_ascii=False) + "\n")
        yield ids


def newcomers(count: int, run: str, begun: datetime) -> Iterator[dict]:
    for number in range(count):
        name = smalltalk.person_name(number)
        email = f"{name.replace('. ', ' ').replace(' ', '.').lower()}.{number + 1}@{run}.example"
        yield {"name": name, "email": email, "created_at": begun}


def memberships(room_ids: list[str], ids: list[int], begun: datetime) -> Iterator[dict]:
    """Everybody in every room; the first one owns them all."""
    for room_id in room_ids:
        for one in ids:
            role = "owner" if one == ids[0] else "member"
            yield {"room_id": room_id, "person_id": one, "role": role, "joined_at": begun}


def say(room_ids: list[str], ids: list[int], count: int, begun: datetime) -> Iterator[int]:
    """Spread `count` messages over the rooms; how many were said, batch by batch."""
    texts = smalltalk.texts() if count else []
    for place, room_id in enumerate(room_ids):
        share = count // len(room_ids) + (place < count % len(room_ids))
        speakers = DICE.sample(ids, min(SPEAKERS, len(ids)))
        for batch in batches.paced(conversation(speakers, texts, share, begun)):
            saying.place_many(room_id, batch)
            db.session.commit()
            yield len(batch)


def conversation(speakers: list[int], texts: list[tuple[str, str]], count: int, begun: datetime) -> Iterable[dict]:
    """Rows for saying.place_many: several people in turn, in bursts, ever later, the last one a moment ago."""
    author = DICE.choice(speakers)
    first_client_id = uuid.uuid4().int >> 40 << 40  # counted up: neighbours in the index, which is quick to fill
    for number in range(count):
        if DICE.random() > SAME_AGAIN:
            author = DICE.choice(speakers)
        content, body_html = DICE.choice(texts)
        client_id = str(uuid.UUID(int=first_client_id + number))
        yield {
            "author_id": author,
            "client_id": client_id,
            "sent_digest": saying.digest(client_id, content),
            "content": content,
            "body_html": body_html,
            "created_at": begun + moment_of(number, count),
        }


def moment_of(number: int, count: int) -> timedelta:
    """When the `number`-th of `count` messages was said, from the beginning of PAST; later for every number."""
    step, left = PAST.total_seconds() / count, count - 1 - number
    gap = min(step, BURST_GAP_S)
    before_end = step * (left - left % BURST) + gap * (left % BURST + 0.9 * DICE.random())
    return timedelta(milliseconds=int((PAST.total_seconds() - before_end) * 1000))
