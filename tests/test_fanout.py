"""What every client gets through the fan-out is what it gets through the library's own way: the same, in the same order."""

import random
from types import SimpleNamespace

import pytest
import socketio

from chatapp.realtime import clients, connections, fanout, transports
from chatapp.realtime.lines import framed
from chatapp.realtime.transports import Transport

NAMESPACE = "/chat"
ROOMS = ("red", "green", "blue")
EVENTS = ("newMessage", "typing", "streamChunk", "messageUpdated")


class Ear:
    """A line that notes what is written to it."""

    def __init__(self, waits=False):
        self.frames, self.waiting, self.is_behind, self.is_cut = b"", waits, False, False

    def write(self, data):
        self.frames += data


class Server:
    """A Socket.IO server with a manager of ours. `is_fast`: it goes by the fan-out, of which `tick` ends a round."""

    def __init__(self, is_fast):
        self.sio = socketio.Server(async_mode="threading", client_manager=clients.LocalClients())
        self.manager, self.timers = self.sio.manager, []
        transports.install(self.sio)
        if is_fast:
            self.manager.go_straight(lambda seconds, function: self.timers.append(function))
        self.sids = {}

    def opens(self, name, straight):
        transport = Transport(self.sio.eio, name)
        transport.line = Ear() if straight else None
        transport.connected = transport.upgraded = True
        self.sio.eio.sockets[name] = transport
        self.sids[name] = self.manager.connect(name, NAMESPACE)

    def closes(self, name):
        self.manager.disconnect(self.sids.pop(name), NAMESPACE)
        self.sio.eio.sockets[name].closed = True

    def enters(self, name, room):
        self.manager.enter_room(self.sids[name], NAMESPACE, room)

    def leaves(self, name, room):
        self.manager.leave_room(self.sids[name], NAMESPACE, room)

    def tells(self, room, event, number, but):
        skip = [self.sids[name] for name in but if name in self.sids]
        self.manager.emit(event, {"number": number}, NAMESPACE, room=room, skip_sid=skip)

    def tells_one(self, name, number):
        self.manager.emit("sessionUpdated", {"number": number}, NAMESPACE, room=self.sids[name])

    def answers(self, name, number):
        packet = self.sio.packet_class(socketio.packet.ACK, namespace=NAMESPACE, id=number, data=[{"ok": True}])
        self.sio._send_packet(name, packet)

    def tick(self):
        waiting, self.timers = self.timers, []
        for function in waiting:
            function()

    def heard(self, name):
        transport = self.sio.eio.sockets[name]
        queued = b"".join(framed(packet.encode()) for packet in list(transport.queue.queue))
        return queued if transport.line is None else transport.line.frames


def random_life(dice):
    """Steps as (verb, arguments), each possible where it stands."""
    open_now, inside, names = [], {}, iter(f"client{number}" for number in range(10_000))
    for number in range(dice.randint(20, 200)):
        verb = dice.choice("open enter enter leave close tell tell tell tell tell_one answer tick tick".split())
        if verb == "open" or not open_now:
            name = next(names)
            open_now.append(name)
            inside[name] = set()
            yield "opens", name
        elif verb == "tell":
            yield (
                "tells",
                dice.choice(ROOMS),
                dice.choice(EVENTS),
                number,
                dice.sample(open_now, k=dice.choice([0, 0, 1])),
            )
        elif verb == "tick":
            yield ("tick",)
        else:
            name = dice.choice(open_now)
            if verb == "enter":
                room = dice.choice(ROOMS)
                inside[name].add(room)
                yield "enters", name, room
            elif verb == "leave" and inside[name]:
                yield "leaves", name, inside[name].pop()
            elif verb == "close":
                open_now.remove(name)
                yield "closes", name
            elif verb == "tell_one":
                yield "tells_one", name, number
            elif verb == "answer":
                yield "answers", name, number


@pytest.mark.parametrize("seed", range(300))
def test_every_client_gets_what_the_library_would_give_it(seed):
    dice = random.Random(seed)
    fast, slow = Server(is_fast=True), Server(is_fast=False)
    for verb, *given in random_life(dice):
        if verb == "opens":
            straight = dice.random() < 0.8
            fast.opens(*given, straight)
            slow.opens(*given, straight)
        else:
            getattr(fast, verb)(*given)
            if verb != "tick":
                getattr(slow, verb)(*given)
    fast.tick()
    assert fast.sio.eio.sockets
    for name in fast.sio.eio.sockets:
        assert fast.heard(name) == slow.heard(name), name


@pytest.fixture
def room():
    """A fast server with three clients in one room."""
    server = Server(is_fast=True)
    for name in ("ana", "ben", "cem"):
        server.opens(name, straight=True)
        server.enters(name, "red")
    return server


def test_what_is_told_within_one_round_leaves_together(room, monkeypatch):
    writes = []
    monkeypatch.setattr(Ear, "write", lambda self, data: writes.append(data))
    for number in range(5):
        room.tells("red", "newMessage", number, [])
    assert writes == [] and len(room.timers) == 1
    room.tick()
    assert len(writes) == 3 and len(set(writes)) == 1


def test_an_ack_brings_along_what_was_told_before(room):
    room.tells("red", "newMessage", 1, [])
    room.answers("ana", 7)
    assert room.heard("ana").index(b"newMessage") < room.heard("ana").index(b'"ok"')
    assert room.heard("ben") == b""


def test_who_is_behind_is_not_told_what_passes(room):
    line = room.sio.eio.sockets["ana"].line
    line.waiting, line.is_behind = [b"much"], True
    for event in EVENTS:
        room.tells("red", event, 1, [])
    room.tick()
    assert b"newMessage" in line.frames and b"messageUpdated" in line.frames
    assert b"typing" not in line.frames and b"streamChunk" not in line.frames
    assert b"typing" in room.heard("ben")


def test_a_lonely_event_leaves_at_once_and_many_wait_for_as_long_as_telling_costs(monkeypatch):
    clock, delays, took = [100.0], [], 0.004
    monkeypatch.setattr(fanout, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    rooms = {"red": ["ana"]}

    class Slow(Ear):
        closed = False

        def write(self, data):
            clock[0] += took

    slow = SimpleNamespace(line=Slow(), closed=False)
    fan = fanout.Fanout({"ana": slow}, rooms.get, lambda sid: {"red"}, lambda seconds, _: delays.append(seconds))
    for pause in (0, 0, 0.005, 1):
        clock[0] += pause
        fan.tell("red", "newMessage", "2", frozenset())
        fan.tell_all()
    assert delays == pytest.approx([0, fanout.PACE * took, fanout.PACE * took - 0.005, 0])
    took = 10
    fan.tell("red", "newMessage", "2", frozenset())
    fan.tell_all()
    fan.tell("red", "newMessage", "2", frozenset())
    assert delays[-1] == pytest.approx(fanout.REST_MAX_S)


def test_one_connection_that_ends_costs_the_same_however_many_there_are():
    server = Server(is_fast=True)
    for number in range(500):
        server.opens(f"client{number}", straight=True)
        server.enters(f"client{number}", "red")
    looked = []

    class Watched(dict):
        def __contains__(self, key):
            looked.append(key)
            return super().__contains__(key)

        def items(self):
            raise AssertionError("looked through all rooms")

    server.manager.rooms[NAMESPACE] = Watched(server.manager.rooms[NAMESPACE])
    server.closes("client7")
    assert len(looked) < 10
    assert list(server.manager.rooms[NAMESPACE]) == [None, "red"], "a connection is no room of its own"


def test_rooms_are_listed_as_the_library_lists_them():
    server = Server(is_fast=False)
    server.opens("ana", straight=True)
    sid = server.sids["ana"]
    for one in ROOMS:
        server.enters("ana", one)
    server.leaves("ana", "green")
    assert sorted(server.manager.get_rooms(sid, NAMESPACE)) == sorted([sid, "red", "blue"])
    server.opens("ben", straight=True)
    with pytest.raises(ValueError, match="cannot enter"):
        server.manager.enter_room(server.sids["ben"], NAMESPACE, sid)
    server.closes("ana")
    assert server.manager.get_participants(NAMESPACE, "red") == [] and sid not in server.manager.rooms_of


def test_people_are_skipped_by_the_mark_that_names_them(room):
    connection = connections.Connection(room.sids["ana"], 7, ("token", 1))
    connections.add(connection)
    room.manager.emit("typing", {"number": 1}, NAMESPACE, room="red", skip_sid=[connections.all_of(7)])
    room.tick()
    connections.discard(connection.sid)
    assert room.heard("ana") == b"" and b"typing" in room.heard("ben")
