"""Who is here, kept in a real Redis by any number of processes: each is a store of its own here."""

import itertools
import random
import time

from chatapp.realtime import leases, presence_upkeep
from chatapp.realtime.presence_shared import Mine
from tests.stack.stores import BEAT_S, GRACE_S, LEASE_S, ids, user, went


def test_tabs_on_several_processes_are_one_person(stores):
    first, second, third = stores
    assert first.arrive("kitchen", user(1), "a") == ("kitchen", user(1), 1)
    assert second.arrive("kitchen", user(1), "b") is None
    assert second.arrive("kitchen", user(2), "c").count == 2
    assert third.who("kitchen") == {"count": 2, "users": [user(1), user(2)]}
    first.depart("kitchen", 1, "a")
    assert went(stores) == []
    second.depart("kitchen", 1, "b")
    assert third.who("kitchen")["count"] == 2
    assert went(stores) == [("kitchen", 1, 1)]
    assert third.who("kitchen") == {"count": 1, "users": [user(2)]}


def test_a_reload_that_leads_to_another_process_shows_nothing(stores):
    first, second, _ = stores
    first.arrive("kitchen", user(1), "a")
    first.depart("kitchen", 1, "a")
    assert second.arrive("kitchen", user(1), "b") is None
    assert went(stores) == []
    assert ids(first.who("kitchen")) == [1]


def test_the_same_connection_arriving_or_leaving_twice_counts_once(stores):
    first, second, _ = stores
    for _ in range(2):
        first.arrive("kitchen", user(1), "a")
    first.depart("kitchen", 1, "a")
    first.depart("kitchen", 1, "a")
    first.depart("kitchen", 9, "z")
    second.depart("nowhere", 1, "a")
    assert went(stores) == [("kitchen", 1, 0)]


def test_nothing_is_left_of_a_room_that_emptied(stores, linked):
    for number, store in enumerate(stores):
        store.arrive("kitchen", user(number), f"s{number}")
        store.depart("kitchen", number, f"s{number}")
    assert len(went(stores)) == 3
    assert list(linked.client.scan_iter()) == ["presence:processes"]
    assert [(one.mine, one.graces, one.listed, one.counts) for one in stores] == [({}, {}, {}, {})] * 3


def test_everything_in_redis_ends_by_itself(stores, linked):
    stores[0].arrive("kitchen", user(1), "a")
    stores[0].next_beat = 0
    stores[0].beat()
    kept = set(linked.client.scan_iter())
    assert "session:kitchen:online" in kept
    assert all(linked.client.pttl(key) > 0 for key in kept)


def test_things_of_another_kind_under_our_names_do_not_last(stores, linked):
    one, two, _ = stores
    one.arrive("kitchen", user(1), "a")
    two.arrive("garden", user(2), "b")
    linked.client.delete("session:kitchen:online", leases.PROCESSES)
    linked.client.set("session:kitchen:online", "somebody else's")
    linked.client.set(leases.PROCESSES, "somebody else's")
    for _ in range(4):
        time.sleep(BEAT_S)
        one.who("kitchen")
        assert [store.beat() for store in stores] == [[], [], []]
    assert (ids(two.who("kitchen")), ids(one.who("garden"))) == ([1], [2])
    assert one.everywhere() == {"kitchen": 1, "garden": 1}


def test_who_is_put_out_is_gone_at_once_when_every_process_obeyed(stores):
    first, second, third = stores
    first.arrive("kitchen", user(1), "a"), second.arrive("kitchen", user(1), "b"), third.arrive("kitchen", user(2), "c")
    assert [one.dismiss("kitchen", 1) for one in stores] == [None, ("kitchen", user(1), 1), None]
    first.arrive("kitchen", user(3), "d")
    first.depart("kitchen", 3, "d")
    assert first.rooms_of(3) == ["kitchen"]
    assert [one.dismiss("kitchen", 3) for one in stores] == [("kitchen", user(3), 1), None, None]
    assert went(stores) == []


def test_a_dead_process_is_noticed_and_each_departure_told_once(stores, short_lease):
    first, second, dead = stores
    for store in stores:
        store.next_beat = 0
        store.beat()
    for number in range(50):
        dead.arrive("kitchen", user(number), f"s{number}")
        dead.arrive(f"attic {number % 7}", user(number), f"s{number}")
    first.arrive("kitchen", user(100), "here")
    second.arrive("kitchen", user(7), "also here")
    gone = [one for one in went([first, second], quiet=LEASE_S + 3 * GRACE_S) if one[0] == "kitchen"]
    assert sorted(one for _, one, _ in gone) == [one for one in range(50) if one != 7]
    assert [count for _, _, count in gone] == list(range(50, 1, -1))
    assert second.who("kitchen")["count"] == 2
    assert {second.who(f"attic {number}")["count"] for number in range(7)} == {0}


def test_a_process_taken_for_dead_is_back_with_all_its_people(stores, short_lease):
    first, second, stalled = stores
    for store in stores:
        store.next_beat = 0
        store.beat()
    stalled.arrive("kitchen", user(1), "a"), first.arrive("kitchen", user(2), "b")
    assert [one for _, one, _ in went([first, second], quiet=LEASE_S + 3 * GRACE_S)] == [1]
    assert went(stores) == []
    assert sorted(ids(first.who("kitchen"))) == [1, 2]


def test_a_crowd_is_told_one_number_a_second_over_all_processes(stores):
    for number in range(150):
        stores[number % 3].arrive("hall", user(number), f"s{number}")
    told, changed = [], [{"hall"} for _ in stores]
    began = time.monotonic()
    while time.monotonic() < began + 2.5:
        for place, store in enumerate(stores):
            now, changed[place] = store.crowds(changed[place])
            told += [(time.monotonic(), count) for _, count in now]
        if time.monotonic() < began + 1.8:
            stores[0].arrive("hall", user(random.randrange(1_000, 9_999)), str(random.random()))
            changed[0] = {"hall"}
        time.sleep(0.02)
    assert 2 <= len(told) <= 3
    assert all(later - earlier > 0.9 for (earlier, _), (later, _) in itertools.pairwise(told))
    assert told[-1][1] == stores[1].who("hall")["count"]
    assert len(stores[1].who("hall")["users"]) == 100


def test_the_faces_of_a_crowd_are_sent_once_and_are_right_when_another_process_lets_one_go(stores, linked):
    first, second, _ = stores
    for number in range(120):
        first.arrive("hall", user(number), f"s{number}")
    kept = second.who("hall")
    assert kept["count"] == 120 and ids(kept) == list(range(100))
    first.arrive("hall", user(120), "s120")
    sent = linked.client.info("stats")["total_net_output_bytes"]
    assert second.who("hall")["count"] == 121 and second.who("hall")["users"] is kept["users"]
    assert linked.client.info("stats")["total_net_output_bytes"] - sent < 10_000, "a hundred people are more"
    first.dismiss("hall", 7)
    after = second.who("hall")
    assert after["count"] == 120 and 7 not in ids(after) and len(ids(after)) == 100


def test_the_faces_of_a_room_that_was_empty_meanwhile_count_no_more(stores, linked):
    first, second, _ = stores
    for number in range(101):
        first.arrive("hall", user(number), f"s{number}")
    assert len(second.who("hall")["users"]) == 100
    linked.client.delete(*linked.client.scan_iter("*hall*"))
    for number in range(200, 301):
        first.arrive("hall", user(number), f"t{number}")
    assert ids(second.who("hall")) == list(range(200, 300))


def test_a_crowd_that_is_none_any_more_is_named_whole(stores):
    first, second, _ = stores
    for number in range(101):
        first.arrive("hall", user(number), f"s{number}")
    assert second.who("hall")["count"] == 101
    for number in range(101):
        first.dismiss("hall", number)
        left = second.who("hall")
        assert left["count"] == 100 - number and ids(left) == list(range(number + 1, 101))


def test_who_is_on_his_way_to_redis_does_not_have_the_whole_crowd_told_anew(stores, linked):
    """While many come some always are; and to tell 10,000 of them again every two seconds is what stops a process."""
    first = stores[0]
    for number in range(300):
        first.arrive("hall", user(number), f"s{number}")
    first.mine["hall"][300] = Mine(user(300), {"s300"})  # and Redis has not heard of him yet
    first.arrive("hall", user(301), "s301")
    assert first.doubtful == {"hall"}
    linked.client.config_resetstat()
    first.next_beat = 0
    first.beat()
    assert linked.client.info("commandstats")["cmdstat_evalsha"]["calls"] < 10
    linked.client.delete(*linked.client.scan_iter("*hall*"))
    first.doubtful.add("hall")
    first.next_beat = 0
    first.beat()
    assert first.who("hall")["count"] == 302, "what Redis forgot, it is told"


def test_crowded_is_known_without_asking(stores, linked):
    first, second, _ = stores
    first.arrive("hall", user(0), "s0")
    for number in range(1, 101):
        second.arrive("hall", user(number), f"s{number}")
    asked = linked.client.info("commandstats")
    assert first.count("hall") == 1
    assert linked.client.info("commandstats")["cmdstat_evalsha"] == asked["cmdstat_evalsha"]
    first.next_beat = 0
    first.beat()
    assert first.count("hall") == 101


def test_direct_rooms_are_looked_up_together_and_everybody_is_counted_for_the_operator(stores):
    stores[0].arrive("one", user(1), "a"), stores[1].arrive("one", user(2), "b"), stores[1].arrive("two", user(2), "b")
    assert stores[2].in_rooms(["one", "two", "three"]) == {"one": {1, 2}, "two": {2}, "three": set()}
    assert stores[2].in_rooms([]) == {}
    assert stores[2].everywhere() == {"one": 2, "two": 1}


def test_a_thousand_people_join_one_room_at_the_same_cost_each(stores, linked, note):
    calls = []
    began = time.monotonic()
    for number in range(1_000):
        if number % 100 == 0:
            linked.client.config_resetstat()
        store = stores[number % 3]
        store.arrive("hall", user(number), f"s{number}")
        assert store.who("hall")["count"] == number + 1
        if number % 100 == 99:
            stats = linked.client.info("commandstats")
            calls.append(
                sum(
                    one["calls"]
                    for name, one in stats.items()
                    if name not in ("cmdstat_info", "cmdstat_config|resetstat", "cmdstat_config")
                )
            )
    seconds = time.monotonic() - began
    note(f"1,000 people came into one room in {seconds:.1f} s, {max(calls) / 100:.0f} commands of Redis each at most")
    assert max(calls) / 100 < 40
    assert max(calls[1:]) - min(calls[1:]) < 100
    assert seconds < 5 * 4


def test_looking_through_a_room_puts_no_grace_off(stores):
    first, _, _ = stores
    first.arrive("kitchen", user(1), "a")
    first.depart("kitchen", 1, "a")
    time.sleep(2 * GRACE_S)
    assert presence_upkeep.walk(first, ["kitchen"], [])
    assert [change.user["id"] for change in first.ended()] == [1]
