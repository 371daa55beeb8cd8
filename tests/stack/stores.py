"""Presence kept in a real Redis by several stores of this process, in which what takes seconds takes moments (the
fixtures `linked` and `stores`)."""

import time

GRACE_S = 0.3
BEAT_S = 0.05
LEASE_S = 0.7


def user(person_id):
    return {
        "id": person_id,
        "name": f"Näme {person_id}",
        "kind": "person",
        "avatarUrl": f"/people/{person_id}/avatar.svg",
    }


def ids(answer):
    return [one["id"] for one in answer["users"]]


def went(stores, quiet=3 * GRACE_S):
    """Everything that is told to have ended, by whichever store, until nothing was for so long."""
    found, last = [], time.monotonic()
    while time.monotonic() < last + quiet:
        for store in stores:
            assert store.beat() == []
            new = store.ended()
            found += [(one.room_id, one.user["id"], one.count) for one in new]
            last = time.monotonic() if new else last
        time.sleep(0.02)
    return found
