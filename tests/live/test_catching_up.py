"""Somebody was away: on return, everything that changed comes once and as it is now, page by page."""

import datetime
import random
import threading
import uuid

import pytest
from sqlalchemy import bindparam, insert, select, update

from chatapp.models import Message, Room
from tests.live.copies import Copy
from tests.live.tabs import a_message

SENT, EDITED, REMOVED = 6_000, 3_000, 1_000
PAGE = 200
A_BATCH = 100  # rows: no longer than that is anybody else kept from writing
messages, rooms = Message.__table__, Room.__table__


class Pen:
    """Changes a room faster than anybody could speak, straight in the database, under the counters' own rules."""

    def __init__(self, house, room, author):
        self.engine, self.room, self.author = house.engine, room, author

    def counted(self, database, count, seqs):
        counters = {"rev": rooms.c.rev + count} | ({"last_seq": rooms.c.last_seq + count} if seqs else {})
        step = update(rooms).where(rooms.c.id == self.room).values(counters).returning(rooms.c.last_seq, rooms.c.rev)
        return database.execute(step).one()

    def sends(self, count, content="as sent"):
        with self.engine.begin() as database:
            last_seq, last_rev = self.counted(database, count, seqs=True)
            rows = [
                {"seq": last_seq - n, "rev": last_rev - n} | self.a_row(f"{content} {last_seq - n}")
                for n in range(count)
            ]
            database.execute(insert(messages), rows)

    def a_row(self, content):
        said = {"room_id": self.room, "author_id": self.author.id, "client_id": str(uuid.uuid4()), "sent_digest": "-"}
        return said | {"content": content, "body_html": f"<p>{content}</p>"}

    def changes(self, message_ids, **values):
        change = update(messages).where(messages.c.id == bindparam("which")).values(rev=bindparam("place"), **values)
        for start in range(0, len(message_ids), A_BATCH):
            batch = message_ids[start : start + A_BATCH]
            with self.engine.begin() as database:
                _, last_rev = self.counted(database, len(batch), seqs=False)
                database.execute(change, [{"which": one, "place": last_rev - n} for n, one in enumerate(batch)])

    def live_messages(self):
        wanted = select(messages.c.id).where(messages.c.room_id == self.room, messages.c.removed_at.is_(None))
        with self.engine.connect() as database:
            return list(database.scalars(wanted.order_by(messages.c.seq)))

    def does_everything(self):
        """Sends, edits and removals, 10,000 in all."""
        for _ in range(SENT // A_BATCH):
            self.sends(A_BATCH)
        moment = datetime.datetime.now(datetime.UTC)
        self.changes(
            random.choices(self.live_messages(), k=EDITED),
            content="as edited",
            body_html="<p>as edited</p>",
            edited_at=moment,
        )
        self.changes(random.sample(self.live_messages(), REMOVED), content="", body_html="", removed_at=moment)


@pytest.fixture
def pen(house, room, ana):
    return Pen(house, room, ana)


def test_10000_changes_missed_come_each_once_none_skipped_as_they_are_now(house, pen, ana, ben, room, note):
    copy, tab = Copy(room), None
    for number in range(20):
        ana.says(f"before {number}", room)
    tab = ben.opens_a_tab(listener=copy.hear)
    copy.enter(tab)
    tab.closes()
    assert (copy.rev, copy.rows()) == (20, house.rows(room))
    pen.does_everything()
    last_rev = 20 + SENT + EDITED + REMOVED
    assert house.counters(room) == (20 + SENT, last_rev)
    tab = ben.opens_a_tab(listener=copy.hear)
    pages = read_page_by_page(tab, room, copy.rev)
    came = [message for page in pages for message in page["messages"]]
    revs = [message["rev"] for message in came]
    assert revs == sorted(set(revs))
    assert len({message["id"] for message in came}) == len(came)
    assert [len(page["messages"]) for page in pages[:-1]] == [PAGE] * (len(pages) - 1)
    assert [page["hasMore"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert {page["lastRev"] for page in pages} == {last_rev}
    copy.read(came, pages[-1]["lastRev"])
    assert copy.rows() == house.rows(room)
    note(f"{last_rev - 20} changes missed: {len(came)} messages on {len(pages)} pages")


def read_page_by_page(tab, room, rev):
    ack = tab.enters(room, afterRev=rev)
    pages = [ack | {"lastRev": ack["session"]["lastRev"]}]
    while pages[-1]["hasMore"]:
        given = {"sessionId": room, "afterRev": pages[-1]["messages"][-1]["rev"], "streams": []}
        pages.append(tab.asks("syncSession", given))
    return pages


def test_long_messages_missed_come_in_answers_that_a_connection_can_bear(pen, ana, ben, room):
    ben.enters(room)
    for _ in range(3):
        pen.sends(30, "&amp;" * 10_000)
    copy = Copy(room)
    copy.enter(ben.tab)
    assert copy.rev == 90 and all(len(row[5]) > 50_000 for row in copy.rows()) and len(copy.rows()) == 90
    page = ben.asks("syncSession", {"sessionId": room, "afterRev": 0, "streams": []})
    assert 1 <= len(page["messages"]) < 10 and page["hasMore"]
    assert ben.tab.is_open and ben.tab.heard("disconnect") == []


def test_what_changes_while_one_catches_up_is_not_skipped_either(house, pen, ana, ben, room):
    for _ in range(20):
        pen.sends(A_BATCH)
    old = pen.live_messages()
    copy = Copy(room)
    speaker = threading.Thread(target=keep_changing, args=(ana.opens_a_tab(), room, old, 150))
    speaker.start()
    copy.enter(ben.opens_a_tab(listener=copy.hear))
    speaker.join()
    ben.enters(room)
    assert copy.rev > 2_000
    ana.says("The end", room)
    ben.hears("newMessage")
    copy.sync(ben.tab)
    assert copy.rows() == house.rows(room)


def keep_changing(tab, room, old, count):
    for number in range(count):
        tab.asks("editMessage", {"messageId": random.choice(old), "content": f"edited while he read {number}"})
        tab.asks("sendMessage", a_message(room, f"said while he read {number}"))


def test_one_who_missed_nothing_is_told_so(ana, ben, room):
    ana.says("Here", room)
    assert ben.enters(room, afterRev=1)["messages"] == []
    ack = ben.asks("syncSession", {"sessionId": room, "afterRev": 1, "streams": []})
    assert ack == {"ok": True, "messages": [], "hasMore": False, "lastRev": 1, "streams": []}


def test_a_client_ahead_of_a_restored_database_is_answered_like_a_first_join(ana, ben, room):
    for number in range(30):
        ana.says(f"number {number}", room)
    first = ben.enters(room)
    assert [one["seq"] for one in first["messages"]] == list(range(21, 31))
    assert ben.enters(room, afterRev=31) == first
    synced = ben.asks("syncSession", {"sessionId": room, "afterRev": 5_000, "streams": []})
    assert synced["messages"] == first["messages"]
    assert (synced["hasMore"], synced["lastRev"]) == (first["hasMore"], 30)


def test_a_first_join_brings_the_last_ten_and_says_that_there_is_more(ana, ben, room):
    assert ben.enters(room)["hasMore"] is False
    for number in range(10):
        ana.says(f"number {number}", room)
    full = ben.enters(room)
    assert ([one["seq"] for one in full["messages"]], full["hasMore"]) == (list(range(1, 11)), False)
    ana.says("one more", room)
    more = ben.enters(room)
    assert ([one["seq"] for one in more["messages"]], more["hasMore"]) == (list(range(2, 12)), True)
    assert (more["session"]["lastSeq"], more["session"]["lastRev"]) == (11, 11)


def test_the_same_changes_come_by_http(house, pen, ana, ben, room):
    pen.sends(A_BATCH)
    pen.sends(A_BATCH)
    pen.changes(pen.live_messages()[:50], content="as edited")
    copy, more = Copy(room), True
    while more:
        page = ben.calls("GET", f"/sessions/{room}/messages?afterRev={copy.rev}&limit=30").json()
        more = page["hasMore"]
        copy.read(page["messages"], None if more else page["lastRev"])
    assert copy.rev == 250
    assert copy.rows() == house.rows(room)
