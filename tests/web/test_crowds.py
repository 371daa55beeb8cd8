"""What a member does costs as much in a room of thousands as in a small one. Counted in calls, not in time."""

import sys
import uuid

import pytest
from sqlalchemy import insert

from chatapp import presence
from chatapp.extensions import db, socketio
from chatapp.models import Membership, Person, now
from chatapp.web.sockets import ChatNamespace
from tests.cast import outside


@pytest.fixture
def work():
    """`work(act)`: how many calls of functions `act()` took."""

    def count(act):
        calls = 0

        def note(_frame, event, _argument):
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(note)
        try:
            act()
        finally:
            sys.setprofile(None)
        return calls

    return count


@pytest.fixture
def crowd(app):
    """`crowd(room, first, last)`: so many more are members of the room, and there."""

    def come(room, first, last):
        ids = [10**6 + number for number in range(first, last)]
        fixed = {"name": "Somebody", "kind": "person", "is_admin": False, "is_assistant": False, "active": True}
        place = {"room_id": room, "role": "member", "answers": "off", "read_seq": 0, "joined_at": now()}
        with app.app_context():
            people = [fixed | {"id": person_id, "created_at": now()} for person_id in ids]
            db.session.execute(insert(Person.__table__), people)
            db.session.execute(insert(Membership.__table__), [place | {"person_id": one} for one in ids])
            db.session.commit()
            for person_id in ids:
                who = {"id": person_id, "name": "Somebody", "kind": "person", "avatarUrl": "/x.svg"}
                presence.arrive(room, who, f"sid {person_id}")

    return come


def test_joining_typing_saying_and_leaving(app, ben, room, crowd, work):
    """(At most a hundred people are named, so it is a crowd in both.)"""
    namespace = ChatNamespace(app)
    namespace._set_server(socketio.server)

    def everything():
        said = {"content": "hi", "clientId": str(uuid.uuid4())}
        steps = {"joinSession": {}, "typing": {"isTyping": True}, "sendMessage": said, "leaveSession": {}}
        for event, more in steps.items():
            assert outside(namespace.trigger_event, event, ben.tab.sid, {"sessionId": room} | more)["ok"]
        ben.hears_all()

    for number in range(10):  # what a first join is shown, from the beginning
        ben.says(f"{number}", room)
    took = []
    for first, last in ((0, 200), (200, 5_000)):
        crowd(room, first, last)
        everything()
        took.append(min(work(everything) for _ in range(3)))
    assert took[1] <= took[0] * 1.02, took
