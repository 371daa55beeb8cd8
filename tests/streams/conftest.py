"""What the tests of streams share: a room where one speaks piece by piece, and a Redis of one's own."""

from types import SimpleNamespace

import pytest

from chatapp.streams import sharing, speaking, tending, texts, voices


@pytest.fixture
def room(workshop):
    return workshop


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """What is joined waits until clock.pumps(), however slow the machine."""
    monkeypatch.setattr(voices, "JOINED_S", 3_600)


@pytest.fixture
def shared(monkeypatch):
    """A Redis of one's own with one stream in it: `shared["text"]`, `shared["state"]` (missing | open | sealed)."""
    held = {"text": b"", "state": "missing", "missed": False}

    def append(_key, offset, piece):
        length = len(held["text"]) // 2
        if held["state"] != "open":
            return held["state"], length
        if offset > length:
            return "gap", length
        held["text"] += piece[2 * (length - offset) :]
        return "ok", length

    def share(_key, text=b""):
        if held["state"] != "sealed" and len(text) >= len(held["text"]):
            held.update(text=bytes(text), state="open")

    def seal(_key):
        if held["state"] == "missing":
            return None
        held["state"] = "sealed"
        return held["text"]

    def there(what):
        return lambda keys: [None if held["state"] == "missing" else what(held["text"])] * len(keys)

    monkeypatch.setattr(texts, "append_shared", append)
    monkeypatch.setattr(texts, "open_shared", share)
    monkeypatch.setattr(texts, "seal_shared", seal)
    monkeypatch.setattr(texts, "read_shared", there(bytes))
    monkeypatch.setattr(texts, "lengths_shared", lambda keys: [-1 if one is None else one for one in there(len)(keys)])
    monkeypatch.setattr(texts, "miss_shared", lambda keys, is_missed: held.update(missed=is_missed))
    monkeypatch.setattr(texts, "missed_shared", lambda keys: [held["missed"]] * len(keys))
    return held


@pytest.fixture
def links(monkeypatch):
    """Redis as streams see it: in use, and not away."""
    link = SimpleNamespace(in_use=True, away=False)
    for module in (sharing, speaking, tending, voices):
        monkeypatch.setattr(module, "redis", link)
    return link


@pytest.fixture
def others(monkeypatch, shared, links):
    """Other processes: `others.append(act)` is what they do when they are called, `shared["calls"]` how often."""
    acts, calls = [], []

    def call_others():
        calls.append(1)
        for act in acts:
            act()

    monkeypatch.setattr(sharing.socketio.server.manager, "call_others", call_others, raising=False)
    shared["calls"] = calls
    return acts
