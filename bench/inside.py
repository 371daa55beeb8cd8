"""Runs within the application, in the checkout that is measured, with its settings in the environment:

python inside.py history TIMES     what a cached page of history costs, and one that is not: JSON, milliseconds
python inside.py device            a signed-in browser of the first person: its cookie and a room, as JSON
"""

import json
import os
import sys
import time

sys.path.insert(0, os.getcwd())

from sqlalchemy import select, text

from chatapp import cached, create_app, database, devices, history, rooms
from chatapp.extensions import db
from chatapp.models import Membership, Person, Room

WARM = 20
# What a page of history asks for, without anything around it.
BARE = text(
    "SELECT m.*, p.name, p.kind FROM messages m JOIN people p ON p.id = m.author_id"
    " WHERE m.room_id = :room_id ORDER BY m.seq DESC LIMIT 11"
)


def first() -> tuple[Person, str]:
    """The first person, and a room of his."""
    room_id = db.session.scalar(select(Room.id).order_by(Room.created_at, Room.id))
    wanted = select(Person).join(Membership, Membership.person_id == Person.id).where(Membership.room_id == room_id)
    return db.session.scalar(wanted.order_by(Person.id).limit(1)), room_id


def hit(room_id: str) -> float:
    return timed_page(room_id)


def miss(room_id: str) -> float:
    cached.forget(room_id)
    return timed_page(room_id)


def timed_page(room_id: str) -> float:
    db.session.remove()
    membership = rooms.membership_of(first()[0], room_id)
    database.release()  # what was read to get here is no part of it
    begun = time.perf_counter()
    history.latest(membership)
    return (time.perf_counter() - begun) * 1_000


def bare(room_id: str) -> float:
    db.session.remove()
    connection = db.session.connection()
    begun = time.perf_counter()
    connection.execute(BARE, {"room_id": room_id}).fetchall()
    return (time.perf_counter() - begun) * 1_000


def time_history(times: int) -> dict:
    """In turns, so that whatever else the machine does meets all three."""
    room_id, found = first()[1], {"hit": [], "miss": [], "bare": []}
    for number in range(times + WARM):
        for measure in (miss, hit, bare):
            took = measure(room_id)
            if number >= WARM:
                found[measure.__name__].append(took)
    return found


def make_device() -> dict:
    somebody, room_id = first()
    _, key = devices.open_for(somebody, user_agent="bench", address="127.0.0.1")
    return {"cookie": key, "room": room_id}


app = create_app()
with app.app_context():
    print(json.dumps(time_history(int(sys.argv[2])) if sys.argv[1] == "history" else make_device()))
