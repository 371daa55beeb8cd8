"""State before + event = state after: a small client that only applies events agrees with a fresh look at the server,
after any sequence of things that people do."""

import random

import pytest

SEEDS = range(12)
STEPS = 40
HEARD = {
    "newMessage": "said",
    "messageUpdated": "changed",
    "userOnline": "came",
    "userOffline": "went",
    "sessionRemoved": "put_out",
    "typing": "typed",
}


class Model:
    """What a browser keeps of one room, from one joining and the events after it."""

    def __init__(self, somebody, room):
        self.somebody, self.room = somebody, room
        self.take(somebody.enters(room))
        somebody.hears_all()  # what came with the joining is in its answer

    def take(self, ack):
        self.session = {name: value for name, value in ack["session"].items() if name != "role"}
        self.messages = {one["seq"]: one for one in ack["messages"]}
        self.online = {one["id"]: one for one in ack["online"]["users"]}
        self.count, self.removed = ack["online"]["count"], False
        self.rev = ack["session"]["lastRev"]

    def follow(self):
        for event, payload in self.somebody.hears_all():
            if event == "sessionUpdated":
                if payload["session"]["id"] == self.room:
                    self.session = payload["session"]
                continue
            assert payload["sessionId"] == self.room, (event, payload)
            getattr(self, HEARD[event])(payload)

    def said(self, event):
        assert event["rev"] == self.rev + 1 == event["message"]["rev"]
        assert event["message"]["seq"] == max(self.messages, default=0) + 1
        self.changed(event)

    def changed(self, event):
        assert event["rev"] == self.rev + 1 == event["message"]["rev"]
        self.rev = event["rev"]
        self.messages[event["message"]["seq"]] = event["message"]

    def came(self, event):
        self.online[event["user"]["id"]] = event["user"]
        self.count = event["count"]

    def went(self, event):
        del self.online[event["user"]["id"]]
        self.count = event["count"]

    def put_out(self, _event):
        self.removed = True

    def typed(self, _event):
        pass


class Story:
    """Random things that people do; each a method."""

    def __init__(self, chance, people, room, clock):
        self.chance, self.people, self.room, self.clock = chance, people, room, clock
        self.said, self.tabs = [], {one.name: [] for one in people}
        self.members = {one.name for one in people[:3]}

    def anybody(self):
        return self.chance.choice([one for one in self.people if one.name in self.members])

    def say(self):
        author = self.anybody()
        reply = {"replyTo": self.chance.choice(self.said)[1]["id"]} if self.said and self.chance.random() < 0.3 else {}
        self.said.append((author, author.says(f"words {len(self.said)}", self.room, **reply)))

    def edit(self):
        if self.said:
            author, message = self.chance.choice(self.said)
            author.asks("editMessage", {"messageId": message["id"], "content": f"other words {self.chance.random()}"})

    def remove(self):
        if self.said:
            author, message = self.chance.choice(self.said)
            self.chance.choice([author, self.people[0]]).asks("removeMessage", {"messageId": message["id"]})

    def come(self):
        somebody = self.chance.choice(self.people[1:])
        tab = somebody.opens_a_tab()
        if tab.asks("joinSession", {"sessionId": self.room})["ok"]:
            self.tabs[somebody.name].append(tab)

    def go(self):
        tabs = self.tabs[self.chance.choice(self.people[1:]).name]
        if tabs:
            tab = tabs.pop()
            tab.closes() if self.chance.random() < 0.5 else tab.asks("leaveSession", {"sessionId": self.room})

    def wait(self):
        self.clock.passes(self.chance.choice([0.5, 2, 6]))

    def type(self):
        self.anybody().asks("typing", {"sessionId": self.room, "isTyping": self.chance.random() < 0.7})

    def rename(self):
        change = self.chance.choice([{"name": f"Room {self.chance.random()}"}, {"topic": f"Of {self.chance.random()}"}])
        self.people[0].calls("PATCH", f"/sessions/{self.room}", change)

    def archive(self):
        for archived in (True, False):
            self.people[0].calls("PATCH", f"/sessions/{self.room}", {"archived": archived})

    def change_members(self):
        somebody = self.chance.choice(self.people[2:])
        method = "DELETE" if somebody.name in self.members else "PUT"
        self.people[0].calls(method, f"/sessions/{self.room}/members/{somebody.id}")
        self.members ^= {somebody.name}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_client_that_only_applies_events_knows_what_a_fresh_look_shows(ana, ben, cleo, cast, clock, seed):
    chance, dora = random.Random(seed), cast("Dora")
    room = ana.makes("Kitchen", members=(ben, cleo))
    for n in range(chance.randrange(8)):
        ben.says(f"before {n}", room)
    story = Story(chance, [ana, ben, cleo, dora], room, clock)
    model = Model(ana, room)
    verbs = ["say"] * 4 + [
        "edit",
        "remove",
        "come",
        "come",
        "go",
        "wait",
        "type",
        "rename",
        "archive",
        "change_members",
    ]
    for _ in range(STEPS):
        getattr(story, chance.choice(verbs))()
        model.follow()
    full = ana.gets(f"/sessions/{room}")
    everything = ana.gets(f"/sessions/{room}/messages?after=0&limit=100")
    assert list(model.messages.values()) == everything["messages"]
    assert (model.rev, max(model.messages, default=0)) == (everything["lastRev"], full["session"]["lastSeq"])
    settled = {name: value for name, value in full["session"].items() if name not in ("role", "lastSeq", "lastRev")}
    assert {name: model.session[name] for name in settled} == settled
    online = ana.gets(f"/sessions/{room}/online")
    assert (model.count, list(model.online.values())) == (online["count"], online["users"])


def test_who_is_put_out_and_back_in_agrees_too(ana, ben, room):
    model = Model(ben, room)
    ana.calls("DELETE", f"/sessions/{room}/members/{ben.id}")
    model.follow()
    assert model.removed and ben.gets("/sessions")["sessions"] == []
    ana.calls("PUT", f"/sessions/{room}/members/{ben.id}")
    ana.says("welcome back", room)
    assert [name for name, _ in ben.hears_all()] == ["sessionUpdated"]
    assert ben.gets("/sessions")["sessions"][0]["id"] == room


def test_one_who_was_away_knows_the_same_after_catching_up(ana, ben, room):
    said = [ana.says(f"{n}", room) for n in range(5)]
    model = Model(ben, room)
    ben.tab.closes()
    ana.edits(said[1], "edited"), ana.removes(said[2]), ana.says("new", room)
    tab = ben.opens_a_tab()
    ack = tab.enters(room, afterRev=model.rev)
    for message in ack["messages"]:
        model.messages[message["seq"]] = message
    assert not ack["hasMore"]
    assert list(model.messages.values()) == ana.gets(f"/sessions/{room}/messages")["messages"]
