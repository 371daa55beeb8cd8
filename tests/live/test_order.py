"""Many speak at once: each message gets its place, once, and everybody agrees on it."""

import threading
import time
import uuid
from collections import Counter

from tests.live.copies import Follower
from tests.live.crowds import Crowd
from tests.live.tabs import a_message
from tests.waiting import wait_until

WRITERS, EACH = 32, 60


def test_what_one_client_sends_without_waiting_takes_its_places_in_that_order(ana, ben, room):
    ana.enters(room)
    ben.enters(room)
    answers = [ana.tab.sends("sendMessage", a_message(room, f"number {number}")) for number in range(200)]
    said = [answer.wait()["message"] for answer in answers]
    assert [(one["seq"], one["rev"], one["content"]) for one in said] == [
        (n + 1, n + 1, f"number {n}") for n in range(200)
    ]
    ben.hears("newMessage", within=30, rev=200)
    heard = sorted((one["message"]["seq"], one["message"]["content"]) for one in ben.tab.heard("newMessage"))
    assert heard == [(n + 1, f"number {n}") for n in range(199)]


def test_commands_of_one_connection_take_effect_in_the_order_sent(ana, ben, room):
    ana.enters(room)
    said = ana.says("as it was")
    edits = [ana.tab.sends("editMessage", {"messageId": said["id"], "content": f"edit {n}"}) for n in range(50)]
    removal = ana.tab.sends("removeMessage", {"messageId": said["id"]})
    late = ana.tab.sends("editMessage", {"messageId": said["id"], "content": "too late"})
    assert [one.wait()["message"]["rev"] for one in edits] == list(range(2, 52))
    assert (removal.wait()["message"]["rev"], removal.wait()["message"]["removed"]) == (52, True)
    assert late.wait()["error"]["code"] == "not_found"


def test_32_who_speak_at_once_leave_no_hole_and_everybody_agrees(house, note):
    people = house.people(WRITERS)
    room = people[0].makes(*people[1:])
    tabs, copies = [one.opens_a_tab() for one in people], [Follower(room) for _ in people]
    whole = WRITERS * EACH
    with Crowd(list(zip(people, [room] * WRITERS, copies, strict=True))) as crowd:
        began = time.monotonic()
        acks = at_once([lambda tab=tab: shout(tab, room) for tab in tabs])
        refusals = [ack["error"] for mine in acks for ack in mine if not ack["ok"]]
        assert refusals == []
        wait_until(lambda: all(copy.rev == whole for copy in copies))
        took = time.monotonic() - began
    said = [ack["message"] for mine in acks for ack in mine]
    assert sorted(one["seq"] for one in said) == sorted(one["rev"] for one in said) == list(range(1, whole + 1))
    assert house.counters(room) == (whole, whole)
    rows = house.rows(room)
    for copy in copies:
        assert copy.rows() == rows
        assert Counter(copy.news_of["newMessage"]) == Counter(one["clientId"] for one in said)
    assert crowd.endings() == []
    for mine in acks:  # and each one's own order was kept
        places = [ack["message"]["seq"] for ack in mine]
        assert places == sorted(places)
    note(f"{WRITERS} writers × {EACH}: {whole} messages, {whole * WRITERS} deliveries in {took:.1f} s")


def test_one_client_id_50_times_at_once_is_one_message(house, ana, ben, room):
    ben.enters(room)
    tabs = [ana.opens_a_tab() for _ in range(5)]
    same = a_message(room, "Only once", str(uuid.uuid4()))
    answers = at_once([lambda tab=tab: [tab.sends("sendMessage", same) for _ in range(10)] for tab in tabs])
    by_api = ana.calls("POST", f"/sessions/{room}/messages", same)
    said = [answer.wait()["message"] for mine in answers for answer in mine]
    again = ana.calls("POST", f"/sessions/{room}/messages", same)
    assert by_api.status_code in (200, 201)  # it may be the first of them all
    assert again.status_code == 200
    assert [*said, by_api.json()["message"], again.json()["message"]] == [said[0]] * 52
    assert house.counters(room) == (1, 1)
    ana.says("The end", room)
    assert ben.hears("newMessage")["message"] == said[0]
    assert ben.hears("newMessage")["message"]["content"] == "The end"


def test_one_client_id_at_once_with_two_contents_is_said_once_and_a_conflict_otherwise(house, ana, room):
    client_id, tabs = str(uuid.uuid4()), [ana.opens_a_tab() for _ in range(4)]
    given = [a_message(room, f"version {number % 2}", client_id) for number in range(4)]
    answers = at_once(
        [lambda tab=tab, one=one: tab.sends("sendMessage", one) for tab, one in zip(tabs, given, strict=True)]
    )
    acks = [answer.wait() for answer in answers]
    assert sorted(ack["ok"] for ack in acks) == [False, False, True, True]
    assert {(ack["error"]["code"], ack["error"]["field"]) for ack in acks if not ack["ok"]} == {
        ("conflict", "clientId")
    }
    assert house.counters(room) == (1, 1)


def shout(tab, room):
    """Without waiting but for every tenth: more than 1,000 packets behind, a reader counts as slow and is cut."""
    answers = []
    for number in range(EACH):
        answers.append(tab.sends("sendMessage", a_message(room, f"number {number}")))
        if number % 10 == 9:
            answers[-10].wait(60)
    return [answer.wait(60) for answer in answers]


def at_once(functions):
    """What each returns; all begin in the same moment, in threads of their own."""
    begin, results = threading.Barrier(len(functions)), [None] * len(functions)

    def run(place):
        begin.wait()
        results[place] = functions[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
