"""No reader ever gets an answer older than the last commit acknowledged before he asked: also when slow readers, writers,
evictions and flushes interleave in any order that hypothesis can think of."""

import contextvars
import copy
import uuid

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from chatapp import cached, history, members, messages, rooms
from chatapp.extensions import cache, db
from chatapp.models import Person
from tests.cast import flush

KEY_OF = {"latest": cached.history_key, "full": cached.full_key}
SLOW_MAX = 4  # readers on their way at once; each holds a database session
ORDERS = settings(
    max_examples=70,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # shrinking what thousands of commits made would take minutes
    suppress_health_check=list(HealthCheck),
)


class SlowReader:
    """Asks for `question` (latest or full) in three steps: may I; select; store."""

    def __init__(self, app, person_id, room_id, question):
        self.context, self.app, self.question, self.held = contextvars.Context(), app, question, []
        self.run(lambda: app.app_context().push())
        self.membership = self.run(lambda: rooms.membership_of(db.session.get(Person, person_id), room_id))
        self.selected = False

    def run(self, function):
        return self.context.run(function)

    def selects(self):
        """Everything but the storing, which is kept back."""
        store, cache.set = cache.set, lambda key, value, **_: self.held.append((key, copy.deepcopy(value)))
        try:
            self.run(lambda: getattr(history, self.question)(self.membership))
        finally:
            del cache.set
            assert cache.set == store
        self.selected = True

    def stores(self):
        for key, value in self.held:
            self.run(lambda key=key, value=value: cache.set(key, value))

    def goes(self):
        self.run(db.session.remove)


def drawn(data, things):
    """One of them, chosen by place: what stands there has another id in every run."""
    return things[data.draw(st.integers(0, len(things) - 1))]


def test_no_reader_ever_gets_an_old_answer(app, ana, ben, cleo):
    class Interleaving(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.room = ana.makes(uuid.uuid4().hex, members=[ben])
            self.said, self.readers = [], []
            self.session = {"name": ana.gets(f"/sessions/{self.room}")["session"]["name"], "members": {ana.id, ben.id}}

        def in_a_request(self, act):
            def request():
                with app.app_context():
                    return act(rooms.membership_of(ana.row(), self.room))

            return contextvars.Context().run(request)

        @rule(text=st.sampled_from("abc"))
        def somebody_writes(self, text):
            message = self.in_a_request(lambda mine: messages.send(mine, text, str(uuid.uuid4()))[0])
            self.said.append([message.id, text])

        @precondition(lambda self: self.said)
        @rule(data=st.data(), text=st.sampled_from(["d", "e", None]))
        def somebody_edits_or_removes(self, data, text):
            one = drawn(data, self.said[-10:])
            if text is None:
                self.in_a_request(lambda mine: messages.remove(mine.person, one[0]))
                one[1] = None
            elif one[1] is not None:
                self.in_a_request(lambda mine: messages.edit(mine.person, one[0], text))
                one[1] = text

        @rule(name=st.sampled_from(["Kitchen", "Galley", None]))
        def the_room_is_renamed_or_a_member_comes_or_goes(self, name):
            if name is not None:
                self.in_a_request(lambda mine: rooms.revise(mine, name=name))
                self.session["name"] = name
                return
            act = members.put_out if cleo.id in self.session["members"] else members.invite
            self.in_a_request(lambda mine: act(mine, cleo.id))
            self.session["members"] ^= {cleo.id}

        @precondition(lambda self: len(self.readers) < SLOW_MAX)
        @rule(question=st.sampled_from(["latest", "full"]), flushed=st.booleans())
        def a_slow_reader_asks_after_an_eviction_or_a_flush(self, question, flushed):
            with app.app_context():
                flush() if flushed else cache.delete(KEY_OF[question](self.room))
            self.readers.append(SlowReader(app, ben.id, self.room, question))

        @precondition(lambda self: self.readers)
        @rule(data=st.data())
        def a_slow_reader_goes_on(self, data):
            reader = drawn(data, self.readers)
            if not reader.selected:
                reader.selects()
                return
            reader.stores()
            reader.goes()
            self.readers.remove(reader)

        @rule()
        def every_answer_is_as_new_as_the_last_commit(self):
            truth = [(message_id, text or "") for message_id, text in self.said[-10:]]
            for answer in (ben.gets(f"/sessions/{self.room}/messages"), ben.gets(f"/sessions/{self.room}")):
                assert [(one["id"], one["content"]) for one in answer["messages"]] == truth
            assert answer["session"]["name"] == self.session["name"]
            assert {one["id"] for one in answer["members"]} == self.session["members"]

        def teardown(self):
            for reader in self.readers:
                reader.stores()
                reader.goes()
            self.every_answer_is_as_new_as_the_last_commit()

    run_state_machine_as_test(Interleaving, settings=ORDERS)
