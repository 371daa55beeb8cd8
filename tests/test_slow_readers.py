"""A slow reader never grows the server: what it will not miss is dropped first, then it is cut; nobody else notices."""

import queue
from types import SimpleNamespace

import pytest
from engineio import packet

from chatapp.realtime import slow_readers

TYPING = '2/chat,["typing",{}]'
MESSAGE = '2/chat,["newMessage",{}]'


class Reader:
    """Never reads."""

    def __init__(self, sockets, eio_sid):
        self.queue, self.closed, self.sockets, self.eio_sid = queue.Queue(), [], sockets, eio_sid
        sockets[eio_sid] = self

    def close(self, **how):
        self.closed.append(how)
        self.sockets.pop(self.eio_sid, None)


@pytest.fixture
def server():
    """A server with a slow and a quick reader; background work is done at once."""
    eio = SimpleNamespace(sockets={}, sent_nowhere=[], reason=SimpleNamespace(TRANSPORT_ERROR="transport error"))
    for eio_sid in ("slow", "quick"):
        Reader(eio.sockets, eio_sid)

    def send_packet(eio_sid, sent):
        eio.sockets[eio_sid].queue.put(sent) if eio_sid in eio.sockets else eio.sent_nowhere.append(sent)

    eio.send_packet = send_packet
    eio.start_background_task = lambda function, *arguments: function(*arguments)
    slow_readers.bound(SimpleNamespace(eio=eio))
    return eio


def sends(server, text, times=1, to="slow"):
    for _ in range(times):
        server.send_packet(to, packet.Packet(packet.MESSAGE, text))


def test_a_reader_that_keeps_up_gets_everything(server):
    for text in (TYPING, MESSAGE) * 20:
        sends(server, text, to="quick")
        server.sockets["quick"].queue.get()
    sends(server, TYPING, to="quick")
    assert server.sockets["quick"].queue.qsize() == 1


def test_what_nobody_will_miss_is_dropped_first(server):
    slow = server.sockets["slow"]
    sends(server, MESSAGE, slow_readers.PASSING_MAX)
    sends(server, TYPING, 500)
    assert slow.queue.qsize() == slow_readers.PASSING_MAX
    sends(server, MESSAGE)
    assert slow.queue.qsize() == slow_readers.PASSING_MAX + 1 and slow.closed == []


def test_then_it_is_cut_and_what_waited_is_let_go(server):
    slow = server.sockets["slow"]
    sends(server, MESSAGE, slow_readers.PACKETS_MAX)
    assert slow.closed == [] and slow.queue.qsize() == slow_readers.PACKETS_MAX
    sends(server, MESSAGE, 50)
    assert slow.closed == [{"wait": False, "abort": True, "reason": "transport error"}]
    assert list(slow.queue.queue) == [None]  # which ends its writer
    assert len(server.sent_nowhere) == 49


def test_long_messages_weigh_more(server):
    slow = server.sockets["slow"]
    sends(server, MESSAGE + "x" * 50_000, 200)
    assert len(slow.closed) == 1 and slow_readers.weight(slow) == 0


def test_nothing_is_added_while_it_is_being_cut(server):
    cuts, slow = [], server.sockets["slow"]
    server.start_background_task = lambda *given: cuts.append(given)  # not come to it yet
    sends(server, MESSAGE, slow_readers.PACKETS_MAX + 500)
    assert (len(cuts), slow.queue.qsize()) == (1, slow_readers.PACKETS_MAX)


def test_nobody_else_notices(server):
    sends(server, MESSAGE, slow_readers.PACKETS_MAX + 50)
    sends(server, TYPING, 10, to="quick")
    assert server.sockets["quick"].queue.qsize() == 10 and server.sockets["quick"].closed == []


def test_a_reader_that_is_gone_is_the_librarys_business(server):
    sends(server, MESSAGE, to="gone")
    assert len(server.sent_nowhere) == 1
