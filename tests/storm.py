"""A storm over a few rooms: many threads read, write, edit, remove, rename, let people come and go, evict and flush, all at
once and in random order, some of them slowly. Every answer is held against what had been acknowledged before it was asked.
"""

import random
import threading
import time
import uuid
from dataclasses import dataclass, field

from chatapp import cached, history, members, messages, rooms
from chatapp.errors import NotFound
from chatapp.extensions import db
from chatapp.models import Person

SLOW_S = 0.02  # the most that a slow reader waits between what he read and what he stores
ACTS = (("reads", 58), ("reads_whole", 14), ("writes", 10), ("edits", 5), ("removes", 3), ("moves", 4), ("renames", 2), ("evicts", 3), ("flushes", 1))  # fmt: skip


@dataclass
class Truth:
    """What was acknowledged in a room so far, and what was ever said or true there."""

    lock: threading.Lock = field(default_factory=threading.Lock)  # around this
    changing: threading.Lock = field(default_factory=threading.Lock)  # one change of the room's own at a time
    revs: dict[int, int] = field(default_factory=dict)  # seq → the rev of its last acknowledged change
    ids: dict[int, int] = field(default_factory=dict)
    texts: dict[tuple[int, int], str] = field(default_factory=dict)  # (seq, rev) → what it said
    rev: int = 0
    states: list[tuple] = field(default_factory=list)  # (name, members) in the order of the changes
    known: int = 0  # how many of them are acknowledged

    def said(self, message, text):
        with self.lock:
            self.revs[message.seq] = max(self.revs.get(message.seq, 0), message.rev)
            self.ids[message.seq], self.texts[message.seq, message.rev] = message.id, text
            self.rev = max(self.rev, message.rev)


class Storm:
    """`stale`: every answer that was older than it may be, in words."""

    def __init__(self, app, owner_id, guest_id, room_ids, flush):
        self.app, self.owner_id, self.guest_id, self.flush = app, owner_id, guest_id, flush
        self.truths = {room_id: Truth(states=[("Kitchen", frozenset({owner_id}))], known=1) for room_id in room_ids}
        self.stale, self.seen, self.accidents, self.count = [], [], [], 0

    def blows(self, count, threads=4, seconds=3600, seed=1):
        """Until `count` things were done, or for so long."""
        self.ends, self.most = time.monotonic() + seconds, count
        crowd = [threading.Thread(target=self.somebody, args=(random.Random(seed + n),)) for n in range(threads)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        for room_id, seq, rev, text in self.seen:
            if self.truths[room_id].texts.get((seq, rev), text) != text:
                self.stale.append(f"message {seq} at {rev} reads {text}")
        return self

    def somebody(self, chance):
        names, weights = zip(*ACTS, strict=True)
        while self.count < self.most and time.monotonic() < self.ends and len(self.stale) < 50:
            self.count += 1
            act = getattr(self, chance.choices(names, weights)[0])
            room_id = chance.choice(list(self.truths))
            try:
                with self.app.app_context():
                    act(
                        rooms.membership_of(db.session.get(Person, self.owner_id), room_id),
                        self.truths[room_id],
                        chance,
                    )
            except Exception as error:
                self.accidents.append(error)

    def reads(self, _, truth, chance):
        with truth.lock:
            revs, rev = dict(truth.revs), truth.rev
        asked = rooms.membership_of(db.session.get(Person, self.owner_id), _.room_id)
        time.sleep(chance.choice((0, 0, 0, chance.random() * SLOW_S)))  # slow between the right to read and the page
        self.holds(asked.room_id, history.latest(asked), revs, rev)

    def holds(self, room_id, answer, revs, rev):
        """The page is one piece, ends where the room ends or later, and each message is as new as was known."""
        seqs = [one["seq"] for one in answer["messages"]]
        if answer.get("lastRev", rev) < rev or (revs and (not seqs or seqs[-1] < max(revs))):
            self.stale.append(f"ends at {seqs[-1:]} {answer.get('lastRev')}, known was {max(revs, default=0)} {rev}")
        if seqs != list(range(seqs[0], seqs[0] + len(seqs)) if seqs else []) or len(seqs) < min(10, len(revs)):
            self.stale.append(f"has holes: {seqs}")
        for one in answer["messages"]:
            self.seen.append((room_id, one["seq"], one["rev"], one["content"]))
            if one["rev"] < revs.get(one["seq"], 0):
                self.stale.append(f"message {one['seq']} at {one['rev']}, known was {revs[one['seq']]}")

    def reads_whole(self, membership, truth, _):
        with truth.lock:
            revs, rev, known = dict(truth.revs), truth.rev, truth.known
        asked = rooms.membership_of(membership.person, membership.room_id)
        answer = history.full(asked)
        self.holds(asked.room_id, {"messages": answer["messages"]}, revs, rev)
        with truth.lock:
            possible = truth.states[known - 1 :]
        if answer["session"]["name"] not in {name for name, _ in possible}:
            self.stale.append(f"is called {answer['session']['name']}, not {possible}")
        if frozenset(one["id"] for one in answer["members"]) not in {inside for _, inside in possible}:
            self.stale.append(f"has members {answer['members']}, not {possible}")

    def writes(self, membership, truth, _):
        text = uuid.uuid4().hex
        truth.said(messages.send(membership, text, str(uuid.uuid4()))[0], text)

    def edits(self, membership, truth, chance):
        self.changes(truth, chance, lambda message_id, text: messages.edit(membership.person, message_id, text))

    def removes(self, membership, truth, chance):
        self.changes(truth, chance, lambda message_id, _: messages.remove(membership.person, message_id))

    def changes(self, truth, chance, change):
        with truth.lock:
            recent = sorted(truth.ids.items())[-10:]
        if recent:
            text = uuid.uuid4().hex
            try:
                message = change(chance.choice(recent)[1], text)
            except NotFound:  # it was removed meanwhile
                return
            truth.said(message, "" if message.removed_at else text)

    def moves(self, membership, truth, _):
        """The guest comes or goes."""
        with truth.changing:
            name, inside = truth.states[-1]
            self.becomes(truth, (name, inside ^ {self.guest_id}))
            fresh = rooms.membership_of(membership.person, membership.room_id)
            (members.put_out if self.guest_id in inside else members.invite)(fresh, self.guest_id)
            truth.known = len(truth.states)

    def renames(self, membership, truth, _):
        with truth.changing:
            name = uuid.uuid4().hex
            self.becomes(truth, (name, truth.states[-1][1]))
            rooms.revise(rooms.membership_of(membership.person, membership.room_id), name=name)
            truth.known = len(truth.states)

    def becomes(self, truth, state):
        with truth.lock:
            truth.states.append(state)

    def evicts(self, membership, _, chance):
        chance.choice((cached.forget, lambda room_id: cached.forget_full([room_id])))(membership.room_id)

    def flushes(self, *_):
        self.flush()


def slow_to_store(monkeypatch, seed=7):
    """Now and then a reader stores what he read only after a while."""
    chance, laid = random.Random(seed), cached.laid

    def slowly(*arguments):
        time.sleep(chance.choice((0, 0, chance.random() * SLOW_S)))
        return laid(*arguments)

    monkeypatch.setattr(cached, "laid", slowly)


def believing_everything(monkeypatch):
    """The check of the stamp, taken away: the storm must notice."""

    def trusting(key, _):
        return cached.cache.get(key)

    monkeypatch.setattr(cached, "lying", trusting)
