"""Pages of what was said, the cached one among them, and catching up after an absence."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatapp import cached, history, rooms
from chatapp.extensions import cache
from tests.cast import flush


@pytest.fixture
def talk(ana, ben, room):
    """Thirty messages, seq 1 to 30."""
    return [(ana, ben)[n % 2].says(f"number {n + 1}", room) for n in range(30)]


def page(somebody, room, query=""):
    return somebody.gets(f"/sessions/{room}/messages{query}")


def seqs(answer):
    return [one["seq"] for one in answer["messages"]]


def test_without_a_word_it_is_the_last_ten_oldest_first(ana, talk, room):
    answer = page(ana, room)
    assert answer == {"messages": talk[20:], "hasMore": True, "lastRev": 30}
    assert page(ana, room) == answer


def test_an_empty_room_has_an_empty_page(ana, room):
    assert page(ana, room) == {"messages": [], "hasMore": False, "lastRev": 0}
    for query in ("?before=1", "?after=0", "?afterRev=0", "?limit=5"):
        assert page(ana, room, query) == {"messages": [], "hasMore": False, "lastRev": 0}


def test_ten_messages_are_all_there_is(ana, room):
    for n in range(10):
        ana.says(str(n), room)
    assert (len(page(ana, room)["messages"]), page(ana, room)["hasMore"]) == (10, False)


@pytest.mark.parametrize(
    ("query", "expected", "has_more"),
    [
        ("?limit=3", [28, 29, 30], True),
        ("?limit=30", list(range(1, 31)), False),
        ("?before=11&limit=4", [7, 8, 9, 10], True),
        ("?before=5&limit=4", [1, 2, 3, 4], False),
        ("?before=4&limit=4", [1, 2, 3], False),
        ("?before=1&limit=4", [], False),
        ("?before=0", [], False),
        ("?before=1000&limit=2", [29, 30], True),
        ("?after=11&limit=4", [12, 13, 14, 15], True),
        ("?after=26&limit=4", [27, 28, 29, 30], False),
        ("?after=27&limit=4", [28, 29, 30], False),
        ("?after=30&limit=4", [], False),
        ("?after=0&limit=100", list(range(1, 31)), False),
        ("?after=9223372036854775807", [], False),
        ("?before=9223372036854775807&limit=1", [30], True),
    ],
)
def test_pages_by_place_say_whether_more_lie_in_the_direction_asked(ana, talk, room, query, expected, has_more):
    answer = page(ana, room, query)
    assert (seqs(answer), answer["hasMore"], answer["lastRev"]) == (expected, has_more, 30)


def test_pages_by_revision_hold_what_changed_as_it_is_now(ana, ben, talk, room):
    edited, removed = ana.edits(talk[0], "changed"), ben.removes(talk[1])
    answer = page(ana, room, "?afterRev=28")
    assert answer == {"messages": [talk[28], talk[29], edited, removed], "hasMore": False, "lastRev": 32}
    first = page(ana, room, "?afterRev=28&limit=3")
    assert first == {"messages": [talk[28], talk[29], edited], "hasMore": True, "lastRev": 32}
    assert page(ana, room, "?afterRev=31&limit=3") == {"messages": [removed], "hasMore": False, "lastRev": 32}
    assert page(ana, room, "?afterRev=32")["messages"] == []


@pytest.mark.parametrize("query", ["?afterRev=31", "?afterRev=9223372036854775807"])
def test_a_revision_that_never_was_is_answered_like_a_first_visit(ana, talk, room, query):
    assert page(ana, room, query) == page(ana, room)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=0", "limit"), ("?limit=101", "limit"), ("?limit=-1", "limit"), ("?limit=ten", "limit"),
        ("?limit=1.5", "limit"), ("?limit=", "limit"), ("?before=-1", "before"), ("?before=x", "before"),
        ("?after=1e3", "after"), ("?after=%201", "after"), ("?afterRev=9223372036854775808", "afterRev"),
        ("?afterRev=%D9%A3", "afterRev"), ("?before=" + "9" * 5_000, "before"), ("?after=%00", "after"),
        ("?before=1&after=2", "before"), ("?after=1&afterRev=2", "before"),
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_is_refused(ana, room, query, field):
    response = ana.calls("GET", f"/sessions/{room}/messages{query}")
    assert (response.status_code, response.json["error"]["code"]) == (422, "invalid")
    assert response.json["error"]["field"] == field


def test_a_thousand_missed_changes_come_page_by_page_each_once(app, ana, ben, room):
    from chatapp import messages

    with app.app_context():
        membership = rooms.membership_of(ana.row(), room)
        said = [messages.send(membership, f"{n}", f"{n:08x}-0000-4000-8000-000000000000")[0].id for n in range(900)]
        for message_id in said[:60]:
            messages.edit(ana.row(), message_id, "edited")
        for message_id in said[40:80]:
            messages.remove(ana.row(), message_id)
    after, got, pages = 0, [], 0
    while True:
        ack = ben.asks("syncSession", {"sessionId": room, "afterRev": after, "streams": []})
        assert ack["ok"] and ack["lastRev"] == 1_000 and ack["streams"] == [] and len(ack["messages"]) <= 200
        got += ack["messages"]
        pages += 1
        if not ack["hasMore"]:
            break
        after = ack["messages"][-1]["rev"]
    assert [one["rev"] for one in got] == sorted({one["rev"] for one in got})
    assert sorted(one["seq"] for one in got) == list(range(1, 901)) and pages == 5
    assert [one["content"] for one in got if one["seq"] <= 40] == ["edited"] * 40
    assert {one["seq"] for one in got if one["removed"]} == set(range(41, 81))


def test_what_changes_between_two_pages_is_not_lost(ana, ben, room, talk):
    first = page(ben, room, "?afterRev=0&limit=20")
    edited = ana.edits(talk[24], "moved behind")
    second = page(ben, room, f"?afterRev={first['messages'][-1]['rev']}&limit=20")
    assert seqs(second) == [21, 22, 23, 24, 26, 27, 28, 29, 30, 25]
    assert second["messages"][-1] == edited


def test_the_middle_of_a_page_around_a_message(inside, ana, talk, room):
    membership = rooms.membership_of(ana.row(), room)
    for seq, expected, older, newer in (
        (15, range(10, 20), True, True),
        (30, range(21, 31), True, False),
        (1, range(1, 6), False, True),
    ):
        around, has_newer = history.around(membership, seq, 10)
        assert (seqs(around), around["hasMore"], has_newer) == (list(expected), older, newer)


def test_a_hit_touches_the_database_only_for_the_right_to_read(ana, talk, room, queries):
    page(ana, room)
    with queries() as statements:
        answer = page(ana, room)
    assert len(statements) == 1 and not [one for one in statements if "FROM messages" in one]
    assert answer["messages"] == talk[20:]


def test_what_is_cached_is_json_under_the_keys_of_the_contract(inside, ana, talk, room):
    shown, full = page(ana, room), ana.gets(f"/sessions/{room}")
    for key, answer in ((f"history:{room}", shown), (f"session:{room}:full", full)):
        held = cache.get(key)
        assert json.loads(json.dumps(held)) == held
        assert held["messages"] == answer["messages"]


def test_warming_makes_ready_what_programs_and_what_browsers_open(inside, ana, talk, room):
    assert history.warm(5) == 1
    assert len(cache.get(cached.history_key(room))["messages"]) == 10
    assert "number 30" in cache.get(cached.sheet_key(room))["html"]


def test_what_is_cached_lasts_an_hour(inside, ana, room, monkeypatch):
    from cachelib import simple

    page(ana, room), ana.gets(f"/sessions/{room}")
    real = simple.time
    for later, there in ((3_590, True), (3_610, False)):
        monkeypatch.setattr(simple, "time", lambda later=later: real() + later)
        assert (cache.get(f"history:{room}") is not None, cache.get(f"session:{room}:full") is not None) == (
            there,
            there,
        )


@pytest.mark.parametrize("readers", [12])
def test_many_readers_missing_at_once_cost_one_query(app, ana, talk, room, monkeypatch, readers):
    reads, everybody, read = [], threading.Barrier(readers, timeout=5), history.read

    def slow(*arguments):
        reads.append(arguments)
        threading.Event().wait(0.3)  # long enough for all to have missed
        return read(*arguments)

    def look(_):
        with app.app_context():
            membership = rooms.membership_of(ana.row(), room)
            everybody.wait()
            return seqs(history.latest(membership))

    with app.app_context():
        flush()
    monkeypatch.setattr(history, "read", slow)
    with ThreadPoolExecutor(readers) as crowd:
        answers = list(crowd.map(look, range(readers)))
    assert answers == [list(range(21, 31))] * readers
    assert len(reads) == 1


def test_one_readers_role_is_not_anothers(ana, ben, room):
    assert [one.gets(f"/sessions/{room}")["session"]["role"] for one in (ana, ben, ana)] == ["owner", "member", "owner"]


def test_who_changes_the_answer_changes_nothing_in_the_cache(inside, ana, talk, room):
    membership = rooms.membership_of(ana.row(), room)
    history.latest(membership)["messages"].clear()
    history.full(membership)["members"].clear()
    assert len(history.latest(membership)["messages"]) == 10
    assert len(history.full(membership)["members"]) == 3


def test_who_comes_in_gets_what_was_said_up_to_then_though_many_come_at_once(ana, ben, room, monkeypatch):
    ana.says("one", room)
    assert [one["content"] for one in ben.enters(room)["messages"]] == ["one"]
    with monkeypatch.context() as away:
        away.setattr(cached, "kept", None)
        again = ben.opens_a_tab().enters(room)
    assert [one["content"] for one in again["messages"]] == ["one"], "that was at hand"
    two = ana.says("two", room)
    ana.asks("editMessage", {"messageId": two["id"], "content": "two!"})
    assert [one["content"] for one in ben.opens_a_tab().enters(room)["messages"]] == ["one", "two!"]
