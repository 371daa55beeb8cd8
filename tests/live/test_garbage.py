"""A client that sends nonsense: it is told so, its connection lives on, and nobody else notices anything."""

import json
import threading
import time

import pytest
import websocket

from tests.live.tabs import CHAT, Rude, a_message

A_CLIENT_ID = "1b6c6d92-7f47-4b2c-a1f8-6b2b8b9f0001"
DEEP = "[" * 3_000 + "]" * 3_000


@pytest.fixture(scope="module")
def settings():
    return {"LOG_LEVEL": "DEBUG"}  # a server of its own, which says all it ever says


@pytest.fixture
def rude(cleo, room):
    rude = Rude(cleo)
    assert rude.asks(1, "joinSession", {"sessionId": room})["ok"]
    yield rude
    rude.socket.close()


def the_rest_live_on(ana, ben, room):
    ana.enters(room)
    ben.enters(room)
    said = ana.says("Undisturbed")
    assert ben.hears("newMessage")["message"] == said
    return said


def this_one_lives_on_too(rude, said, room):
    assert rude.hears("newMessage")["message"] == said
    assert rude.asks(99, "joinSession", {"sessionId": room})["ok"]


ANSWERED = {
    "no such event": ('["x",{}]', "unknown_event"),
    "an event without a payload": ('["x"]', "unknown_event"),
    "an event called connect": ('["connect",{}]', "unknown_event"),
    "an event called disconnect": ('["disconnect","x"]', "unknown_event"),
    "an event called connect_error": ('["connect_error",{}]', "unknown_event"),
    "an event called like a method": ('["trigger_event",{}]', "unknown_event"),
    "an event called like another method": ('["connect_",{}]', "unknown_event"),
    "an event without a name": ('["",{}]', "unknown_event"),
    "an event of dunder name": ('["__class__",{}]', "unknown_event"),
    "an event that is an object": ('{"a":1}', "unknown_event"),
    "an event that is a number": ("[1,2]", "unknown_event"),
    "an event that is null": ("[null]", "unknown_event"),
    "an event that is a list": ("[[1]]", "unknown_event"),
    "an empty event": ("[]", "unknown_event"),
    "no payload": ('["joinSession"]', "invalid"),
    "a payload of null": ('["joinSession",null]', "invalid"),
    "a payload of text": ('["joinSession","x"]', "invalid"),
    "a payload of a list": ('["joinSession",[]]', "invalid"),
    "two payloads": ('["joinSession",{},{}]', "invalid"),
    "a field missing": ('["sendMessage",{"sessionId":"ROOM","content":"x"}]', "invalid"),
    "a field of the wrong type": ('["joinSession",{"sessionId":1}]', "invalid"),
    "a number as text": ('["syncSession",{"sessionId":"ROOM","afterRev":"1"}]', "invalid"),
    "a number that is none": ('["syncSession",{"sessionId":"ROOM","afterRev":NaN}]', "invalid"),
    "a number below zero": ('["syncSession",{"sessionId":"ROOM","afterRev":-1}]', "invalid"),
    "a number with a fraction": ('["syncSession",{"sessionId":"ROOM","afterRev":1.5}]', "invalid"),
    "a number too great": ('["editMessage",{"messageId":1' + "0" * 30 + ',"content":"x"}]', "invalid"),
    "half a surrogate pair": (
        f'["sendMessage",{{"sessionId":"ROOM","content":"\\ud800","clientId":"{A_CLIENT_ID}"}}]',
        "invalid",
    ),
    "a NUL": (f'["sendMessage",{{"sessionId":"ROOM","content":"a\\u0000b","clientId":"{A_CLIENT_ID}"}}]', "invalid"),
    "nothing but white space": (
        f'["sendMessage",{{"sessionId":"ROOM","content":" \\n","clientId":"{A_CLIENT_ID}"}}]',
        "invalid",
    ),
    "a client id that is none": ('["sendMessage",{"sessionId":"ROOM","content":"x","clientId":"1"}]', "invalid"),
    "a message too long": (
        f'["sendMessage",{{"sessionId":"ROOM","content":"{"x" * 10_001}","clientId":"{A_CLIENT_ID}"}}]',
        "too_large",
    ),
    "a message much too long": (
        f'["sendMessage",{{"sessionId":"ROOM","content":"{"x" * 120_000}","clientId":"{A_CLIENT_ID}"}}]',
        "too_large",
    ),
    "no such room": ('["joinSession",{"sessionId":"x"}]', "not_found"),
    "a room called by NUL": ('["joinSession",{"sessionId":"\\u0000"}]', "invalid"),
    "no such message": ('["removeMessage",{"messageId":999999999}]', "not_found"),
    "a thing nested a little": (f'["joinSession",{"[" * 100 + "]" * 100}]', "invalid"),
}


@pytest.mark.parametrize(("packet", "code"), ANSWERED.values(), ids=ANSWERED)
def test_it_is_told_what_is_wrong_and_lives_on(ana, ben, room, rude, packet, code):
    rude.sends(f"42{CHAT},7" + packet.replace("ROOM", room))
    ack = json.loads(rude.reads_until(f"43{CHAT},7[")[len(f"43{CHAT},7") :])[0]
    assert (ack["ok"], ack["error"]["code"]) == (False, code)
    assert set(ack["error"]) <= {"code", "message", "field"}
    this_one_lives_on_too(rude, the_rest_live_on(ana, ben, room), room)


NOT_ANSWERED = {
    "an event without a number to answer": f'42{CHAT},["x",{{}}]',
    "a refused event without a number": f'42{CHAT},["sendMessage",{{}}]',
    "an ack of nothing": f"43{CHAT},999[1]",
    "an ack without a number": f"43{CHAT},[1]",
    "another namespace": '42/nope,1["x",{}]',
    "the root namespace": '42["x",{}]',
    "asking for the root namespace": "40",
    "a thing nested beyond reading": f'42{CHAT},1["joinSession",{DEEP}]',
    "a ping": "2",
    "an upgrade": "5",
    "a noop": "6",
}


@pytest.mark.parametrize("packet", NOT_ANSWERED.values(), ids=NOT_ANSWERED)
def test_it_is_left_unanswered_and_lives_on(ana, ben, room, rude, packet):
    rude.sends(packet)
    this_one_lives_on_too(rude, the_rest_live_on(ana, ben, room), room)


NO_PACKETS = {
    "nothing": "",
    "a word": "hello",
    "no type of Engine.IO": "9",
    "no type of Socket.IO": f"49{CHAT}",
    "an error of connecting": f'44{CHAT},{{"x":1}}',
    "half an event": f'42{CHAT},1["x",',
    "an event nested beyond reading": f'42{CHAT},1["x",' + "[" * 50_000 + "]" * 50_000 + "]",
    "an attachment that never comes": f'451-{CHAT},1["sendMessage",{{"_placeholder":true,"num":0}}]',
    "a million attachments": f'451000000-{CHAT},1["x",{{"_placeholder":true,"num":0}}]',
    "a number nobody can read": f'42{CHAT},1["editMessage",{{"messageId":{"9" * 5_000},"content":"x"}}]',
    "an answer wanted under a long number": f"42{CHAT}," + "9" * 50 + '["x",{}]',
    "connecting a second time": f'40{CHAT},{{"token":"bad"}}',
    "a frame too long": "4" * (128 * 1024 + 1),
    "an opening": "0",
    "a goodbye": "1",
}


@pytest.mark.parametrize("packet", NO_PACKETS.values(), ids=NO_PACKETS)
def test_what_is_no_packet_ends_at_most_that_connection(ana, ben, cleo, room, rude, packet):
    rude.sends(packet)
    the_rest_live_on(ana, ben, room)
    assert Rude(cleo).asks(1, "joinSession", {"sessionId": room})["ok"]


def test_bytes_end_at_most_that_connection(ana, ben, room, rude):
    rude.socket.send_binary(b"\x00\x01\xff")
    the_rest_live_on(ana, ben, room)


def test_one_who_floods_and_never_reads_does_not_stop_others(ana, ben, cleo, room, note):
    ana.enters(room)
    ben.enters(room)
    packet = f'42{CHAT},1["syncSession",{{"sessionId":"{room}","afterRev":0}}]'
    rude = [Rude(cleo) for _ in range(2)]
    over, begun = threading.Event(), threading.Event()

    def flood(one):
        one.socket.settimeout(0.2)
        while not over.is_set():
            try:
                one.sends(packet)
            except (OSError, websocket.WebSocketException):  # nobody takes any more of it, for now or for good
                over.wait(0.02)
            begun.set()

    threads = [threading.Thread(target=flood, args=(one,)) for one in rude]
    for thread in threads:
        thread.start()
    begun.wait(10)
    try:
        waits = [time_of_one(ana, ben, room, number) for number in range(12)]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert max(waits) < 10
    note(f"under a flood a message took {sorted(waits)[6] * 1000:.0f} ms, {max(waits) * 1000:.0f} ms at the most")


def time_of_one(speaker, listener, room, number):
    """Seconds from saying until it was both heard and acknowledged."""
    began = time.monotonic()
    answer = speaker.tab.sends("sendMessage", a_message(room, f"number {number}"))
    listener.hears("newMessage", within=10, rev=number + 1)
    assert answer.wait()["ok"]
    return time.monotonic() - began


def test_the_log_holds_no_traceback_and_nothing_that_was_said(house, ana, ben, cleo, room, rude):
    the_rest_live_on(ana, ben, room)
    rude.asks(7, "sendMessage", {"sessionId": room, "content": "Undisturbed", "clientId": "none"})
    log = house.server.log
    assert not [word for word in ("Traceback", "Undisturbed", "command_failed", ana.token, cleo.token) if word in log]
